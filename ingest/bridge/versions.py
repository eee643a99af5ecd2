"""The versions of MQTT that we speak with other brokers. A level is the version as CONNECT names it."""

from enum import StrEnum

LEVEL_3, LEVEL_5 = 4, 5


class Protocol(StrEnum):
    """`auto`: 5 where the broker speaks it."""

    AUTO = "auto"
    V3 = "3.1.1"
    V5 = "5"


LEVELS = {Protocol.AUTO: (LEVEL_5, LEVEL_3), Protocol.V3: (LEVEL_3,), Protocol.V5: (LEVEL_5,)}  # in the order of trying
SPOKEN = {LEVEL_3: Protocol.V3, LEVEL_5: Protocol.V5}

"""What a broker grants, read out of its CONNACK, SUBACK and DISCONNECT; a refusal is an error with its words."""

from collections.abc import Sequence
from dataclasses import dataclass

from ingest.bridge import reasons
from ingest.bridge.packets import CONNACK, FOR_EVER_S, Answer, Publish
from ingest.bridge.properties import DISCONNECT, SUBACK, Property, integer, read, text
from ingest.bridge.versions import LEVEL_3, LEVEL_5
from ingest.errors import BrokerError, BrokerRefusesError, PacketError

_REFUSED = 0x80  # and everything above
_QOS_1 = 1
_NO_PROPERTIES = b"\x00"


@dataclass(frozen=True, kw_only=True)
class Welcome:
    """`resumed`: the broker still has the session. The rest only MQTT 5 says: None, or what 3.1.1 would do."""

    resumed: bool
    keep_alive_s: int | None = None
    receive_maximum: int = 65_535  # what it takes from us; some (EMQX) mean what they send us, too
    session_expiry_s: int = FOR_EVER_S
    client_id: str | None = None
    largest_packet: int | None = None
    shared: bool = True
    wildcards: bool = True


def welcome(level: int, said: Publish | Answer) -> Welcome:
    """Raises OtherLevelError where the other level may do, BrokerRefusesError, BrokerError, PacketError."""
    if not isinstance(said, Answer) or said.kind != CONNACK or len(said.body) < 2:
        raise PacketError("the broker does not answer CONNECT with CONNACK")
    resumed, code = bool(said.body[0] & 1), said.body[1]
    if len(said.body) == 2 and (code or level == LEVEL_3):  # a broker of 3.1.1 refuses whoever speaks 5 like this
        if code:
            raise reasons.returned(code)
        return Welcome(resumed=resumed)
    if level == LEVEL_3:
        raise PacketError("a CONNACK that is longer than it may be")
    properties, end = read(CONNACK, said.body, 2)
    if end != len(said.body):
        raise PacketError("a CONNACK that is longer than it may be")
    if code:
        more = text(properties, Property.REASON) or text(properties, Property.SERVER_REFERENCE)
        raise reasons.refused(code, more)
    return Welcome(
        resumed=resumed,
        receive_maximum=integer(properties, Property.RECEIVE_MAXIMUM, 65_535),
        keep_alive_s=integer(properties, Property.SERVER_KEEP_ALIVE_S, None),
        session_expiry_s=integer(properties, Property.SESSION_EXPIRY_S, FOR_EVER_S),
        client_id=text(properties, Property.ASSIGNED_CLIENT_ID),
        largest_packet=integer(properties, Property.MAXIMUM_PACKET_BYTES, None),
        shared=bool(integer(properties, Property.SHARED_AVAILABLE, 1)),
        wildcards=bool(integer(properties, Property.WILDCARDS_AVAILABLE, 1)),
    )


def check(offered: Welcome, filters: Sequence[str], subscription: bytes) -> None:
    """Raises BrokerRefusesError for what the broker has said that it does not have."""
    if not offered.shared and any(each.startswith("$share/") for each in filters):
        raise BrokerRefusesError(f"the broker refuses us: {reasons.words(0x9E)}")
    if not offered.wildcards and any("+" in each or "#" in each for each in filters):
        raise BrokerRefusesError(f"the broker refuses us: {reasons.words(0xA2)}")
    if offered.largest_packet is not None and len(subscription) > offered.largest_packet:
        raise BrokerRefusesError(f"the broker takes packets of {offered.largest_packet} bytes: ask for fewer filters")


def granted(level: int, body: bytes, filters: Sequence[str]) -> None:
    """Raises BrokerRefusesError unless a SUBACK grants each filter with QoS 1."""
    more, at = None, 2
    if level == LEVEL_5:
        properties, at = read(SUBACK, body, 2)
        more = text(properties, Property.REASON)
    codes = body[at:].ljust(len(filters), b"\x80")
    for asked, code in zip(filters, codes, strict=False):
        if code >= _REFUSED:
            why = f": {more or reasons.words(code)}" if level == LEVEL_5 else ""
            raise BrokerRefusesError(f"the broker does not let us subscribe to {asked!r}{why}")
        if code < _QOS_1:
            raise BrokerRefusesError(f"the broker grants {asked!r} with QoS 0 only, where messages may be lost")


def dismissed(body: bytes) -> BrokerError:
    """What a DISCONNECT says. Raises PacketError."""
    code = body[0] if body else 0
    properties, _ = read(DISCONNECT, body[1:] or _NO_PROPERTIES, 0)
    return reasons.dismissed(code, text(properties, Property.REASON) or text(properties, Property.SERVER_REFERENCE))

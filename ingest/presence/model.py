"""Words of presence: what a device says of itself, what it is found to be, what was out and why."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import IntEnum, StrEnum
from typing import NamedTuple
from uuid import UUID

import numpy as np

from ingest.model import Ints


class Cause(StrEnum):
    """Why something is out."""

    LAST_WILL = "LAST_WILL"  # its broker said so
    SILENCE = "SILENCE"  # it said nothing for longer than it ever does
    DEATH = "DEATH"  # a Sparkplug node's or device's certificate
    DISCONNECTED = "DISCONNECTED"  # a bridge lost its broker
    LOG_DOWN = "LOG_DOWN"
    LOG_FULL = "LOG_FULL"
    WORKER_DOWN = "WORKER_DOWN"  # devices could reach the log, and nobody judged


class Kind(StrEnum):
    DEVICE = "DEVICE"
    GATEWAY = "GATEWAY"
    SITE = "SITE"
    BROKER = "BROKER"
    OURSELVES = "OURSELVES"


class State(IntEnum):
    """Of a device, in arrays; OFFLINE in the record is GONE, DEAD or SILENT here."""

    UNKNOWN = 0
    ONLINE = 1
    SILENT = 2
    GONE = 3
    DEAD = 4
    AWAITED = 5  # what it stands behind is back; it may take its time
    ASLEEP = 6


OUT = {State.SILENT: Cause.SILENCE, State.GONE: Cause.LAST_WILL, State.DEAD: Cause.DEATH}


class Word(NamedTuple):
    """What was said of a device's presence. `place`: of its message in the batch, which gives the order."""

    place: int
    device_no: int
    received_ms: int
    online: bool
    cause: Cause = Cause.LAST_WILL
    sleep_ms: int = 0  # it said itself that it sleeps so long


class BridgeWord(NamedTuple):
    """What a bridge said of the broker that it joins, and which devices came from there since it last spoke."""

    tenant_id: str
    bridge_id: str
    slot: int
    received_ms: int
    broker: str
    connected: bool
    device_ids: tuple[str, ...] = ()


def _nobody() -> Ints:
    return np.zeros(0, np.int64)


@dataclass(frozen=True, kw_only=True)
class Spoken:
    """Who is heard in a batch, in log order: `device_no`, `received_ms` (n,) int64; 0 where nobody is, as in a message
    that we replay ourselves."""

    device_no: Ints = field(default_factory=_nobody)
    received_ms: Ints = field(default_factory=_nobody)
    words: tuple[Word, ...] = ()
    bridges: tuple[BridgeWord, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Outage:
    """One fact. `tenant_id` is empty for ours; `until` is None while it lasts; `children` stand under it."""

    outage_id: UUID
    tenant_id: str
    kind: Kind
    subject: str
    device_no: int | None
    cause: Cause
    since: datetime
    noticed_at: datetime
    until: datetime | None
    patience_ms: int | None
    parent_id: UUID | None
    children: int


@dataclass(frozen=True, kw_only=True)
class Presence:
    """Of one device. `state`: ONLINE, OFFLINE, AWAITED or ASLEEP."""

    device_no: int
    state: str
    since: datetime
    cause: Cause | None
    until: datetime | None
    broker: str | None

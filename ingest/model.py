"""Words of ingest: a message of the log, a batch of readings as arrays, a refusal."""

import re
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]


FIRST_MS = "Foremend-First-Ms"  # the header of a replayed message; MQTT has none, so no device can say it


class Message(NamedTuple):
    """One message of the log. `received_ms` is the log's clock, never ours, so that a replay decides alike."""

    seq: int
    received_ms: int
    subject: str  # `log.{slot}.{tenant}.{device}.up.{kind}`
    payload: bytes
    first_ms: int | None = None  # of a message that is replayed: when the log first received it

    @property
    def judged_ms(self) -> int:
        """The clock by which its `ts` is believed or not: a wrong one does not become right by waiting."""
        return self.received_ms if self.first_ms is None else self.first_ms


class Reason(StrEnum):
    """Why something could not be kept as a reading. Stored with the bytes; the words for people are in the texts."""

    # one refusal for the whole payload
    NOT_JSON = "NOT_JSON"
    NOT_CBOR = "NOT_CBOR"
    NOT_MSGPACK = "NOT_MSGPACK"
    NOT_SPARKPLUG = "NOT_SPARKPLUG"
    SEVERAL_DEVICES = "SEVERAL_DEVICES"
    TOO_LARGE = "TOO_LARGE"
    TOO_DEEP = "TOO_DEEP"
    TOO_MANY_KEYS = "TOO_MANY_KEYS"
    TOO_MANY_READINGS = "TOO_MANY_READINGS"
    TOO_MANY_FLAWS = "TOO_MANY_FLAWS"
    OVER_LIMIT = "OVER_LIMIT"
    EMPTY = "EMPTY"
    UNKNOWN_DEVICE = "UNKNOWN_DEVICE"
    UNKNOWN_KIND = "UNKNOWN_KIND"
    BAD_TOPIC = "BAD_TOPIC"
    NOT_SENML = "NOT_SENML"  # or one record
    NOT_PRESENCE = "NOT_PRESENCE"
    NOT_REPORTED = "NOT_REPORTED"
    NOT_A_RESULT = "NOT_A_RESULT"
    UNKNOWN_COMMAND = "UNKNOWN_COMMAND"
    # one reading
    NOT_A_READING = "NOT_A_READING"
    DUPLICATE_KEY = "DUPLICATE_KEY"
    TS_MISSING = "TS_MISSING"
    TS_NOT_AN_INTEGER = "TS_NOT_AN_INTEGER"
    TS_NOT_A_NUMBER = "TS_NOT_A_NUMBER"
    TS_IN_SECONDS = "TS_IN_SECONDS"
    TS_IN_MILLISECONDS = "TS_IN_MILLISECONDS"
    TS_TOO_OLD = "TS_TOO_OLD"
    TOO_LATE = "TOO_LATE"
    TS_IN_FUTURE = "TS_IN_FUTURE"
    TS_OUT_OF_RANGE = "TS_OUT_OF_RANGE"
    # some metrics of an edge node
    NO_BIRTH = "NO_BIRTH"
    UNKNOWN_ALIAS = "UNKNOWN_ALIAS"
    # one metric
    NOT_A_NUMBER = "NOT_A_NUMBER"
    NOT_FINITE = "NOT_FINITE"
    NUMBER_TOO_LARGE = "NUMBER_TOO_LARGE"
    UNIT_MISMATCH = "UNIT_MISMATCH"
    BAD_TEXT = "BAD_TEXT"
    BAD_METRIC_NAME = "BAD_METRIC_NAME"
    CONFLICT = "CONFLICT"
    # the database would not take it
    NOT_STORABLE = "NOT_STORABLE"


@dataclass(frozen=True, kw_only=True)
class Refusal:
    """What was not kept, why, and its bytes."""

    seq: int
    received_ms: int
    topic: str
    tenant_id: str | None
    device_no: int | None
    reason: Reason
    detail: str
    payload: bytes
    ts_ms: int | None = None
    metric: str | None = None


@dataclass(frozen=True, kw_only=True)
class Batch:
    """Readings of one class as columns, in log order; within one message sorted by `ts_ms`.

    `device_no`, `ts_ms`, `seq`, `received_ms`, `flags`: (n,) int64. `values`: (n, n_metrics) float64, columns in the
    class's order of metrics, NaN where the reading says nothing. `flags`: bit i: metric i is finite but implausible.
    `extra`: n JSON objects as text, or None, for metrics that nobody declared. `filled`: (n,) int64, bit i: metric i
    came with a later message for the same `ts`; None: nothing did.
    """

    class_id: str
    device_no: Ints
    ts_ms: Ints
    seq: Ints
    received_ms: Ints
    values: Floats
    flags: Ints
    extra: list[str | None]
    filled: Ints | None = None

    def __len__(self) -> int:
        return len(self.device_no)

    def where(self, mask: Bools) -> "Batch":
        """The readings that `mask` (n,) picks."""
        return Batch(
            class_id=self.class_id,
            device_no=self.device_no[mask],
            ts_ms=self.ts_ms[mask],
            seq=self.seq[mask],
            received_ms=self.received_ms[mask],
            values=self.values[mask],
            flags=self.flags[mask],
            extra=[text for text, keep in zip(self.extra, mask, strict=True) if keep],
            filled=None if self.filled is None else self.filled[mask],
        )


NEVER_REPLAYED = (Reason.TOO_LARGE, Reason.BAD_TOPIC)  # cut when it was stored; its topic may be another subject
REPLAYABLE = "^fm(/[A-Za-z0-9_-]{1,64}){2}/up(/[A-Za-z0-9_-]+)+$"  # topics that are their subject with other dots


class Replayed(StrEnum):
    """What became of a refusal since somebody sent its bytes through the front door again."""

    NEVER = "NEVER"
    SENT = "SENT"
    REFUSED_AGAIN = "REFUSED_AGAIN"


@dataclass(frozen=True, kw_only=True)
class StoredRefusal:
    """A refusal as it is listed. `device_id`: as the topic says it, known or not; `device_no` is None where it is not.

    `seq`, `received_at`: when the log first received it; `seen`: how often, until `last_seen_at`, as `last_seq`.
    """

    refusal_no: int
    tenant_id: str
    device_id: str
    device_no: int | None
    seq: int
    received_at: datetime
    topic: str
    reason: Reason
    detail: str
    ts: datetime | None
    metric: str | None
    payload: bytes
    seen: int
    last_seq: int
    last_seen_at: datetime
    replays: int
    replayed_at: datetime | None
    replayed_by: str | None
    replayed_seq: int | None

    @property
    def may_be_replayed(self) -> bool:
        whole = self.reason not in NEVER_REPLAYED and re.search(REPLAYABLE, self.topic) is not None
        return whole and self.replayed is not Replayed.SENT

    @property
    def replayed(self) -> Replayed:
        if self.replayed_seq is None:
            return Replayed.NEVER
        return Replayed.REFUSED_AGAIN if self.last_seq >= self.replayed_seq else Replayed.SENT


@dataclass(frozen=True, kw_only=True)
class RefusalFilter:
    """Which refusals of the transaction's tenant; None: whichever. Of times: when the log first received them."""

    reason: Reason | None = None
    device_id: str | None = None
    topic: str | None = None  # a part of it
    since: datetime | None = None
    before: datetime | None = None
    refusal_no: int | None = None


@dataclass(frozen=True, kw_only=True)
class Window:
    """A curve: `ts_ms` (m,), `low` and `high` (m, k) in the order of the metrics asked for, NaN where nothing was said.

    Of raw readings `low` equals `high`; else each point stands for the stretch that begins at its `ts_ms`.
    """

    ts_ms: Ints
    low: Floats
    high: Floats


@dataclass(frozen=True, kw_only=True)
class Newest:
    """A device's newest reading by its own time, when the log received that one, and what it said that its class does
    not declare."""

    ts_ms: int
    received_ms: int
    extra: dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Counts:
    """What the record holds of a device: readings of a span of its time, and all that was refused."""

    readings: int
    from_ms: int | None
    to_ms: int | None
    refused: int  # payloads and readings, as often as they came
    refused_metrics: int
    replayed: int  # refusals of which the bytes were sent through the front door again

"""What a device may send: token buckets of messages, points and bytes, one set for what it measures now and another for
what it buffered.

A fold over the log, so that everybody who reads it decides alike: time is the log's, and only runs forward. While a
clock that was set back catches up, nothing runs in, and nothing is taken away. It counts messages that bring readings;
whatever brings none is refused for its own reason. A message must fit into all three buckets of its set, else it is
refused whole and takes nothing out of any: who sends at twice his rate gets half of it through. What a person replays
is not counted.

A bucket is one number: until when what was taken out of it will have run in again (GCRA, ITU-T I.371), in ns, so that
sums are exact and a batch may end anywhere.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np

from devices.model import ApplianceClass, Catalogue
from ingest import limits
from ingest.apart import apart
from ingest.columns import Log
from ingest.model import Batch, Bools, Ints

KINDS = ("messages", "points", "bytes")
TRAFFIC = ("live", "backfill")
OLD_MS, OLD_CADENCES = 300_000, 3  # what is older when it comes was buffered: no queue on the way is as long
READING_BYTES, METRIC_BYTES = 1024, 128  # at most, in our wordiest format: a SenML record with its full name and unit
_MS_NS, _S_NS, _DAY_S = 1_000_000, 1_000_000_000, 86_400
_LONGEST_MS = 10 * 365 * _DAY_S * 1000  # of a silence: by then every bucket is full
_MOST_NS = 1 << 60


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What the messages of one class ask for, in log order. `place` (n,) in the batch of messages; `newest_ms` (n,):
    their newest readings' time; `wanted` (n, 3): messages, points, bytes."""

    class_id: str
    place: Ints
    device_no: Ints
    newest_ms: Ints
    wanted: Ints

    def where(self, mask: Bools) -> "Asked":
        return Asked(
            class_id=self.class_id,
            place=self.place[mask],
            device_no=self.device_no[mask],
            newest_ms=self.newest_ms[mask],
            wanted=self.wanted[mask],
        )


class Over(NamedTuple):
    """The bucket that a message did not fit into, and what that one allows."""

    traffic: str
    kind: str
    per_s: float
    at_once: int

    def __str__(self) -> str:
        return f"more {self.traffic} {self.kind} than {self.per_s:g} a second and {self.at_once} at once"


@dataclass(frozen=True, kw_only=True)
class Use:
    """What was taken out of whose buckets, and the log's clock. Nothing is remembered before `Allowance.keep`."""

    bucket: Ints
    until_ns: Ints
    now_ns: int
    received_ms: int


@dataclass(frozen=True, kw_only=True)
class _Bounds:
    """Of a class: what one message, point and byte costs (3,), and how much fits in at once (2, 3), by TRAFFIC."""

    old_ms: int
    cost_ns: Ints
    most_ns: Ints
    per_s: tuple[float, ...]

    def over(self, traffic: int, kind: int) -> Over:
        at_once = int(self.most_ns[traffic, kind] // self.cost_ns[kind])
        return Over(TRAFFIC[traffic], KINDS[kind], self.per_s[kind], at_once)


def ask(batch: Batch, log: Log, replayed: Collection[int]) -> Asked:
    """For whole messages, as `ingest.columns.assemble` gives them, but for those replayed (by seq). A point is a value
    that is written: a metric's, or of a reading all that nobody declared together."""
    place = np.searchsorted(log.seq, batch.seq)
    first = np.flatnonzero(np.diff(place, prepend=-1))
    last = np.append(first[1:], len(place)) - 1
    points = np.count_nonzero(~np.isnan(batch.values), axis=1)
    if any(batch.extra):
        points = points + np.array([text is not None for text in batch.extra])
    points = np.add.reduceat(points, first)
    if replayed:
        counts = ~np.isin(batch.seq[first], list(replayed))
        first, last, points = first[counts], last[counts], points[counts]
    return Asked(
        class_id=batch.class_id,
        place=place[first],
        device_no=batch.device_no[first],
        newest_ms=batch.ts_ms[last],
        wanted=np.column_stack([np.ones(len(first), np.int64), points, log.size[place[first]]]),
    )


def together(asked: Sequence[Asked]) -> list[Asked]:
    """One of each class, in log order: what a device says of several things comes out of the same buckets."""
    return [_joined([each for each in asked if each.class_id == name]) for name in {each.class_id for each in asked}]


def _joined(asked: Sequence[Asked]) -> Asked:
    place = np.concatenate([each.place for each in asked])
    order = np.argsort(place, kind="stable")
    return Asked(
        class_id=asked[0].class_id,
        place=place[order],
        device_no=np.concatenate([each.device_no for each in asked])[order],
        newest_ms=np.concatenate([each.newest_ms for each in asked])[order],
        wanted=np.concatenate([each.wanted for each in asked])[order],
    )


class Allowance:
    """The buckets of all devices. Nobody has taken anything out of those not met yet."""

    def __init__(self, catalogue: Catalogue, variants: Mapping[int, str] = MappingProxyType({})) -> None:
        """`variants`: by device_no, the name in `catalogue` of those that are not as their class."""
        self._variants = variants
        self._bounds = {class_id: _bounds(appliance) for class_id, appliance in catalogue.items()}
        self._until_ns = np.zeros((0, len(KINDS)), np.int64)  # (2 * n_devices, 3): live and backfill in turn
        self._now_ns = 0
        self._received_ms = 0

    def judge(self, wanted: Sequence[Asked], received_ms: Ints) -> tuple[dict[int, Over], Use]:
        """Which messages, by place, are over their device's limits. `received_ms` (n_messages,): of the whole batch."""
        passed_ms = np.diff(received_ms, prepend=self._received_ms).clip(0, _LONGEST_MS)
        now_ns = self._now_ns + np.cumsum(passed_ms) * _MS_NS
        over: dict[int, Over] = {}
        buckets, untils_ns = [np.zeros(0, np.int64)], [np.zeros((0, len(KINDS)), np.int64)]
        for name, each in self._apart(wanted):
            bounds = self._bounds[name]
            old = each.newest_ms < received_ms[each.place] - bounds.old_ms
            bucket, until_ns, refused = self._take(bounds, each, 2 * each.device_no + old, now_ns[each.place])
            buckets.append(bucket)
            untils_ns.append(until_ns)
            over |= refused
        use = Use(
            bucket=np.concatenate(buckets),
            until_ns=np.concatenate(untils_ns),
            now_ns=int(now_ns[-1]) if len(now_ns) else self._now_ns,
            received_ms=int(received_ms[-1]) if len(received_ms) else self._received_ms,
        )
        return over, use

    def keep(self, use: Use) -> None:
        """They are committed."""
        self._grow(int(use.bucket.max(initial=-1)) + 1)
        self._until_ns[use.bucket] = use.until_ns
        self._now_ns, self._received_ms = use.now_ns, use.received_ms

    def dump(self) -> dict[str, Any]:
        """The buckets that are not full, and by how much."""
        missing_ns = (self._until_ns - self._now_ns).clip(0)
        bucket = np.flatnonzero(missing_ns.any(axis=1))
        received_ms = np.array([self._received_ms])
        return {"bucket": bucket, "missing_ns": missing_ns[bucket], "received_ms": received_ms}

    def load(self, arrays: Mapping[str, Any]) -> None:
        bucket = arrays["bucket"]
        self._grow(int(bucket.max(initial=-1)) + 1)
        self._until_ns[bucket] = arrays["missing_ns"]
        (self._received_ms,) = arrays["received_ms"].tolist()

    def _take(self, bounds: _Bounds, each: Asked, bucket: Ints, now_ns: Ints) -> tuple[Ints, Ints, dict[int, Over]]:
        """Bucket by bucket, in each the messages in log order."""
        order = np.argsort(bucket, kind="stable")
        bucket, now_ns, cost_ns = bucket[order], now_ns[order], each.wanted[order] * bounds.cost_ns
        first = np.flatnonzero(np.diff(bucket, prepend=-1))
        whose = bucket[first]
        before_ns = self._found(whose)
        taken_ns = np.add.reduceat(cost_ns, first, axis=0)
        # whoever has room for all of his messages at the time of the first has room for each of them
        missing_ns = (before_ns - now_ns[first, None]).clip(0) + taken_ns
        near = np.flatnonzero((missing_ns > bounds.most_ns[whose & 1]).any(axis=1)).tolist()
        after_ns = _run_in(before_ns, now_ns, cost_ns, first, taken_ns)
        over: dict[int, Over] = {}
        ends = [*first.tolist(), len(order)]
        for n in near:
            rows, traffic = slice(ends[n], ends[n + 1]), int(whose[n] & 1)
            after_ns[n], kinds = _one_by_one(before_ns[n], now_ns[rows], cost_ns[rows], bounds.most_ns[traffic])
            for row, kind in kinds.items():
                over[int(each.place[order[ends[n] + row]])] = bounds.over(traffic, kind)
        return whose, after_ns, over

    def _apart(self, wanted: Sequence[Asked]) -> Iterator[tuple[str, Asked]]:
        """What each variant asks for; there is hardly ever more than the class."""
        for each in wanted:
            for name, mask in apart(each.class_id, each.device_no, self._variants):
                part = each if mask is None else each.where(mask)
                if len(part.place):
                    yield name, part

    def _found(self, bucket: Ints) -> Ints:
        found = np.zeros((len(bucket), len(KINDS)), np.int64)
        met = bucket < len(self._until_ns)
        found[met] = self._until_ns[bucket[met]]
        return found

    def _grow(self, buckets: int) -> None:
        more = buckets - len(self._until_ns)
        if more > 0:  # doubled, so that joining devices cost little each
            blank = np.zeros((max(more, len(self._until_ns)), len(KINDS)), np.int64)
            self._until_ns = np.concatenate([self._until_ns, blank])


def _run_in(before_ns: Ints, now_ns: Ints, cost_ns: Ints, first: Ints, taken_ns: Ints) -> Ints:
    """Until when each bucket will be filling if all is taken: since `before_ns`, or since the last time it was full."""
    taken_by = np.cumsum(cost_ns, axis=0)
    full_ns = now_ns[:, None] - (taken_by - cost_ns)
    last = np.append(first[1:], len(now_ns)) - 1
    until_ns: Ints = np.maximum(before_ns + taken_ns, np.maximum.reduceat(full_ns, first, axis=0) + taken_by[last])
    return until_ns


def _one_by_one(before_ns: Ints, now_ns: Ints, cost_ns: Ints, most_ns: Ints) -> tuple[list[int], dict[int, int]]:
    """One bucket's messages in their order: what is left of it, and which rows do not fit, with the kind they lack."""
    until_ns, room_ns = before_ns.tolist(), most_ns.tolist()
    refused = {}
    for row, (now, costs) in enumerate(zip(now_ns.tolist(), cost_ns.tolist(), strict=True)):
        after_ns = [max(now, until) + cost for until, cost in zip(until_ns, costs, strict=True)]
        lacks = [kind for kind, after in enumerate(after_ns) if after - now > room_ns[kind]]
        if lacks:
            refused[row] = lacks[0]
        else:
            until_ns = after_ns
    return until_ns, refused


def _bounds(appliance: ApplianceClass) -> _Bounds:
    """Live: some seconds' worth, and one message of the largest size in any case. Backfill: what a device that measures
    at its class's cadence has buffered when it comes back after the class's whole retention, some times over."""
    said, width = appliance.limits, len(appliance.metrics)
    per_s = (said.messages_per_s, said.points_per_s, said.bytes_per_s)
    largest = np.array([1, limits.READINGS * (width + 1), limits.PAYLOAD_BYTES])
    readings = said.backfill_times * (appliance.retention_days * _DAY_S / appliance.cadence_s + 1)
    buffered = readings * np.array([1, width + 1, READING_BYTES + width * METRIC_BYTES])
    live = np.array(per_s) * said.burst_s
    cost_ns = np.array([round(_S_NS / rate) for rate in per_s])
    most = np.ceil([np.maximum(live, largest), np.maximum(buffered, largest)])
    return _Bounds(
        old_ms=max(OLD_MS, OLD_CADENCES * appliance.cadence_s * 1000),
        cost_ns=cost_ns,
        most_ns=np.minimum(most * cost_ns, _MOST_NS).astype(np.int64),
        per_s=per_s,
    )

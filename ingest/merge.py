"""One row a (device, ts): what is missing is filled, a different value is a conflict, who came first stays.

What a later message filled in is marked, because the engine observes a reading as its first message said it: so its
findings depend neither on where a batch ended nor on whether it read the log or, after a restart, the record.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import orjson

from ingest.columns import extra_text
from ingest.model import Batch, Bools, Floats, Ints, Reason, Refusal


@dataclass(frozen=True, kw_only=True)
class Conflict:
    """A message said `said` where `stored` stands already."""

    seq: int
    received_ms: int
    device_no: int
    ts_ms: int
    metric: str
    said: Any
    stored: Any


def fold(batch: Batch, metrics: tuple[str, ...]) -> tuple[Batch, list[Conflict]]:
    """The batch without repeated keys; the same row twice is an error in one ON CONFLICT DO UPDATE."""
    order = np.lexsort((batch.ts_ms, batch.device_no))  # stable: of equal keys the first in the log comes first
    device_no, ts_ms = batch.device_no[order], batch.ts_ms[order]
    again = np.zeros(len(batch), dtype=np.bool_)
    again[1:] = (device_no[1:] == device_no[:-1]) & (ts_ms[1:] == ts_ms[:-1])
    if not again.any():
        return batch, []
    first = order[np.maximum.accumulate(np.where(again, 0, np.arange(len(batch))))]
    values, flags, extra = batch.values.copy(), batch.flags.copy(), list(batch.extra)
    late = np.zeros(len(batch), dtype=np.int64)
    conflicts: list[Conflict] = []
    for into, row in zip(first[again].tolist(), order[again].tolist(), strict=True):
        conflicts += differences(batch, row, metrics, values[into], extra[into])
        fills = np.isnan(values[into]) & ~np.isnan(values[row])
        values[into, fills] = values[row, fills]
        flags[into] |= flags[row] & _bits(fills)
        late[into] |= _bits(fills) if batch.seq[row] != batch.seq[into] else 0
        extra[into] = _joined(extra[into], extra[row])
    keep = np.ones(len(batch), dtype=np.bool_)
    keep[order[again]] = False
    merged = replace(batch, values=values, flags=flags, extra=extra, filled=late if late.any() else None)
    return merged.where(keep), conflicts


def first_said(batch: Batch) -> Batch:
    """The readings without what later messages filled in."""
    if batch.filled is None:
        return batch
    late = (batch.filled[:, None] >> np.arange(batch.values.shape[1])) & 1 == 1
    return replace(batch, values=np.where(late, np.nan, batch.values), filled=None)


def fills(batch: Batch, place: Ints, there: Floats, extras: Sequence[str | None]) -> Bools:
    """(n,) Which of the rows of `batch` at `place` (n,) say something that the stored one does not."""
    lacks: Bools = np.any(np.isnan(there) & ~np.isnan(batch.values[place]), axis=1)
    texts = [batch.extra[row] for row in place.tolist()]
    if any(texts):
        lacks |= np.array([_adds(text, extra) for text, extra in zip(texts, extras, strict=True)])
    return lacks


def _adds(text: str | None, stored: str | None) -> bool:
    if text is None or text == stored:
        return False
    return stored is None or not orjson.loads(text).keys() <= orjson.loads(stored).keys()


def may_differ(batch: Batch, place: Ints, there: Floats, extras: Sequence[str | None]) -> Bools:
    """(n,) Of the rows of `batch` at `place` (n,), where `differences` may find something. `there`: (n, n_metrics)."""
    said = batch.values[place]
    differs: Bools = ((said != there) & ~np.isnan(said) & ~np.isnan(there)).any(axis=1)
    if any(extras):
        texts = [batch.extra[row] for row in place.tolist()]
        differs |= np.array([None not in pair and pair[0] != pair[1] for pair in zip(texts, extras, strict=True)])
    return differs


def differences(batch: Batch, row: int, metrics: tuple[str, ...], stored: Floats, extra: str | None) -> list[Conflict]:
    """Where a reading of `batch` says something else than what is stored under its key, NaN where nothing is."""
    said = batch.values[row]
    differs = ~np.isnan(said) & ~np.isnan(stored) & (said != stored)
    pairs = [(metrics[i], float(said[i]), float(stored[i])) for i in np.flatnonzero(differs)]
    text = batch.extra[row]
    if text is not None and extra is not None and text != extra:
        there = orjson.loads(extra)
        pairs += [
            (name, value, there[name]) for name, value in orjson.loads(text).items() if _other(there, name, value)
        ]
    return [
        Conflict(
            seq=int(batch.seq[row]),
            received_ms=int(batch.received_ms[row]),
            device_no=int(batch.device_no[row]),
            ts_ms=int(batch.ts_ms[row]),
            metric=name,
            said=value,
            stored=there_is,
        )
        for name, value, there_is in pairs
    ]


def _other(there: dict[str, Any], name: str, value: Any) -> bool:
    """True and 1 are equal in Python; in JSON they are not."""
    return name in there and (there[name] != value or (type(value) is bool) != (type(there[name]) is bool))


def _bits(mask: Bools) -> int:
    return sum(1 << i for i in np.flatnonzero(mask).tolist())


def _joined(stored: str | None, said: str | None) -> str | None:
    if stored is None or said is None:
        return said if stored is None else stored
    return extra_text({**orjson.loads(said), **orjson.loads(stored)})


def refusal(conflict: Conflict, topic: str, tenant_id: str | None) -> Refusal:
    """The conflict as it is listed, with the smallest reading that says it again."""
    return Refusal(
        seq=conflict.seq,
        received_ms=conflict.received_ms,
        topic=topic,
        tenant_id=tenant_id,
        device_no=conflict.device_no,
        reason=Reason.CONFLICT,
        detail=f"{conflict.said!r} where {conflict.stored!r} is stored"[:400],
        payload=orjson.dumps({"ts": conflict.ts_ms, "m": {conflict.metric: conflict.said}}),
        ts_ms=conflict.ts_ms,
        metric=conflict.metric,
    )

"""One row a (device, ts): what is missing is filled, a different value is a conflict, who came first stays.

What a later message filled in is marked, because the engine observes a reading as its first message said it: so its
findings depend neither on where a batch ended nor on whether it read the log or, after a restart, the record.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import orjson

from ingest import limits
from ingest.columns import extra_text
from ingest.model import Batch, Bools, Floats, Ints, Reason, Refusal


@dataclass(frozen=True, kw_only=True)
class Said:
    """What a message said of a (device, ts) that cannot stand there."""

    seq: int
    received_ms: int
    device_no: int
    ts_ms: int


@dataclass(frozen=True, kw_only=True)
class Conflict(Said):
    """A message said `said` where `stored` stands already."""

    metric: str
    said: Any
    stored: Any


@dataclass(frozen=True, kw_only=True)
class Excess(Said):
    """Metrics that nobody declared, beyond as many as a row holds: messages without end could say more of one `ts`."""

    said: dict[str, Any]


Unfit = Conflict | Excess


def fold(batch: Batch, metrics: tuple[str, ...], *, each_message: bool = False) -> tuple[Batch, list[Unfit]]:
    """The batch without repeated keys; the same row twice is an error in one ON CONFLICT DO UPDATE. With `each_message`
    only what one message repeats."""
    order, again = _repeats(batch)
    if each_message:
        again[1:] &= np.diff(batch.seq[order]) == 0
    if not again.any():
        return batch, []
    first = order[np.maximum.accumulate(np.where(again, 0, np.arange(len(batch))))]
    values, flags, extra = batch.values.copy(), batch.flags.copy(), list(batch.extra)
    late = np.zeros(len(batch), dtype=np.int64)
    unfit: list[Unfit] = []
    for into, row in zip(first[again].tolist(), order[again].tolist(), strict=True):
        unfit += differences(batch, row, metrics, values[into], extra[into])
        fills = np.isnan(values[into]) & ~np.isnan(values[row])
        values[into, fills] = values[row, fills]
        flags[into] |= flags[row] & _bits(fills)
        late[into] |= _bits(fills) if batch.seq[row] != batch.seq[into] else 0
        text, excess = fitting(batch, row, extra[row], extra[into])
        extra[into] = _joined(extra[into], text)
        unfit += excess
    keep = np.ones(len(batch), dtype=np.bool_)
    keep[order[again]] = False
    merged = replace(batch, values=values, flags=flags, extra=extra, filled=late if late.any() else None)
    return merged.where(keep), unfit


def says_again(batch: Batch) -> bool:
    return bool(_repeats(batch)[1].any())


def waves(batch: Batch) -> list[Batch]:
    """All that is said first of each (device, ts), then all that is said second, and so on."""
    order, again = _repeats(batch)
    place = np.arange(len(batch))
    turn = np.empty(len(batch), dtype=np.int64)
    turn[order] = place - np.maximum.accumulate(np.where(again, 0, place))
    return [batch.where(turn == number) for number in range(int(turn.max()) + 1)]


def _repeats(batch: Batch) -> tuple[Ints, Bools]:
    """The rows by (device, ts), of equal ones the first in the log first; and which of them have the key of the one
    before."""
    order = np.lexsort((batch.ts_ms, batch.device_no))  # stable
    device_no, ts_ms = batch.device_no[order], batch.ts_ms[order]
    again = np.zeros(len(batch), dtype=np.bool_)
    again[1:] = (device_no[1:] == device_no[:-1]) & (ts_ms[1:] == ts_ms[:-1])
    return order, again


def fitting(batch: Batch, row: int, text: str | None, stored: str | None) -> tuple[str | None, list[Excess]]:
    """What of a reading's `extra`, `text`, finds room beside the stored one: the first that came, so that it does not
    matter where a batch ends."""
    if text is None or stored is None or text == stored:
        return text, []
    there, said = orjson.loads(stored), orjson.loads(text)
    room = limits.KEYS - len(there)
    beyond = dict([(name, value) for name, value in said.items() if name not in there][max(0, room) :])
    if not beyond:
        return text, []
    left = {name: value for name, value in said.items() if name not in beyond}
    return extra_text(left), [Excess(**_whose(batch, row), said=beyond)]


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
    return [Conflict(**_whose(batch, row), metric=name, said=value, stored=there_is) for name, value, there_is in pairs]


def _whose(batch: Batch, row: int) -> dict[str, int]:
    return {name: int(getattr(batch, name)[row]) for name in ("seq", "received_ms", "device_no", "ts_ms")}


def _other(there: dict[str, Any], name: str, value: Any) -> bool:
    """True and 1 are equal in Python; in JSON they are not. The record writes a large float without its exponent, which
    is read as an integer beside it."""
    if name not in there or there[name] == value:
        return name in there and (type(value) is bool) != (type(there[name]) is bool)
    both = {type(value), type(there[name])}
    return both != {int, float} or float(there[name]) != float(value)


def _bits(mask: Bools) -> int:
    return sum(1 << i for i in np.flatnonzero(mask).tolist())


def _joined(stored: str | None, said: str | None) -> str | None:
    if stored is None or said is None:
        return said if stored is None else stored
    there = orjson.loads(stored)  # in front, as it came first
    return extra_text(there | {name: value for name, value in orjson.loads(said).items() if name not in there})


def refusal(unfit: Unfit, topic: str, tenant_id: str | None) -> Refusal:
    """As it is listed, with the smallest reading that says it again."""
    if isinstance(unfit, Conflict):
        reason, metric, said = Reason.CONFLICT, unfit.metric, {unfit.metric: unfit.said}
        detail = f"{unfit.said!r} where {unfit.stored!r} is stored"[:400]
    else:
        reason, metric, said = Reason.TOO_MANY_KEYS, None, unfit.said
        detail = f"{len(said)} more than the {limits.KEYS} undeclared metrics that one ts may have in several messages"
    return Refusal(
        seq=unfit.seq,
        received_ms=unfit.received_ms,
        topic=topic,
        tenant_id=tenant_id,
        device_no=unfit.device_no,
        reason=reason,
        detail=detail,
        payload=orjson.dumps({"ts": unfit.ts_ms, "m": said}),
        ts_ms=unfit.ts_ms,
        metric=metric,
    )

"""The fast path: payloads that are plainly readings, gathered by the metrics that they name.

Checks run over the whole batch at the speed of C (`set(map(type, ...))`); only when one of them fails is every reading
looked at by itself. A message of which anything is odd is named in `odd` and left to ingest.scrutiny.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain, repeat
from operator import itemgetter
from typing import Any

import numpy as np
import orjson

from ingest import limits
from ingest.columns import ORDINAL_BITS, Gathered
from ingest.model import Ints

_ts, _metrics = itemgetter("ts"), itemgetter("m")


@dataclass(slots=True)
class _Readings:
    """Readings of several messages side by side. `slot`: place of the message, then of the reading in it. `own_keys`:
    how many keys of a reading are no metrics, (n,) or the same for all: `ts` and `m`, of a flat one only `ts`."""

    documents: list[Any]
    slot: Ints
    own_keys: Ints | int = 2

    def take(self, rows: Sequence[int]) -> "_Readings":
        picked = np.array(rows, dtype=np.int64)
        own_keys = self.own_keys if isinstance(self.own_keys, int) else self.own_keys[picked]
        return _Readings([self.documents[row] for row in rows], self.slot[picked], own_keys)

    def nested(self) -> "_Readings":
        """Flat ones as if they were not."""
        flat = [type(each) is dict and len(each) > 1 and "ts" in each and "m" not in each for each in self.documents]
        if True not in flat:
            return self
        documents = [_nest(each) if is_flat else each for each, is_flat in zip(self.documents, flat, strict=True)]
        return _Readings(documents, self.slot, 2 - np.array(flat, dtype=np.int64))


def gather(
    payloads: Sequence[bytes], judged_ms: Ints, class_ids: Sequence[str | None], odd: set[int]
) -> list[Gathered]:
    """The trusted readings in groups. `class_ids[i]` is None where message i is refused for its topic."""
    readings = _readings(payloads, class_ids, odd)
    latest_ms = (judged_ms + limits.AHEAD_MS)[readings.slot >> ORDINAL_BITS]
    if not _all_plain(readings.documents, latest_ms):
        readings = _only_plain(readings.nested(), latest_ms, odd)
    if not readings.documents:
        return []
    metrics: list[dict[str, Any]] = list(map(_metrics, readings.documents))
    odd.update(_with_repeated_keys(payloads, readings, metrics))
    return _groups(readings, metrics, class_ids)


def _only_plain(readings: _Readings, latest_ms: Ints, odd: set[int]) -> _Readings:
    """The messages of the others are added to `odd`."""
    if _all_plain(readings.documents, latest_ms):
        return readings
    plain = [_is_plain(each, latest) for each, latest in zip(readings.documents, latest_ms.tolist(), strict=True)]
    odd.update((readings.slot[[not each for each in plain]] >> ORDINAL_BITS).tolist())
    return readings.take([row for row, each in enumerate(plain) if each])


def _nest(reading: dict[str, Any]) -> dict[str, Any]:
    ts_ms = reading.pop("ts")
    return {"ts": ts_ms, "m": reading}


def _readings(payloads: Sequence[bytes], class_ids: Sequence[str | None], odd: set[int]) -> _Readings:
    documents = _documents(payloads, class_ids)
    if set(map(type, documents)) == {dict}:
        return _Readings(documents, np.arange(len(documents), dtype=np.int64) << ORDINAL_BITS)
    every: list[Any] = []
    slots: list[int] = []
    for place, document in enumerate(documents):
        if type(document) is dict:
            every.append(document)
            slots.append(place << ORDINAL_BITS)
        elif type(document) is list and 0 < len(document) <= limits.READINGS:
            every += document
            slots += range(place << ORDINAL_BITS, (place << ORDINAL_BITS) + len(document))
        elif class_ids[place] is not None:
            odd.add(place)
    return _Readings(every, np.array(slots, dtype=np.int64))


def _documents(payloads: Sequence[bytes], class_ids: Sequence[str | None]) -> list[Any]:
    """Each payload as orjson reads it; None for what it refuses, is too large or comes from nowhere."""
    if max(map(len, payloads)) <= limits.PAYLOAD_BYTES and None not in class_ids:
        try:
            return list(map(orjson.loads, payloads))
        except orjson.JSONDecodeError:
            pass
    return [
        _document(payload) if class_id is not None else None
        for payload, class_id in zip(payloads, class_ids, strict=True)
    ]


def _document(payload: bytes) -> Any:
    try:
        return orjson.loads(payload) if len(payload) <= limits.PAYLOAD_BYTES else None
    except orjson.JSONDecodeError:
        return None


def _all_plain(documents: list[Any], latest_ms: Ints) -> bool:
    """`_is_plain` of every reading, at once."""
    if set(map(type, documents)) != {dict} or set(map(len, documents)) != {2}:
        return False
    try:
        ts_ms = list(map(_ts, documents))
        metrics = list(map(_metrics, documents))
    except KeyError:
        return False
    if set(map(type, ts_ms)) != {int} or set(map(type, metrics)) != {dict}:
        return False
    return bool(min(ts_ms) >= limits.OLDEST_MS and max(ts_ms) <= latest_ms.min())


def _is_plain(reading: Any, latest_ms: int) -> bool:
    if type(reading) is not dict or len(reading) != 2:
        return False
    ts_ms = reading.get("ts")
    return type(ts_ms) is int and type(reading.get("m")) is dict and limits.OLDEST_MS <= ts_ms <= latest_ms


def _with_repeated_keys(payloads: Sequence[bytes], readings: _Readings, metrics: list[dict[str, Any]]) -> list[int]:
    """Places of messages with more colons than keys: a key stands twice (orjson keeps the last), or a text has one."""
    keys = np.fromiter(map(len, metrics), dtype=np.int64, count=len(metrics)) + readings.own_keys
    place = readings.slot >> ORDINAL_BITS
    expected = np.bincount(place, weights=keys, minlength=len(payloads))
    colons = np.fromiter(map(bytes.count, payloads, repeat(b":")), dtype=np.int64, count=len(payloads))
    rows: list[int] = np.flatnonzero((colons != expected) & (expected > 0)).tolist()
    return rows


def _groups(readings: _Readings, metrics: list[dict[str, Any]], class_ids: Sequence[str | None]) -> list[Gathered]:
    ts_ms = np.array(list(map(_ts, readings.documents)), dtype=np.int64)
    of_class = [class_ids[place] for place in (readings.slot >> ORDINAL_BITS).tolist()]
    shapes = list(zip(of_class, map(tuple, metrics), strict=True))
    if len(set(shapes)) == 1:
        rows_by_shape = {shapes[0]: list(range(len(shapes)))}
    else:
        rows_by_shape = {}
        for row, shape in enumerate(shapes):
            rows_by_shape.setdefault(shape, []).append(row)
    groups = []
    for (class_id, names), rows in rows_by_shape.items():
        assert class_id is not None
        of_group = metrics if len(rows) == len(metrics) else [metrics[row] for row in rows]
        picked = np.array(rows, dtype=np.int64)
        values = list(chain.from_iterable(map(dict.values, of_group)))
        groups.append(
            Gathered(class_id=class_id, names=names, slot=readings.slot[picked], ts_ms=ts_ms[picked], values=values)
        )
    return groups

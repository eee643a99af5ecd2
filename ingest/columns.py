"""Readings side by side: gathered by the metrics that they name, checked a column at a time, put into one Batch."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from types import NoneType
from typing import Any

import numpy as np
import orjson

from devices.model import ApplianceClass
from ingest import limits, screen
from ingest.model import Batch, Floats, Ints
from ingest.payloads.model import Reading
from ingest.payloads.values import name_flaw, scalar_flaw

ORDINAL_BITS = 9  # of a slot: 400 readings a message
_TRUSTED = {float, int, NoneType}  # bool is none of them: `type` does not see subclasses


@dataclass(frozen=True, kw_only=True)
class Log:
    """What the log says of each message of a batch, (n_messages,) int64."""

    seq: Ints
    received_ms: Ints
    device_no: Ints
    size: Ints  # bytes of the payload


@dataclass(frozen=True, kw_only=True)
class Part:
    """Some readings of one class. `slot`: place of the message in the batch, then of the reading in the message."""

    slot: Ints
    ts_ms: Ints
    values: Floats
    extra: list[str | None]


@dataclass(frozen=True, kw_only=True)
class Gathered:
    """Readings of one class that name the same metrics in the same order."""

    class_id: str
    names: tuple[str, ...]
    slot: Ints
    ts_ms: Ints
    values: list[Any]  # flat, a reading after the other

    @cached_property
    def _numbers(self) -> Floats:
        """(n, n_names), once it is known that nothing but numbers and None is in `values`."""
        return np.array(self.values, dtype=np.float64).reshape(-1, len(self.names))

    def odd_places(self, appliance: ApplianceClass) -> set[int]:
        """Places of the messages that need a careful look: a type, a magnitude or a name that cannot be right."""
        width = len(self.names)
        if not 0 < width <= limits.KEYS:
            return self._places(range(len(self.slot)))
        declared = self._declared(appliance)
        types = set(map(type, self.values))
        if types <= {float, int} and len(declared) == width:
            return self._places(self._too_large(self._numbers))
        if any(name_flaw(name) for place, name in enumerate(self.names) if place not in declared):
            return self._places(range(len(self.slot)))
        return self._places(row for row in range(len(self.slot)) if self._is_odd(row, declared))

    def part(self, appliance: ApplianceClass, odd: set[int]) -> Part:
        """The trusted readings as columns of the class."""
        rows = np.arange(len(self.slot))
        if odd:
            rows = rows[~np.isin(self.slot >> ORDINAL_BITS, np.fromiter(odd, dtype=np.int64))]
        return Part(
            slot=self.slot[rows],
            ts_ms=self.ts_ms[rows],
            values=self._columns(appliance, rows),
            extra=self._extra(appliance, rows),
        )

    def _columns(self, appliance: ApplianceClass, rows: Ints) -> Floats:
        names, width = appliance.metric_names, len(self.names)
        declared = self._declared(appliance)
        if len(declared) == width and len(rows) == len(self.slot):
            said = self._numbers
        else:
            picked = [[self.values[row * width + place] for place in declared] for row in rows.tolist()]
            said = np.array(picked, dtype=np.float64).reshape(len(rows), len(declared))
        if self.names == names:
            return said
        values = np.full((len(rows), len(names)), np.nan)
        values[:, [names.index(self.names[place]) for place in declared]] = said
        return values

    def _extra(self, appliance: ApplianceClass, rows: Ints) -> list[str | None]:
        width = len(self.names)
        declared = set(self._declared(appliance))
        if len(declared) == width:
            return [None] * len(rows)
        others = [(place, name) for place, name in enumerate(self.names) if place not in declared]
        picked = ({name: self.values[row * width + place] for place, name in others} for row in rows.tolist())
        return [extra_text({name: value for name, value in each.items() if value is not None}) for each in picked]

    def _declared(self, appliance: ApplianceClass) -> list[int]:
        known = appliance.metric_names
        if self.names == known:
            return list(range(len(known)))
        return [place for place, name in enumerate(self.names) if name in known]

    def _is_odd(self, row: int, declared: list[int]) -> bool:
        """Whether one reading is not plainly a number in each declared metric and a scalar in each other one."""
        width = len(self.names)
        values = self.values[row * width : (row + 1) * width]
        numbers = [values[place] for place in declared]
        if all(value is None for value in values) or not set(map(type, numbers)) <= _TRUSTED:
            return True
        if any(value is not None and abs(value) >= limits.NUMBER for value in numbers):
            return True
        others = (value for place, value in enumerate(values) if place not in declared)
        return any(value is not None and scalar_flaw(value) is not None for value in others)

    def _too_large(self, values: Floats) -> list[int]:
        rows: list[int] = np.flatnonzero((np.abs(values) >= limits.NUMBER).any(axis=1)).tolist()
        return rows

    def _places(self, rows: Any) -> set[int]:
        return {int(self.slot[row]) >> ORDINAL_BITS for row in rows}


def part_of_readings(appliance: ApplianceClass, readings: Sequence[tuple[int, Reading]]) -> Part:
    """Readings that were read one at a time, with the places of their messages: all of a message, in its order, which
    a stable sort keeps."""
    names = appliance.metric_names
    values = [[reading.values.get(name, np.nan) for name in names] for _, reading in readings]
    return Part(
        slot=np.array([place for place, _ in readings], dtype=np.int64) << ORDINAL_BITS,
        ts_ms=np.array([reading.ts_ms for _, reading in readings], dtype=np.int64),
        values=np.array(values, dtype=np.float64).reshape(-1, len(names)),
        extra=[extra_text(reading.extra) for _, reading in readings],
    )


def assemble(appliance: ApplianceClass, parts: Sequence[Part], log: Log) -> Batch:
    """All readings of a class in log order, within a message by their time, flagged."""
    slot = np.concatenate([part.slot for part in parts])
    ts_ms = np.concatenate([part.ts_ms for part in parts])
    values = np.concatenate([part.values for part in parts])
    extra = [text for part in parts for text in part.extra]
    place = slot >> ORDINAL_BITS
    if len(parts) > 1 or len(place) > len(log.seq) or (np.diff(place) <= 0).any():
        order = np.lexsort((slot, ts_ms, place))
        ts_ms, values, place = ts_ms[order], values[order], place[order]
        extra = [extra[i] for i in order.tolist()]
    low = np.array([metric.low for metric in appliance.metrics])
    high = np.array([metric.high for metric in appliance.metrics])
    return Batch(
        class_id=appliance.class_id,
        device_no=log.device_no[place],
        ts_ms=ts_ms,
        seq=log.seq[place],
        received_ms=log.received_ms[place],
        values=values,
        flags=screen.flags(values, low, high),
        extra=extra,
    )


def extra_text(extra: dict[str, Any]) -> str | None:
    return orjson.dumps(extra).decode() if extra else None

"""The pieces of a curve, as arrays: readings, their bounds, aggregates."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import numpy as np
from psycopg import Connection

from devices.model import ApplianceClass
from ingest import arrays, layout, layout_aggregates, resolution
from ingest.model import Floats, Ints
from ingest.resolution import Extent, Level, Span, Stretches
from ingest.store import moment, ms
from ledger.statements import Statements

_sql = Statements("ingest")
Bounds = tuple[Ints, Floats, Floats]  # ts_ms (n,), low (n, k), high (n, k)


class Curve:
    """Of which device, which metrics, which span (its end left out)."""

    def __init__(
        self, conn: Connection[Any], appliance: ApplianceClass, device_no: int, metrics: Sequence[str], span_ms: Span
    ) -> None:
        self._conn, self._device_no, self.span_ms = conn, device_no, span_ms
        self._class_id, self._metrics = appliance.class_id, tuple(metrics)
        self._coarsest = next(iter(resolution.levels(appliance.cadence_s)), None)

    def extent(self) -> Extent:
        sealed_ms = self._sealed_ms()
        hours = resolution.whole_hours(self.span_ms, sealed_ms)
        names = self._names(self.span_ms) | {"from_hour": moment(hours[0]), "to_hour": moment(hours[1])}
        text = layout_aggregates.extent(self._class_id, self._coarsest)
        found = self._conn.execute(text.encode(), names).fetchone() or (None,) * 4
        first, last, first_hour, last_hour = (None if at is None else ms(at) for at in found)
        return Extent(
            readings_ms=None if first is None or last is None else (first, last),
            hours_ms=None if first_hour is None or last_hour is None else (first_hour, last_hour),
            sealed_ms=sealed_ms,
        )

    def _sealed_ms(self) -> int | None:
        row = self._conn.execute(_sql.find_sealed_to, {"class_id": self._class_id}).fetchone()
        return None if row is None or self._coarsest is None else int(row[0])

    def count(self) -> int:
        """How many readings there are."""
        text = layout.window_count(self._class_id)
        (count,) = self._conn.execute(text.encode(), self._names(self.span_ms)).fetchone() or (0,)
        return int(count)

    def readings(self, span_ms: Span) -> Bounds:
        ts, values = self._bounds(layout.window_raw(self._class_id, self._metrics), self._names(span_ms))
        return ts, values, values

    def envelope(self, cut: Stretches) -> Bounds:
        names = {"origin": moment(cut.origin_ms), "width": timedelta(milliseconds=cut.width_ms)}
        text = layout.window_envelope(self._class_id, self._metrics)
        begins, values = self._bounds(text, self._names(self.span_ms) | names)
        return np.maximum(begins, cut.first_ms), *_halves(values)

    def stale(self, hours_ms: Span) -> list[int]:
        return [hour for (hour,) in self._conn.execute(_sql.list_stale, self._names(hours_ms))]

    def buckets(self, level: Level, hours_ms: Span) -> tuple[Ints, Bounds]:
        """Number of readings of each, and its bounds."""
        text = layout_aggregates.buckets(level, self._class_id, self._metrics)
        row = arrays.packed_cursor(self._conn).execute(text.encode(), self._names(hours_ms)).fetchone()
        if row is None or row[0] is None:
            return np.empty(0, dtype=np.int64), self.nothing()
        begins, readings, *columns = row
        bounds = np.column_stack([arrays.unpack_floats(data) for data in columns])
        return arrays.unpack_ints(readings), (arrays.unpack_moments(begins), *_halves(bounds))

    def _bounds(self, text: str, names: dict[str, Any]) -> tuple[Ints, Floats]:
        ts, *columns = arrays.packed_cursor(self._conn).execute(text.encode(), names).fetchone() or (None,)
        if ts is None:
            return np.empty(0, dtype=np.int64), np.empty((0, len(columns)))
        return arrays.unpack_moments(ts), np.column_stack([arrays.unpack_floats(data) for data in columns])

    def _names(self, span_ms: Span) -> dict[str, Any]:
        return {"device_no": self._device_no, "from": moment(span_ms[0]), "to": moment(span_ms[1])}

    def nothing(self) -> Bounds:
        return np.empty(0, dtype=np.int64), np.empty((0, len(self._metrics))), np.empty((0, len(self._metrics)))


def _halves(bounds: Floats) -> tuple[Floats, Floats]:
    k = bounds.shape[1] // 2
    return bounds[:, :k], bounds[:, k:]

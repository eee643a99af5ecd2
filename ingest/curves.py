"""A curve is read at the resolution that its span asks for: from readings, from aggregates, or from both."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from psycopg import Connection

from devices.model import ApplianceClass
from ingest import resolution
from ingest.model import Window
from ingest.resolution import Extent, Level, Span, Stretches
from ingest.store_curves import Bounds, Curve


def read(
    conn: Connection[Any],
    appliance: ApplianceClass,
    device_no: int,
    metrics: Sequence[str],
    span_ms: Span,
    max_points: int,
) -> Window:
    curve = Curve(conn, appliance, device_no, metrics, span_ms)
    extent = curve.extent()
    cut = resolution.choose(appliance.cadence_s, extent, max_points)
    if cut is None:
        bounds = curve.nothing()
    elif cut.level is None:
        bounds = curve.readings(span_ms) if curve.count() <= max_points else curve.envelope(cut)
    else:
        bounds = _aggregated(curve, extent, cut, cut.level, appliance.cadence_s, max_points)
    ts_ms, low, high = bounds
    return Window(ts_ms=ts_ms, low=low, high=high)


def _aggregated(curve: Curve, extent: Extent, cut: Stretches, level: Level, cadence_s: int, max_points: int) -> Bounds:
    """Whole hours from aggregates, the rest from readings; from those alone where they are most of it anyway, or so
    few that they are the curve."""
    hours = resolution.whole_hours(curve.span_ms, extent.sealed_ms)
    forgotten = extent.forgotten_to_ms
    stale = [hour for hour in curve.stale(hours) if forgotten is None or hour >= forgotten]
    parts = resolution.parts(curve.span_ms, hours, stale, forgotten)
    if forgotten is None and sum(end - begin for begin, end in parts) > resolution.FEW_READINGS * cadence_s * 1000:
        return curve.readings(curve.span_ms) if curve.count() <= max_points else curve.envelope(cut)
    readings, (begins, low, high) = curve.buckets(level, hours)
    fresh = resolution.outside(begins, parts)
    pieces = [(begins[fresh], low[fresh], high[fresh]), *(curve.readings(part) for part in parts)]
    known = int(readings[fresh].sum()) + sum(len(ts_ms) for ts_ms, _, _ in pieces[1:])
    if forgotten is None and known <= max_points:
        return curve.readings(curve.span_ms)
    ts_ms, low, high = (np.concatenate(each) for each in zip(*pieces, strict=True))
    return resolution.fold(ts_ms, low, high, cut)

"""The telemetry around a ticket's event as columns for a chart: first what was noticed, then each metric."""

from typing import Any

import numpy as np
from psycopg import Connection

from api.http import evidence, plain
from api.http.evidence import Reader
from devices.model import ApplianceClass, Metric
from ingest import history
from ingest.model import Floats, Ints, Window
from ticketing.alerts.model import Alert

MOST_POINTS = 1500  # more than a screen is wide


def of_alert(
    conn: Connection[Any],
    appliance: ApplianceClass,
    alert: Alert,
    reader: Reader,
    part_ms: tuple[int | None, int | None],
) -> dict[str, Any]:
    """`part_ms`: what somebody zoomed into; the measure of a compressor is always told of the whole window."""
    from_ms, to_ms = evidence.window_of(alert, reader.now)
    span = (max(from_ms, part_ms[0] or from_ms), min(to_ms, part_ms[1] or to_ms))
    names = [alert.metric, *(name for name in appliance.metric_names if name != alert.metric)]
    window = history.window(conn, appliance, alert.device_no, names, *span, max_points=MOST_POINTS)
    hourly = evidence.hourly_measure(conn, appliance, alert, (from_ms, to_ms))
    charts = [] if hourly is None else [_measure_chart(appliance, alert, reader, *hourly)]
    for column, name in enumerate(names):
        if column == 0 or np.isfinite(window.high[:, column]).any():
            focus = column == 0 and hourly is None
            band = alert.evidence.get("band") if focus else None
            charts.append(_metric_chart(appliance.metric(name), reader, window, column, focus=focus, band=band))
    return {
        "zone": reader.zone.key,
        "from_ms": from_ms,
        "to_ms": to_ms,
        "ts": (window.ts_ms / 1000).tolist(),
        "marks": [
            {"kind": "since", "at_ms": evidence.epoch_ms(alert.since)},
            {"kind": "asked", "at_ms": evidence.epoch_ms(alert.last_seen)},
        ],
        "metrics": charts,
    }


def _measure_chart(
    appliance: ApplianceClass, alert: Alert, reader: Reader, hour_ms: Ints, values: Floats
) -> dict[str, Any]:
    """What was noticed of a compressor, with times of its own."""
    return {
        "name": plain.measure_of(alert.evidence),
        "title": evidence.title_of(appliance, alert, reader.language),
        "unit": "1",  # the title says it
        "focus": True,
        "bars": True,
        "band": alert.evidence.get("band"),
        "ts": (hour_ms / 1000).tolist(),
        "high": numbers(values),
    }


def _metric_chart(
    metric: Metric, reader: Reader, window: Window, column: int, *, focus: bool, band: list[float] | None
) -> dict[str, Any]:
    return {
        "name": metric.name,
        "title": metric.title[reader.language],
        "unit": metric.unit,
        "focus": focus,
        "bars": False,
        "band": band,
        "low": numbers(window.low[:, column]),
        "high": numbers(window.high[:, column]),
    }


def numbers(column: Floats) -> list[float | None]:
    """JSON has no NaN."""
    return [
        round(value, 4) if known else None for value, known in zip(column.tolist(), np.isfinite(column), strict=True)
    ]

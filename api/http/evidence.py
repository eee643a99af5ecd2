"""From the record to a drawing: the measure that an alert speaks of, around its beginning."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
from markupsafe import Markup
from psycopg import Connection

from api.http import curve, plain, when
from api.texts import say
from detectors import cycles, measures
from detectors.series import Series
from devices.model import ApplianceClass, OnTimeRule
from ingest import history
from ingest.model import Floats, Ints
from ticketing.alerts.model import Alert

BEFORE = timedelta(hours=36)  # enough of what is usual, to see the difference
LONGEST = timedelta(days=7)
_RAW = 12_000  # readings: a week of minutes, so that cycles can be counted
_HOUR_MS = 3_600_000


@dataclass(frozen=True, kw_only=True)
class Reader:
    """Whom a drawing is for."""

    language: str
    zone: ZoneInfo
    now: datetime


def window_of(alert: Alert, now: datetime) -> tuple[int, int]:
    """From some time before it began up to now, or to a while after it cleared; epoch ms."""
    end = min(now, (alert.cleared_at or alert.last_seen) + timedelta(hours=12))
    end = max(end, alert.last_seen)
    start = max(alert.since - BEFORE, end - LONGEST)
    return epoch_ms(start), epoch_ms(end)


def of_alert(conn: Connection[Any], appliance: ApplianceClass, alert: Alert, reader: Reader) -> Markup:
    """The curve of an alert; empty when nothing was read in its window."""
    span_ms = window_of(alert, reader.now)
    title = title_of(appliance, alert, reader.language)
    hourly = hourly_measure(conn, appliance, alert, span_ms)
    if hourly is not None:
        start_ms, high = hourly
        return _drawn(appliance, alert, reader, span_ms, title, start_ms, high, high, bars=True)
    window = history.window(conn, appliance, alert.device_no, [alert.metric], *span_ms, max_points=2000)
    low, high = window.low[:, 0], window.high[:, 0]
    return _drawn(appliance, alert, reader, span_ms, title, window.ts_ms, low, high, bars=False)


def hourly_measure(
    conn: Connection[Any], appliance: ApplianceClass, alert: Alert, span_ms: tuple[int, int]
) -> tuple[Ints, Floats] | None:
    """Hours and the compressor's measure in them that the alert speaks of; None if it speaks of a level."""
    rule = next((rule for rule in appliance.on_times if rule.rule == alert.rule), None)
    measure = plain.measure_of(alert.evidence)
    if rule is None or measure == "level":
        return None
    window = history.window(conn, appliance, alert.device_no, [rule.metric], *span_ms, max_points=_RAW)
    hour_ms, values = by_hour(window.ts_ms, window.high[:, 0], rule, appliance.cadence_s)
    which = next(k for k, each in enumerate(measures.MEASURES) if each.name == measure)
    known = np.isfinite(values[:, which])
    return hour_ms[known], values[known, which]


def title_of(appliance: ApplianceClass, alert: Alert, language: str) -> str:
    """What the curve of an alert shows."""
    measure = plain.measure_of(alert.evidence)
    if measure == "level":
        return _level_title(appliance, alert.metric, language)
    return say(language, f"curve.{measure}")


def of_metrics(
    conn: Connection[Any], appliance: ApplianceClass, device_no: int, reader: Reader, to_ms: int, over: timedelta
) -> dict[str, tuple[str, Markup]]:
    """Each metric that was measured lately: its title and its curve, for whoever looks at a device."""
    from_ms = to_ms - int(over.total_seconds() * 1000)
    window = history.window(conn, appliance, device_no, appliance.metric_names, from_ms, to_ms, max_points=2000)
    drawn = {}
    for column, metric in enumerate(appliance.metric_names):
        if not np.isfinite(window.high[:, column]).any():
            continue
        title = _level_title(appliance, metric, reader.language)
        drawing = curve.Drawing(
            bars=False,
            start_ms=window.ts_ms,
            end_ms=window.ts_ms,
            low=window.low[:, column],
            high=window.high[:, column],
            from_ms=from_ms,
            to_ms=to_ms,
            band=None,
            since_ms=None,
            ticks=ticks(from_ms, to_ms, reader),
            title=title,
            about=title,
            usual="",
            since="",
        )
        drawn[metric] = (title, curve.svg(drawing))
    return drawn


def by_hour(ts_ms: Ints, value: Floats, rule: OnTimeRule, cadence_s: int) -> tuple[Ints, Floats]:
    """Hours (n,) in epoch ms and the compressor's measures (n, 3) in them, by the detector's own arithmetic."""
    known = np.isfinite(value)
    n = int(known.sum())
    zeros = np.zeros(n, np.int64)
    series = Series(device_no=np.zeros(1, np.int64), owner=zeros, ts_ms=ts_ms[known], seq=zeros, value=value[known])
    gap_ms = max(5 * cadence_s * 1000, 600_000)
    bins = cycles.closed_hours(cycles.RunMemory.blank(1), series, rule.on_above, gap_ms)
    return bins.number * _HOUR_MS, measures.hourly(bins.sums)


def _level_title(appliance: ApplianceClass, metric: str, language: str) -> str:
    row = appliance.metric(metric)
    if row.unit == "1":
        return row.title[language]
    return say(language, "curve.level", metric=row.title[language], unit=row.unit)


def _drawn(
    appliance: ApplianceClass,
    alert: Alert,
    reader: Reader,
    span_ms: tuple[int, int],
    title: str,
    start_ms: Ints,
    low: Floats,
    high: Floats,
    *,
    bars: bool,
) -> Markup:
    if not np.isfinite(high).any():
        return Markup()
    band = alert.evidence.get("band")
    about = say(
        reader.language,
        "curve.bars_about" if bars else "curve.level_about",
        title=title,
        start=when.stamp(_moment(span_ms[0]), reader.zone),
        end=when.stamp(_moment(span_ms[1]), reader.zone),
        expected=plain.amount(alert.expected, alert.evidence, appliance, alert.metric),
        observed=plain.amount(alert.observed, alert.evidence, appliance, alert.metric),
    )
    return curve.svg(
        curve.Drawing(
            bars=bars,
            start_ms=start_ms,
            end_ms=start_ms + _HOUR_MS,
            low=low,
            high=high,
            from_ms=span_ms[0],
            to_ms=span_ms[1],
            band=(float(band[0]), float(band[1])) if band else None,
            since_ms=epoch_ms(alert.since),
            ticks=ticks(*span_ms, reader),
            title=title,
            about=about,
            usual=say(reader.language, "curve.usual"),
            since=say(reader.language, "curve.since"),
        )
    )


def ticks(from_ms: int, to_ms: int, reader: Reader) -> list[curve.Tick]:
    """Midnights and noons, or every few hours in a short window, in the reader's time."""
    hours = (to_ms - from_ms) / _HOUR_MS
    step_h = next((step for step, reach in ((1, 7), (3, 20), (6, 40), (12, 84)) if hours <= reach), 24)
    moment = _moment(from_ms).astimezone(reader.zone).replace(minute=0, second=0, microsecond=0)
    found = []
    while epoch_ms(moment) <= to_ms:
        if moment.hour % step_h == 0 and epoch_ms(moment) >= from_ms:
            text = when.short_day(reader.language, moment) if moment.hour == 0 else f"{moment:%H:%M}"
            found.append(curve.Tick(at_ms=epoch_ms(moment), text=text))
        moment = (moment.astimezone(UTC) + timedelta(hours=1)).astimezone(reader.zone)
    return found


def epoch_ms(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)


def _moment(ms: int) -> datetime:
    return datetime.fromtimestamp(ms / 1000, tz=UTC)

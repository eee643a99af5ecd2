"""The drawn curve loses no peak, says what it shows, and lets nothing through that it was not given as words."""

from datetime import UTC, datetime
from typing import Any
from xml.etree import ElementTree as ET
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from api.http import curve, evidence, when
from api.http.evidence import Reader
from devices import catalogue

HOUR_MS = 3_600_000


def a_drawing(**more: Any) -> curve.Drawing:
    ts = np.arange(0, 48 * HOUR_MS, 60_000, dtype=np.int64)
    values = np.full(len(ts), 4.0)
    fields: dict[str, Any] = {
        "bars": False,
        "start_ms": ts,
        "end_ms": ts,
        "low": values,
        "high": values,
        "from_ms": 0,
        "to_ms": 48 * HOUR_MS,
        "band": (3.0, 5.0),
        "since_ms": 24 * HOUR_MS,
        "ticks": [],
        "title": "Title",
        "about": "About",
        "usual": "usual",
        "since": "since",
    }
    return curve.Drawing(**{**fields, **more})


def lowest_y(svg: str) -> float:
    """The highest point that is drawn: y grows downwards."""
    line = next(node for node in ET.fromstring(svg) if node.get("class") == "line")
    points = line.get("d", "")[1:-1].split("L")
    return min(float(point.split(" ")[1]) for point in points)


def test_one_peak_among_thousands_is_drawn() -> None:
    high = np.full(2880, 4.0)
    high[1444] = 40.0
    assert lowest_y(curve.svg(a_drawing(low=high, high=high))) == curve.TOP
    assert lowest_y(curve.svg(a_drawing())) > curve.TOP


def test_it_speaks_to_who_cannot_see_it() -> None:
    svg = ET.fromstring(curve.svg(a_drawing(title="Cabinet temperature", about="Usual is 4")))
    assert (svg.get("role"), svg.get("aria-label")) == ("img", "Cabinet temperature. Usual is 4")
    assert [node.text for node in svg][:2] == ["Cabinet temperature", "Usual is 4"]


def test_words_cannot_become_markup() -> None:
    svg = curve.svg(a_drawing(title="</title><script>", usual="<b>", since='"><x>', about="&"))
    assert "<script" not in svg
    assert "<b>" not in svg
    assert "<x>" not in svg


def test_a_gap_in_the_readings_is_a_gap_in_the_line() -> None:
    ts = np.array([0, 60_000, 120_000, 40 * HOUR_MS, 40 * HOUR_MS + 60_000], np.int64)
    values = np.ones(5)
    svg = curve.svg(a_drawing(start_ms=ts, end_ms=ts, low=values, high=values))
    assert svg.count('class="line"') == 2


def test_nothing_known_is_drawn_without_a_line() -> None:
    nothing = np.full(2880, np.nan)
    assert 'class="line"' not in curve.svg(a_drawing(low=nothing, high=nothing, band=None))


@pytest.mark.parametrize(("span", "step"), [(1.0, 0.5), (4.0, 1.0), (34, 10), (99, 50), (0.03, 0.01), (0, 5e-10)])
def test_axis_steps_are_round(span: float, step: float) -> None:
    assert curve.nice_step(span) == pytest.approx(step)


def test_ticks_stand_at_the_readers_midnight_also_when_clocks_change() -> None:
    zone = ZoneInfo("Europe/Berlin")  # 2026-10-25: 03:00 becomes 02:00
    reader = Reader(language="en", zone=zone, now=datetime(2026, 10, 26, tzinfo=UTC))
    start, end = (int(datetime(2026, 10, day, 12, tzinfo=zone).timestamp() * 1000) for day in (24, 26))
    texts = [tick.text for tick in evidence.ticks(start, end, reader)]
    assert texts == ["12:00", "Sun 25", "12:00", "Mon 26", "12:00"]


def test_the_measure_by_hour_is_the_detectors_own() -> None:
    appliance = catalogue.load()["refrigerator"]
    ts = np.arange(0, 24 * HOUR_MS, 60_000, dtype=np.int64)
    power = np.where(ts // 60_000 % 60 < 21, 90.0, 2.0)
    hours, values = evidence.by_hour(ts, power, appliance.on_times[0], appliance.cadence_s)
    assert hours[1] - hours[0] == HOUR_MS
    assert set(values[1:-1, 0]) == {21.0}


@pytest.mark.parametrize(
    ("moment", "en", "zh"),
    [
        ("2026-11-20T08:00", "Since this morning", "从今天上午起"),
        ("2026-11-19T19:30", "Since yesterday evening", "从昨天晚上起"),
        ("2026-11-20T01:00", "Since last night", "从今天凌晨起"),
        ("2026-11-15T13:00", "Since Sunday, 15 November", "从11月15日（周日）起"),
    ],
)
def test_a_beginning_is_said_as_people_say_it(moment: str, en: str, zh: str) -> None:
    zone = ZoneInfo("Europe/Berlin")
    since = datetime.fromisoformat(moment).replace(tzinfo=zone)
    now = datetime(2026, 11, 20, 9, tzinfo=UTC)
    assert [when.since(language, since, now, zone) for language in ("en", "zh")] == [en, zh]

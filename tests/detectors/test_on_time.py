"""Compressor on-time: cycles, gaps, and what is not a compressor's fault."""

import numpy as np
import pytest

from detectors.cycles import CYCLE_MS, CYCLES, KNOWN_MS, ON_MS, STARTS, RunMemory, closed_hours
from detectors.series import Bins, Series
from tests.detectors.builders import DAY, HOUR_MS, MINUTE_MS, START_MS, SUBJECTS, a_batch, compressor_w, observe, said

ON_TIME = SUBJECTS[1]
DAYS = 8
AT = np.arange(DAYS * DAY)
ILL = AT >= 6 * DAY


def told(power_w: np.ndarray, keep: np.ndarray | None = None) -> list[tuple[str, str]]:
    log = a_batch([("power_w", power_w)])
    return said(observe(ON_TIME.engine(), [log if keep is None else log.where(keep)]))


def hours(power_w: list[float], minutes: list[int] | None = None) -> Bins:
    at = np.array(minutes if minutes is not None else range(len(power_w)))
    series = Series(
        device_no=np.array([1]),
        owner=np.zeros(len(at), np.int64),
        ts_ms=START_MS + at * MINUTE_MS,
        seq=at,
        value=np.array(power_w),
    )
    return closed_hours(RunMemory.blank(1), series, 30.0, 10 * MINUTE_MS)


def test_a_cycle_is_counted_with_its_time_in_the_hour_in_which_it_ends() -> None:
    power = [0.0] * 50 + [90.0] * 20 + [0.0] * 60
    [first, second] = hours(power).sums
    assert (first[STARTS], first[CYCLES], first[ON_MS]) == (1, 0, 10 * MINUTE_MS)
    assert (second[STARTS], second[CYCLES], second[CYCLE_MS]) == (0, 1, 20 * MINUTE_MS)
    assert first[KNOWN_MS] == second[KNOWN_MS] == HOUR_MS


def test_a_gap_closes_the_cycle_without_counting_it() -> None:
    minutes = [*range(10), *range(30, 130)]
    power = [0.0] * 5 + [90.0] * 5 + [90.0] * 10 + [0.0] * 90
    first = hours(power, minutes).sums[0]
    assert (first[STARTS], first[CYCLES]) == (1, 0)
    assert first[KNOWN_MS] == (60 - 21) * MINUTE_MS
    assert first[ON_MS] == 14 * MINUTE_MS


def test_the_first_run_that_we_see_is_not_a_cycle() -> None:
    first = hours([90.0] * 30 + [0.0] * 40).sums[0]
    assert (first[STARTS], first[CYCLES], first[ON_MS]) == (0, 0, 30 * MINUTE_MS)


@pytest.mark.parametrize("longer", [0.35, 0.5])
@pytest.mark.parametrize(("on", "off"), [(12, 16), (17, 22), (38, 87)])
def test_longer_cycles_raise_on_measured_refrigerators(on: float, off: float, longer: float) -> None:
    [finding] = observe(
        ON_TIME.engine(), [a_batch([("power_w", compressor_w(len(AT), on=on * (1 + longer * ILL), off=off))])]
    )
    assert finding.evidence["measure"] == "on_min"
    assert finding.evidence["unit"] == "min"
    assert abs(finding.expected - on) <= 2
    assert abs(finding.observed - on * (1 + longer)) <= 0.12 * on
    assert finding.evidence["measures"]["duty"]["observed"] > finding.evidence["measures"]["duty"]["expected"]
    assert finding.evidence["cycles"]["expected"] > finding.evidence["cycles"]["observed"] > 5


def test_short_cycling_raises_by_its_starts() -> None:
    [finding] = observe(
        ON_TIME.engine(),
        [a_batch([("power_w", compressor_w(len(AT), on=15 - 13.0 * ILL, off=25 - 19.0 * ILL))])],
    )
    assert finding.evidence["measure"] == "starts_per_hour"
    assert finding.observed > 5 > 2 > finding.expected


def test_a_compressor_that_never_rests_again_raises_by_its_duty() -> None:
    power = np.where(ILL, 90.0, compressor_w(len(AT)))
    [finding] = observe(ON_TIME.engine(), [a_batch([("power_w", power)])])
    assert (finding.evidence["measure"], finding.evidence["unit"]) == ("duty", "%")
    assert finding.observed > 85 > 45 > finding.expected


@pytest.mark.parametrize(
    ("what", "power_w"),
    [
        ("an inverter that never stops", 60 + 30 * np.sin(AT / 300)),
        ("off all the time", np.full(len(AT), 1.0)),
        ("switched off for good", np.where(ILL, 0.0, compressor_w(len(AT)))),
        ("shorter cycles: less work is not a fault", compressor_w(len(AT), on=15 - 6.0 * ILL, off=25)),
        ("one odd cycle of three hours", np.where((AT > 6 * DAY) & (AT < 6 * DAY + 180), 90, compressor_w(len(AT)))),
        ("a quick-freeze of six hours", np.where((AT > 6 * DAY) & (AT < 6 * DAY + 360), 90, compressor_w(len(AT)))),
        ("a defrost heater every eight hours", np.where(AT % 480 < 25, 250.0, compressor_w(len(AT)))),
        ("a hot afternoon", compressor_w(len(AT), on=15 + 4.0 * np.sin(AT / DAY * 2 * np.pi))),
        ("ten percent longer", compressor_w(len(AT), on=15 + 1.5 * ILL)),
    ],
)
def test_what_is_no_fault_does_not_raise(what: str, power_w: np.ndarray) -> None:
    assert told(power_w) == [], what


def test_a_holiday_home_is_known_again_after_its_break() -> None:
    """Switched off for two days, then as before."""
    away = (AT > 4 * DAY) & (AT < 6 * DAY)
    assert told(np.where(away, 0.0, compressor_w(len(AT)))) == []
    assert told(compressor_w(len(AT)), ~away) == []


def test_power_cuts_do_not_look_like_long_cycles() -> None:
    rng = np.random.default_rng(4)
    keep = np.ones(len(AT), bool)
    for begin in rng.integers(0, len(AT) - 120, 40).tolist():
        keep[begin : begin + int(rng.integers(12, 120))] = False
    assert told(compressor_w(len(AT)), keep) == []


def test_the_hours_of_a_departure_never_become_what_is_normal() -> None:
    step = ON_TIME.engine().observe([a_batch([("power_w", compressor_w(len(AT), on=15 + 10.0 * ILL))])])
    assert [finding.claim.value for finding in step.findings] == ["RAISED"]
    suspect_h = int(step.classes[0].rules[0].memory.suspect[0].sum())
    assert 45 <= suspect_h <= 49, "two days, since the departure and not since it was noticed"

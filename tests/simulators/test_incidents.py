"""What happens to units that are well, and that the truth says so: all that makes false alarms, with its moment."""

from dataclasses import fields, replace
from functools import cache

import numpy as np
import pytest

from devices import catalogue
from simulators.climate import PLACES, mean_of_day_c
from simulators.clock import Clock
from simulators.crew import Crew, Spoken
from simulators.everyday import Incident
from simulators.incidents import DAY_MS, HOUR_MS, NONE, Rates, draw
from simulators.mix import Made, Mix
from simulators.mix import draw as draw_fleet
from simulators.model import Unit
from simulators.thermal import Truth, simulate
from simulators.truth import Chronicle

CLASSES = catalogue.load()
START_MS = 1_735_689_600_000
AT_MS = START_MS + 30 * HOUR_MS


EVENING_MS = START_MS + 3 * DAY_MS - 6 * HOUR_MS
CUT = Incident(name="power_cut", at_ms=AT_MS, until_ms=AT_MS + 4 * HOUR_MS)
UPDATES = {
    name: Incident(name=name, at_ms=AT_MS, until_ms=AT_MS + 9 * HOUR_MS, metric="cabinet_temp_c", size=size)
    for name, size in (("firmware_fahrenheit", 0.0), ("firmware_tenths", 0.0), ("firmware_shift", 1.5))
}
LIVES: dict[str, tuple[Incident, ...]] = {
    "plain": (),
    "clock_step": (Incident(name="clock_step", at_ms=AT_MS, until_ms=AT_MS + HOUR_MS, size=600_000.0),),
    "forgets": (CUT,),
    "keeps": (CUT,),
    "set_point": (Incident(name="set_point", at_ms=AT_MS, size=2.0),),
    "visitors": (Incident(name="visitors", at_ms=EVENING_MS, until_ms=EVENING_MS + 3 * HOUR_MS),),
    "replaced": (Incident(name="replaced", at_ms=AT_MS),),
    "oldest_first": (Incident(name="offline", at_ms=AT_MS, until_ms=AT_MS + 14 * HOUR_MS),),
    "newest_first": (Incident(name="offline", at_ms=AT_MS, until_ms=AT_MS + 14 * HOUR_MS, size=1.0),),
    **{name: (update,) for name, update in UPDATES.items()},
}


@cache
def everybody() -> tuple[Spoken, list[list[Incident]]]:
    """Three days of one refrigerator, to which this happens and nothing else, once for each."""
    made = []
    for name, incidents in LIVES.items():
        unit = Unit(seed=5, habit=replace(NONE.habit(), household=1.0), incidents=incidents)
        heir = replace(unit, seed=77, since_ms=AT_MS) if name == "replaced" else None
        clock = Clock(seed=5, start_ms=START_MS, forgets=name == "forgets")
        made.append(Made(device_id=name, class_id="refrigerator", unit=unit, clock=clock, heir=heir))
    crew = Crew(made, CLASSES, START_MS)
    chronicle = Chronicle(crew, START_MS, 3)
    days = [crew.advance(1440) for _ in range(3)]
    for day in days:
        chronicle.day(day)
    columns = [np.concatenate(each, axis=1) for each in zip(*(day[:5] for day in days), strict=True)]
    truth = (np.concatenate(each, axis=1) for each in zip(*(day.truth for day in days), strict=True))
    happened = [[Incident(**each) for each in unit["happened"]] for unit in chronicle.units()]
    return Spoken(*columns, Truth(*truth), []), happened


def lived(name: str) -> tuple[Spoken, list[Incident]]:
    spoken, happened = everybody()
    i = list(LIVES).index(name)
    truth = Truth(*(column[i : i + 1] for column in spoken.truth))
    return Spoken(*(column[i : i + 1] for column in spoken[:5]), truth, []), happened[i]


def after(spoken: Spoken, at_ms: int) -> int:
    return int(np.searchsorted(spoken.measured_ms[0], at_ms))


def said(spoken: Spoken, metric: str) -> np.ndarray:
    return spoken.values[0, :, CLASSES["refrigerator"].metric_names.index(metric)]


def test_a_normal_fleet_has_everything_that_makes_false_alarms_and_says_when() -> None:
    named = {"power_cut", "set_point", "visitors", "offline", "clock_step", "firmware_shift", "replaced"}
    named |= {"firmware_fahrenheit", "firmware_tenths"}
    drawn = [draw(Rates(), seed, ["cabinet_temp_c"], 0.0, START_MS, 365) for seed in range(120)]
    assert {incident.name for unit in drawn for incident in unit} == named
    often = {name: sum(each.name == name for unit in drawn for each in unit) / 120 for name in named}
    assert often["offline"] == pytest.approx(Rates().offline, rel=0.15)
    assert often["set_point"] == pytest.approx(Rates().set_points, rel=0.35)
    more = Mix(classes={"refrigerator": 1.0}, nuisances=replace(Rates(), power_cuts=50, offline=100))
    crew = Crew(draw_fleet(more, CLASSES, 12, 1, START_MS, 4), CLASSES, START_MS)
    chronicle = Chronicle(crew, START_MS, 4)
    for _ in range(4):
        chronicle.day(crew.advance(1440))
    units = list(chronicle.units())
    daily = {incident["name"] for unit in units for incident in unit["happened"]}
    assert daily >= {"defrost", "warm_load", "set_point_for_hours", "silence", "power_cut", "offline"}
    assert {unit["place"] for unit in units} <= set(PLACES)
    ends = [each["until_ms"] for unit in units for each in unit["happened"] if each["name"] == "warm_load"]
    assert all(START_MS < end_ms <= START_MS + 4 * DAY_MS for end_ms in ends)


def test_a_fleet_without_nuisances_has_none() -> None:
    assert draw(NONE, 1, ["cabinet_temp_c"], 0.0, START_MS, 365) == ()
    assert all(getattr(Rates(), each.name) > 0 for each in fields(Rates))


def test_a_clock_that_steps_is_wrong_until_it_is_set_again() -> None:
    spoken, happened = lived("clock_step")
    off_ms = spoken.ts_ms[0] - spoken.measured_ms[0]
    begin, end = after(spoken, AT_MS), after(spoken, AT_MS + HOUR_MS)
    assert set(off_ms[begin:end]) == {600_000}
    assert set(np.delete(off_ms, np.s_[begin:end])) == {0}
    assert [each.at_ms for each in happened if each.name == "clock_step"] == [AT_MS]


def test_a_clock_that_forgets_counts_from_1970_after_a_power_cut() -> None:
    spoken, happened = lived("forgets")
    (reset,) = [each for each in happened if each.name == "clock_reset"]
    assert reset.at_ms == CUT.until_ms
    begin, end = after(spoken, reset.at_ms), after(spoken, reset.until_ms)
    assert end > begin
    assert spoken.ts_ms[0, begin] < 61_000
    assert (np.diff(spoken.ts_ms[0, begin:end]) > 0).all()
    assert spoken.ts_ms[0, end] == spoken.measured_ms[0, end]
    keeps, _ = lived("keeps")
    assert np.array_equal(keeps.ts_ms, keeps.measured_ms)


def test_a_power_cut_of_hours_is_followed_by_a_pull_down() -> None:
    spoken, _ = lived("keeps")
    begin, end = after(spoken, CUT.at_ms), after(spoken, CUT.until_ms)
    assert np.isnan(spoken.values[0, begin + 1 : end - 1]).all()
    assert spoken.truth.air_c[0, end - 1] > spoken.truth.air_c[0, begin - 1] + 3
    running = spoken.truth.running[0]
    assert running[end + 1 : end + 120].mean() > 1.6 * running[:begin].mean()


def test_a_clock_drifts_by_its_ppm() -> None:
    clock = Clock(seed=1, start_ms=0, ppm=100.0)
    day_ms = np.array([0, DAY_MS, 10 * DAY_MS])
    assert (clock.said_ms(day_ms, ()) - day_ms).tolist() == [0, 8640, 86400]


def test_readings_are_not_taken_to_the_second() -> None:
    spoken, _ = lived("plain")
    gaps_ms = np.diff(spoken.measured_ms[0])
    assert (np.abs(gaps_ms - 60_000) <= 4000).all()
    assert gaps_ms.std() > 100


@pytest.mark.parametrize(
    ("name", "scale"),
    [
        ("firmware_fahrenheit", lambda value: value * 1.8 + 32),
        ("firmware_tenths", lambda value: value * 10),
        ("firmware_shift", lambda value: value + 1.5),
    ],
)
def test_a_firmware_changes_the_scale_of_one_metric_from_a_moment_on(name: str, scale) -> None:
    (plain, _), (spoken, happened) = lived("plain"), lived(name)
    rows = slice(after(spoken, AT_MS), after(spoken, AT_MS + 9 * HOUR_MS))
    before, now = said(plain, "cabinet_temp_c").copy(), said(spoken, "cabinet_temp_c")
    before[rows] = scale(before[rows])
    assert np.allclose(now, before, atol=0.051, equal_nan=True)
    assert np.array_equal(said(plain, "power_w"), said(spoken, "power_w"), equal_nan=True)
    assert UPDATES[name] in happened


def test_a_set_point_that_somebody_moved_stays_moved() -> None:
    spoken, _ = lived("set_point")
    plain, _ = lived("plain")
    moved_k = spoken.truth.air_c[0, -1440:].mean() - plain.truth.air_c[0, -1440:].mean()
    assert moved_k == pytest.approx(2.0, abs=0.4)


def test_visitors_open_the_door() -> None:
    spoken, _ = lived("visitors")
    plain, _ = lived("plain")
    rows = slice(after(spoken, EVENING_MS), after(spoken, EVENING_MS + 3 * HOUR_MS))
    assert np.nansum(said(spoken, "door_open")[rows]) > np.nansum(said(plain, "door_open")[rows]) + 5


def test_another_unit_under_the_same_label_starts_warm_and_is_another_one() -> None:
    spoken, _ = lived("replaced")
    plain, _ = lived("plain")
    at = after(spoken, AT_MS) - 1
    assert np.array_equal(spoken.values[0, :at], plain.values[0, :at], equal_nan=True)
    assert spoken.truth.air_c[0, at + 2] > 12
    assert abs(spoken.truth.air_c[0, -1440:].mean() - 4.5) < 3.5
    running_w = [np.nanmedian(said(each, "power_w")[each.truth.running[0]]) for each in (spoken, plain)]
    assert abs(running_w[0] - running_w[1]) > 2


@pytest.mark.parametrize("name", ["oldest_first", "newest_first"])
def test_what_was_measured_offline_comes_afterwards_as_arrays(name: str) -> None:
    until_ms = AT_MS + 14 * HOUR_MS
    spoken, _ = lived(name)
    rows = slice(after(spoken, AT_MS), after(spoken, until_ms))
    received = spoken.received_ms[0, rows]
    assert received.min() == until_ms
    assert len(set(received)) == 3, "840 readings are three arrays"
    assert (np.diff(received) * (-1 if name == "newest_first" else 1) >= 0).all()
    outside = np.delete(np.arange(3 * 1440), np.s_[rows])
    assert (spoken.received_ms[0, outside] == spoken.measured_ms[0, outside]).all()


def test_units_of_one_place_have_one_weather() -> None:
    place = PLACES["halifax"]
    run = simulate("air_conditioner", [Unit(seed=seed, place=place) for seed in (1, 2)], START_MS, START_MS + DAY_MS)
    column = CLASSES["air_conditioner"].metric_names.index("outdoor_temp_c")
    outdoors = np.nan_to_num(run.values[..., column], nan=0.0)
    assert np.corrcoef(outdoors)[0, 1] > 0.9
    other = replace(place, seed=9)
    days = range(START_MS // DAY_MS, START_MS // DAY_MS + 30)
    assert [mean_of_day_c(place, day) for day in days] != [mean_of_day_c(other, day) for day in days]

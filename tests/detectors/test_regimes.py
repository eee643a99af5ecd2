"""What an appliance is doing is recognised from what it says; the simulated fleet knows what it really did."""

from functools import cache

import numpy as np
import pytest

from detectors.regimes import REGIMES, UNKNOWN, label, recognised
from devices import catalogue
from devices.model import ApplianceClass, Condition, Metric, Regime, RegimeRule
from simulators.classes import plant
from simulators.model import Unit
from simulators.run import Run

CLASSES = catalogue.load()
START_MS, DAY_MS, MINUTE_MS = 1_731_000_000_000, 86_400_000, 60_000
UNITS, DAYS = 8, 2
NAN = float("nan")


@cache
def fleet(class_id: str) -> tuple[Run, np.ndarray, np.ndarray]:
    """Some healthy units; which minutes were said; their labels, UNKNOWN where nothing was said."""
    run = plant([class_id] * UNITS, [Unit(seed=seed) for seed in range(UNITS)], START_MS).advance(DAYS * 1440)
    said = ~np.isnan(run.values).all(axis=2)
    owner, ts_ms = np.nonzero(said)[0], np.tile(run.ts_ms, (UNITS, 1))[said]
    labels = np.full(said.shape, UNKNOWN)
    labels[said] = label(CLASSES[class_id], owner, ts_ms, run.values[said])
    return run, said, labels


def is_(labels: np.ndarray, *regimes: Regime) -> np.ndarray:
    return np.isin(labels, [REGIMES.index(regime) for regime in regimes])


def begins(mask: np.ndarray) -> list[tuple[int, int]]:
    return list(zip(*np.nonzero(mask[:, 1:] & ~mask[:, :-1]), strict=True))


@pytest.mark.parametrize("class_id", ["refrigerator", "freezer", "air_conditioner", "cold_room"])
def test_a_compressor_that_runs_is_seen_to_run(class_id: str) -> None:
    run, said, labels = fleet(class_id)
    plain = said & ~is_(labels, Regime.DOOR_OPEN)
    runs = is_(labels, Regime.RUNNING, Regime.PULL_DOWN)
    assert (runs == run.truth.running)[plain].mean() > 0.99
    assert (labels[said] != UNKNOWN).all(), "of what was said nothing is left without a regime"


@pytest.mark.parametrize("class_id", ["refrigerator", "cold_room"])
def test_each_defrost_is_seen_within_minutes_and_no_other_is_claimed(class_id: str) -> None:
    run, _, labels = fleet(class_id)
    truth, seen = run.truth.defrosting, is_(labels, Regime.DEFROST)
    real, claimed = begins(truth[:, :-12]), begins(seen)
    assert len(real) > UNITS
    missed = [place for place in real if not seen[place[0], place[1] : place[1] + 12].any()]
    wrong = [place for place in claimed if not truth[place[0], max(0, place[1] - 30) : place[1] + 2].any()]
    assert (missed, len(wrong) / len(claimed)) == ([], pytest.approx(0.0, abs=0.03))


@pytest.mark.parametrize("class_id", ["refrigerator", "cold_room"])
def test_an_open_door_is_seen_where_nothing_else_hides_it(class_id: str) -> None:
    run, _, labels = fleet(class_id)
    door = run.values[:, :, CLASSES[class_id].metric_names.index("door_open")]
    opened, told = (door > 0) & ~is_(labels, Regime.DEFROST), ~np.isnan(door)
    assert opened.any()
    assert np.array_equal(is_(labels, Regime.DOOR_OPEN)[told], opened[told])


@pytest.mark.parametrize(
    ("class_id", "hidden", "works_above"),
    [("washing_machine", "level_l", 5.0), ("dishwasher", "level_l", 1.0), ("water_heater", "into_water_w", 500.0)],
)
def test_what_has_water_in_it_or_heats_it_is_running(class_id: str, hidden: str, works_above: float) -> None:
    run, said, labels = fleet(class_id)
    works, runs = getattr(run.truth, hidden) > works_above, is_(labels, Regime.RUNNING)
    assert runs[works & said].mean() > 0.95
    assert works.mean() < runs[said].mean() + 0.01 < 0.15, "most of the day it is not"
    assert (labels[said] != UNKNOWN).all()


def test_a_pull_down_is_a_long_way_down_at_work() -> None:
    run, _, labels = fleet("cold_room")
    unit, minute = begins(is_(labels, Regime.PULL_DOWN))[0]
    fell_k = run.truth.air_c[unit, minute - 30] - run.truth.air_c[unit, minute]
    assert fell_k > 3.5
    assert run.truth.running[unit, minute]


def test_readings_that_come_one_by_one_get_the_labels_that_they_get_together() -> None:
    """What comes later never changes a label, and neighbours in the arrays never do."""
    run, said, labels = fleet("refrigerator")
    some = said.copy()
    some[:, 600:] = False
    some[3:] = False
    owner, ts_ms = np.nonzero(some)[0], np.tile(run.ts_ms, (UNITS, 1))[some]
    assert np.array_equal(label(CLASSES["refrigerator"], owner, ts_ms, run.values[some]), labels[some])


def a_class(*rules: RegimeRule, slow_s: int = 300) -> ApplianceClass:
    title = {"en": "x", "zh": "x"}
    metrics = (
        Metric(name="power_w", unit="W", low=0, high=1e4, title=title),
        Metric(name="air_temp_c", unit="°C", low=-50, high=50, title=title, cadence_s=slow_s),
    )
    return ApplianceClass(
        class_id="x", title=title, cadence_s=60, metrics=metrics, levels=(), on_times=(), families=(), regimes=rules
    )


def masks(appliance: ApplianceClass, power: list[float], air: list[float], minutes: list[int] | None = None) -> str:
    """`X` where its only regime is recognised."""
    ts_ms = START_MS + MINUTE_MS * np.array(minutes or range(len(power)))
    (mask,) = recognised(appliance, np.zeros(len(power), int), ts_ms, np.column_stack([power, air]))
    return "".join("X" if each else "." for each in mask)


RUNS = Condition(metric="power_w", above=10.0)


def test_a_hold_lets_a_moment_pass_and_a_stay_bridges_one() -> None:
    rule = RegimeRule(regime=Regime.RUNNING, when=(RUNS,), hold_s=120, stay_s=120)
    power = [0.0, 50, 0, 50, 50, 50, 0, 50, 0, 0, 0, 0]
    assert masks(a_class(rule), power, [NAN] * 12) == ".....XXXXX.."


def test_at_or_above_and_below() -> None:
    rule = RegimeRule(regime=Regime.RUNNING, when=(Condition(metric="power_w", above=10.0, below=20.0),))
    assert masks(a_class(rule), [9.9, 10.0, 19.9, 20.0], [NAN] * 4) == ".XX."


def test_what_is_said_seldom_counts_until_it_is_due_thrice() -> None:
    rule = RegimeRule(regime=Regime.DEFROST, when=(Condition(metric="air_temp_c", above=5.0),))
    air = [9.0, *[NAN] * 19]
    assert masks(a_class(rule), [1.0] * 20, air) == "X" * 16 + "...."
    assert masks(a_class(rule, slow_s=60), [1.0] * 20, air) == "X" * 4 + "." * 16


def test_over_a_gap_nothing_is_known() -> None:
    rule = RegimeRule(regime=Regime.RUNNING, when=(RUNS,), hold_s=120, stay_s=600)
    assert masks(a_class(rule), [50.0] * 7, [NAN] * 7, [0, 1, 2, 3, 30, 31, 32]) == "..XX..X"


def test_a_rise_is_counted_over_its_time_and_not_over_a_gap() -> None:
    rule = RegimeRule(regime=Regime.PULL_DOWN, when=(Condition(metric="air_temp_c", over_s=120, below=-1.5),))
    assert masks(a_class(rule), [1.0] * 5, [9.0, 8.0, 7.0, 6.0, 6.0]) == "..XX."
    assert masks(a_class(rule), [1.0] * 4, [9.0, 8.0, 3.0, 2.0], [0, 1, 30, 31]) == "...."


def test_one_appliance_says_nothing_of_the_next() -> None:
    """Neither its last value, nor the hold that it began, nor how far it has fallen."""
    fell = RegimeRule(regime=Regime.PULL_DOWN, when=(Condition(metric="air_temp_c", over_s=60, below=-1.0),))
    runs = RegimeRule(regime=Regime.RUNNING, when=(RUNS,), hold_s=60)
    appliance = a_class(fell, runs)
    owner, ts_ms = np.array([0, 0, 1, 1]), START_MS + MINUTE_MS * np.array([0, 1, 1, 2])
    values = np.array([[50.0, 9.0], [50.0, 9.0], [50.0, 2.0], [NAN, NAN]])
    assert [mask.tolist() for mask in recognised(appliance, owner, ts_ms, values)] == [
        [False] * 4,
        [False, True, False, True],
    ]
    values[2] = NAN
    assert label(appliance, owner, ts_ms, values)[2:].tolist() == [UNKNOWN, UNKNOWN]


def test_the_first_of_several_names_it_and_nothing_is_unknown() -> None:
    cold = RegimeRule(regime=Regime.OFF, when=(Condition(metric="air_temp_c", below=0.0),))
    appliance = a_class(RegimeRule(regime=Regime.RUNNING, when=(RUNS,)), cold)
    ts_ms = START_MS + MINUTE_MS * np.arange(3)
    values = np.array([[50.0, -5.0], [0.0, -5.0], [0.0, 5.0]])
    found = label(appliance, np.zeros(3, int), ts_ms, values)
    assert [REGIMES[each] if each != UNKNOWN else None for each in found] == [Regime.RUNNING, Regime.OFF, None]
    assert len(label(appliance, np.zeros(0, int), ts_ms[:0], values[:0])) == 0

"""What the simulated fleet owes the detectors: healthy units in measured ranges, faults that move what they must."""

from functools import cache

import numpy as np
import pytest

from devices import catalogue
from simulators.model import FAULTS, KINDS, Fault, Unit
from simulators.thermal import Plant, Run, Truth, simulate

HOUR_MS = 3_600_000
END_MS = 1_731_600_000_000
DAYS = 7
SEEDS = tuple(range(12))
DRAW = {"refrigerator": 4, "air_conditioner": 4, "cold_room": 4}  # column of power or current


@cache
def yard() -> tuple[list[tuple[str, str]], Run]:
    """Every class with every fault, and without one, in one plant: who is who, and seven days of them all."""
    who = [(class_id, name) for class_id in KINDS for name in ("", *FAULTS) for _ in SEEDS]
    onset_ms = END_MS - 36 * HOUR_MS
    faults = [Fault(name=name, onset_ms=onset_ms) if name else None for _, name in who]
    units = [Unit(seed=seed) for seed in SEEDS] * (len(who) // len(SEEDS))
    plant = Plant([KINDS[class_id] for class_id, _ in who], units, END_MS - DAYS * 24 * HOUR_MS, faults=faults)
    return who, plant.advance(DAYS * 1440)


def ill(class_id: str, name: str) -> Run:
    who, run = yard()
    rows = [i for i, each in enumerate(who) if each == (class_id, name)]
    metrics = len(KINDS[class_id].sensors)
    return Run(run.ts_ms, run.values[rows][..., :metrics], Truth(*(column[rows] for column in run.truth)))


def healthy(class_id: str) -> Run:
    return ill(class_id, "")


def starts(running: np.ndarray) -> np.ndarray:
    return (running[:, 1:] & ~running[:, :-1]).sum(axis=1)


def on_time_min(running: np.ndarray) -> np.ndarray:
    return running.sum(axis=1) / np.maximum(starts(running), 1)


def last_hours(run: Run, hours: int = 12) -> slice:
    return slice(len(run.ts_ms) - hours * 60, None)


@pytest.mark.parametrize("class_id", KINDS)
def test_every_metric_of_the_catalogue_has_a_sensor(class_id: str) -> None:
    assert set(KINDS) == set(catalogue.load())
    names = catalogue.load()[class_id].metric_names
    run = healthy(class_id)
    assert run.values.shape == (len(SEEDS), DAYS * 1440, len(names))
    for i, metric in enumerate(catalogue.load()[class_id].metrics):
        assert np.nanmin(run.values[..., i]) >= metric.low, metric.name
        assert np.nanmax(run.values[..., i]) <= metric.high, metric.name


def test_healthy_refrigerators_lie_in_the_measured_ranges() -> None:
    run = healthy("refrigerator")
    duty = run.truth.running.mean(axis=1)
    cycles = starts(run.truth.running) / 7
    watts = [np.nanmedian(run.values[i, on, 4]) for i, on in enumerate(run.truth.running)]
    assert 0.3 <= np.median(duty) <= 0.5
    assert duty.min() > 0.25
    assert duty.max() < 0.55
    assert cycles.min() >= 11
    assert cycles.max() <= 54
    assert min(watts) >= 60
    assert max(watts) <= 150


@pytest.mark.parametrize("class_id", KINDS)
def test_the_thermostat_holds_healthy_units_through_doors_and_defrosts(class_id: str) -> None:
    air_c = healthy(class_id).truth.air_c
    window = np.ones(90) / 90
    for row in air_c:
        smooth = np.convolve(row - np.median(row), window, "valid")
        assert np.abs(smooth).max() < 3.6


@pytest.mark.parametrize("class_id", ["refrigerator", "cold_room"])
def test_a_defrost_comes_every_8_to_24_hours_and_warms_the_air(class_id: str) -> None:
    run = healthy(class_id)
    a_day = starts(run.truth.defrosting) / 7
    assert a_day.min() >= 0.7
    assert a_day.max() <= 3.1
    after = [run.truth.air_c[i, d].max() - np.median(run.truth.air_c[i]) for i, d in enumerate(run.truth.defrosting)]
    assert min(after) > 0.5
    assert max(after) < 9


def test_an_inrush_is_one_sample_well_above_running() -> None:
    run = healthy("refrigerator")
    for unit, on in enumerate(run.truth.running):
        power_w = run.values[unit, :, 4]
        begins = np.flatnonzero(on[1:] & ~on[:-1]) + 1
        steady = np.nanmedian(power_w[on])
        assert np.nanmedian(power_w[begins]) > 1.6 * steady
        assert np.nanmedian(power_w[np.minimum(begins + 1, len(on) - 1)]) < 1.4 * steady


def test_sensors_are_quantised_and_miss_a_sample_now_and_then() -> None:
    values = healthy("refrigerator").values
    said = values[..., 0][~np.isnan(values[..., 0])]
    assert np.allclose(said * 10, np.round(said * 10))
    share = np.isnan(values[..., 0]).mean()
    assert 0 < share < 0.03


@pytest.mark.parametrize("class_id", KINDS)
@pytest.mark.parametrize("name", [n for n, effect in FAULTS.items() if "on_time" in effect.seen_by])
def test_on_time_faults_lengthen_every_units_on_time(class_id: str, name: str) -> None:
    sound, sick = healthy(class_id), ill(class_id, name)
    late = last_hours(sick)
    assert (on_time_min(sick.truth.running[:, late]) > 1.35 * on_time_min(sound.truth.running)).all()


@pytest.mark.parametrize("class_id", KINDS)
@pytest.mark.parametrize("name", [n for n, effect in FAULTS.items() if "level" in effect.seen_by])
def test_level_faults_move_every_units_temperature_beyond_the_smallest_shift(class_id: str, name: str) -> None:
    sound, sick = healthy(class_id), ill(class_id, name)
    rule = catalogue.load()[class_id].levels[0]
    late = last_hours(sick, 6)
    shift = np.nanmedian(sick.values[:, late, 0], axis=1) - np.nanmedian(sound.values[..., 0], axis=1)
    assert (shift < -rule.min_shift if name == "thermostat_stuck_on" else shift > rule.min_shift).all()


@pytest.mark.parametrize(
    ("name", "draw", "discharge"),
    [
        ("compressor_wear", -1, -1),
        ("refrigerant_leak", -1, 0),
        ("condenser_fouled", 1, 1),
        ("evaporator_fan_stopped", -1, 0),
        ("thermostat_stuck_on", 0, 0),
    ],
)
def test_running_draw_and_discharge_move_as_the_fault_says(name: str, draw: int, discharge: int) -> None:
    for class_id in KINDS:
        sound, sick = healthy(class_id), ill(class_id, name)
        late = last_hours(sick)
        columns = ((DRAW[class_id], draw), (2, discharge))
        for column, direction in columns:
            if direction:
                before = _while_running(sound, slice(None), column)
                after = _while_running(sick, late, column)
                assert ((after - before) * direction > 0).mean() > 0.9, (class_id, column)


def _while_running(run: Run, rows: slice, column: int) -> np.ndarray:
    units = zip(run.values[:, rows, column], run.truth.running[:, rows], strict=True)
    return np.array([np.nanmedian(column[on]) for column, on in units])


def test_short_cycling_starts_often_and_runs_for_moments() -> None:
    sick = ill("refrigerator", "short_cycling")
    late = sick.truth.running[:, last_hours(sick)]
    assert (on_time_min(late) <= 3).all()
    assert (starts(late) / starts(healthy("refrigerator").truth.running) * 2 * DAYS >= 1.5).all()


def test_before_its_onset_a_fault_changes_nothing() -> None:
    sound, sick = healthy("refrigerator"), ill("refrigerator", "evaporator_fan_stopped")
    before = slice(0, (DAYS * 24 - 36) * 60)
    assert np.array_equal(sound.values[:, before], sick.values[:, before], equal_nan=True)


def test_the_same_seed_gives_the_same_data_and_another_seed_another() -> None:
    begin = END_MS - 6 * HOUR_MS
    first, again = (simulate("cold_room", [7, 8], begin, END_MS) for _ in range(2))
    assert np.array_equal(first.values, again.values, equal_nan=True)
    alone = simulate("cold_room", [8], begin, END_MS)
    assert np.array_equal(first.values[1:], alone.values, equal_nan=True)
    assert not np.array_equal(first.values[0], first.values[1], equal_nan=True)


def test_a_run_in_pieces_is_one_run() -> None:
    begin, units = END_MS - 50 * HOUR_MS, [Unit(seed=3, utc_offset_h=8.0), Unit(seed=4)]
    fault = Fault(name="compressor_wear", onset_ms=END_MS - 36 * HOUR_MS)
    faults = [None, fault]
    whole = simulate("refrigerator", units, begin, END_MS, fault=faults)
    plant = Plant([KINDS["refrigerator"]] * 2, units, begin, faults=faults)
    pieces = [plant.advance(steps) for steps in (1, 1439, 60, 1, 50 * 60 - 1501)]
    assert np.array_equal(whole.values, np.concatenate([p.values for p in pieces], axis=1), equal_nan=True)
    assert np.array_equal(whole.ts_ms, np.concatenate([p.ts_ms for p in pieces]))
    assert plant.next_ms == END_MS


def test_a_history_has_exactly_the_minutes_asked_for() -> None:
    run = simulate("refrigerator", [1], END_MS - 1_000, END_MS + 120_000)
    assert run.ts_ms.tolist() == [END_MS, END_MS + 60_000]

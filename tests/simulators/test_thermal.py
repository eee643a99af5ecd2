"""What the simulated fleet owes the detectors: healthy units in measured ranges, faults that move what they must."""

from functools import cache
from typing import NamedTuple

import numpy as np
import pytest

from devices import catalogue
from simulators.cabinet import Minute
from simulators.model import FAULTS, KINDS, Fault, Unit
from simulators.thermal import Plant, Run, Truth, simulate

HOUR_MS = 3_600_000
END_MS = 1_731_600_000_000
DAYS = 7
SEEDS = tuple(range(8))
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


class Signs(NamedTuple):
    """What a fault does to a unit that runs, against itself when sound: -1 less, +1 more, 0 not said here.

    Pressures follow the temperatures at which the refrigerant evaporates and condenses.
    """

    evaporating: int = 0
    condensing: int = 0
    superheat: int = 0
    subcooled: int = 0
    draw: int = 0
    duty: int = 0
    starts: int = 0
    air: int = 0
    frost: int = 0


SIGNS = {
    "refrigerant_leak": Signs(evaporating=-1, condensing=-1, superheat=1, subcooled=-1, draw=-1, duty=1),
    "condenser_fouled": Signs(evaporating=1, condensing=1, draw=1),
    "condenser_fan_stopped": Signs(evaporating=1, condensing=1, draw=1, starts=1),
    "evaporator_fan_stopped": Signs(evaporating=-1, condensing=-1, draw=-1, duty=1, air=1),
    "door_seal_leaking": Signs(duty=1),
    "door_left_open": Signs(duty=1),
    "compressor_wear": Signs(evaporating=1, condensing=-1, draw=-1, duty=1),
    "capillary_restricted": Signs(evaporating=-1, superheat=1, subcooled=1, draw=-1, duty=1),
    "overcharged": Signs(condensing=1, subcooled=1),
    "short_cycling": Signs(starts=1, duty=-1, air=1),
    "start_stiction": Signs(duty=-1, starts=-1, air=1),
    "thermostat_stuck_on": Signs(duty=1, air=-1),
    "sensor_drift": Signs(duty=1, air=-1),
}


def quantities(run: Run, class_id: str, rows: slice) -> Signs:
    """Each (units,): medians while running; duty, starts, frost and the air over all."""
    truth = Truth(*(column[:, rows] for column in run.truth))
    running = truth.running

    def on(column: np.ndarray) -> np.ndarray:
        return np.array([np.nanmedian(row[mask]) for row, mask in zip(column, running, strict=True)])

    return Signs(
        evaporating=on(truth.evaporating_c),
        condensing=on(truth.condensing_c),
        superheat=on(truth.superheat_k),
        subcooled=on(truth.subcooled_k),
        draw=on(run.values[:, rows, DRAW[class_id]]),
        duty=running.mean(axis=1),
        starts=starts(running),
        air=np.median(truth.air_c, axis=1),
        frost=truth.frost[:, -1],
    )


@pytest.mark.parametrize("class_id", KINDS)
@pytest.mark.parametrize("name", SIGNS)
def test_a_fault_moves_pressures_temperatures_and_power_as_the_field_says(class_id: str, name: str) -> None:
    late = last_hours(healthy(class_id))
    sound, sick = (quantities(run, class_id, late) for run in (healthy(class_id), ill(class_id, name)))
    for quantity, sign, before, after in zip(Signs._fields, SIGNS[name], sound, sick, strict=True):
        if sign:
            assert ((after - before) * sign > 0).mean() > 0.8, (quantity, before, after)


def test_a_leak_and_a_blocked_capillary_differ_in_what_waits_in_the_condenser() -> None:
    leak, blocked = (
        quantities(ill("refrigerator", name), "refrigerator", last_hours(healthy("refrigerator")))
        for name in ("refrigerant_leak", "capillary_restricted")
    )
    assert leak.subcooled.max() < 4 < blocked.subcooled.min()
    assert leak.superheat.min() > 10 < blocked.superheat.min()


def test_a_leak_is_not_seen_until_the_accumulator_is_empty() -> None:
    """Half of the ramp costs charge that only the accumulator held, in nobody who has a large one."""
    begin, onset_ms = END_MS - 3 * 24 * HOUR_MS, END_MS - 48 * HOUR_MS
    units = [Unit(seed=seed) for seed in SEEDS]
    leak = [Fault(name="refrigerant_leak", onset_ms=onset_ms, ramp_s=48 * 3600) for _ in units]
    sound, sick = (simulate("refrigerator", units, begin, END_MS, fault=fault) for fault in (None, leak))
    early, late = slice(24 * 60, 34 * 60), slice(-6 * 60, None)
    assert np.allclose(sound.truth.superheat_k[:, early], sick.truth.superheat_k[:, early])
    assert (sick.truth.running[:, late].mean(axis=1) > 1.3 * sound.truth.running[:, late].mean(axis=1)).all()


def test_an_iced_coil_gathers_frost_that_no_defrost_takes_away() -> None:
    for class_id in ("refrigerator", "cold_room"):
        sound, sick = healthy(class_id), ill(class_id, "coil_iced")
        assert (sick.truth.frost[:, -1] > 1.5).all()
        assert (sound.truth.frost[:, -1440:].max(axis=1) < 2.5).all()
        assert np.median(sick.truth.evaporating_c[:, -360:]) < np.median(sound.truth.evaporating_c[:, -360:])


def test_a_leaking_door_seal_shortens_the_pauses() -> None:
    sound, sick = healthy("refrigerator"), ill("refrigerator", "door_seal_leaking")
    late = last_hours(sick)
    pauses = [(~run.truth.running[:, late]).sum(axis=1) / starts(run.truth.running[:, late]) for run in (sound, sick)]
    assert (pauses[1] < pauses[0]).mean() > 0.8


def test_a_drifted_sensor_reads_what_the_thermostat_wants_while_the_truth_moves() -> None:
    sound, sick = healthy("refrigerator"), ill("refrigerator", "sensor_drift")
    late = last_hours(sick)
    read = [np.nanmedian(run.values[:, late, 0], axis=1) for run in (sound, sick)]
    air = [np.median(run.truth.air_c[:, late], axis=1) for run in (sound, sick)]
    assert (np.abs(read[1] - read[0]) < 0.6).all()
    assert (air[1] - air[0] < -2).all()


def test_a_stuck_sensor_says_one_value_for_ever() -> None:
    said = ill("refrigerator", "sensor_stuck").values[:, last_hours(healthy("refrigerator")), 0]
    assert (np.nanmax(said, axis=1) == np.nanmin(said, axis=1)).all()


def test_a_rotor_that_stays_locked_draws_much_for_one_sample_and_is_tried_again() -> None:
    sound, sick = healthy("refrigerator"), ill("refrigerator", "start_stiction")
    power_w, normal_w = sick.values[:, last_hours(sick), 4], quantities(sound, "refrigerator", slice(None)).draw
    locked = power_w > 4.5 * normal_w[:, None]
    assert (locked.sum(axis=1) > 3).all()
    assert not (locked[:, 1:] & locked[:, :-1]).any()


@pytest.mark.parametrize("name", ["", "coil_iced", "door_left_open", "compressor_wear"])
def test_heat_is_neither_made_nor_lost(name: str) -> None:
    """Over three days: what came in through walls, doors, goods and heater, less what the circuit took, is what air,
    goods and coil hold more, and ice less."""
    units = [Unit(seed=seed) for seed in range(3)]
    faults = [Fault(name=name, onset_ms=END_MS) if name else None] * 3
    kinds = [KINDS[class_id] for class_id in ("refrigerator", "air_conditioner", "cold_room")]
    plant = Plant(kinds, units, END_MS, faults=faults)
    cabinet, body = plant._state, plant._body

    def held_j() -> np.ndarray:
        masses = body.air_j * cabinet.air_c + body.goods_j * cabinet.goods_c + body.coil_j * cabinet.coil_c
        return masses - cabinet.frost_j

    before, brought_j = held_j(), np.zeros(3)
    for _ in range(3 * 1440):
        row = plant._turn_page()
        minute = Minute(*(column[row] for column in plant._minutes))
        air_c = cabinet.air_c
        plant.advance(1)
        brought_w = minute.walls_w - minute.walls_w_k * air_c + minute.goods_w + minute.heat_w * cabinet.defrosting
        brought_j += 60 * (brought_w - cabinet.flow.cooling_w * cabinet.running)
    moved_j = body.capacity_w * 86_400
    assert np.allclose(held_j() - before, brought_j, atol=1e-9 * moved_j.max())


@pytest.mark.parametrize("name", ["", *FAULTS])
def test_no_compressor_is_better_than_carnots(name: str) -> None:
    for class_id in KINDS:
        run = ill(class_id, name)
        on = run.truth.running
        te_k, tc_k = run.truth.evaporating_c[on] + 273.15, run.truth.condensing_c[on] + 273.15
        assert (tc_k > te_k).all()
        assert np.isfinite(run.truth.superheat_k).all()
        assert (te_k > 170).all()


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

"""What the simulated fleet owes the detectors: healthy units in measured ranges, faults that move what they must."""

import numpy as np
import pytest

from devices import catalogue
from simulators.ailments import FAULTS
from simulators.cabinet import one_by_one
from simulators.classes import FAULTS as FAULTS_OF
from simulators.kinds import KINDS
from simulators.model import Fault, Unit
from simulators.thermal import Plant, simulate
from tests.simulators.yard import DAYS, END_MS, HOUR_MS, SEEDS, healthy, ill, starts


def test_every_class_of_the_catalogue_has_a_physics_and_no_other_has() -> None:
    assert set(FAULTS_OF) == set(catalogue.load())


@pytest.mark.parametrize("class_id", KINDS)
def test_every_metric_of_the_catalogue_has_a_sensor(class_id: str) -> None:
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
        assert 0.6 < (power_w[begins] > 1.2 * steady).mean() < 0.95, "now and then a sample misses it"
        assert np.nanmax(power_w[begins]) > 1.6 * steady
        assert np.nanmedian(power_w[np.minimum(begins + 1, len(on) - 1)]) < 1.4 * steady


def test_a_run_begins_with_more_power_than_it_ends_with() -> None:
    """As two real refrigerators: 80 W fall to 70, 130 to 112, though the condenser warms up."""
    run = healthy("refrigerator")
    for unit, on in enumerate(run.truth.running):
        begins = np.flatnonzero(on[1:] & ~on[:-1]) + 1
        ends = np.flatnonzero(~on[1:] & on[:-1])
        early_w, late_w = (np.nanmedian(run.values[unit, places, 4]) for places in (begins[:-1] + 2, ends))
        assert 1.04 < early_w / late_w < 1.3


def test_sensors_are_quantised_and_miss_a_sample_now_and_then() -> None:
    values = healthy("refrigerator").values
    said = values[..., 0][~np.isnan(values[..., 0])]
    assert np.allclose(said * 10, np.round(said * 10))
    share = np.isnan(values[..., 0]).mean()
    assert 0 < share < 0.03


def test_heat_is_neither_made_nor_lost() -> None:
    """Over three days: what came in through walls, doors, goods and heater, less what the circuit took, is what air,
    goods and coil hold more, and ice less."""
    names = ("", "coil_iced", "door_left_open", "compressor_wear", "overcharged")
    faults = [Fault(name=name, onset_ms=END_MS) if name else None for name in names for _ in KINDS]
    kinds = [kind for _ in names for kind in KINDS.values()]
    units = [Unit(seed=seed) for seed in range(len(kinds))]
    plant = Plant(kinds, units, END_MS, faults=faults)
    cabinet, body = plant._state, plant._body

    def held_j() -> np.ndarray:
        masses = body.air_j * cabinet.air_c + body.goods_j * cabinet.goods_c + body.coil_j * cabinet.coil_c
        return masses - cabinet.frost_j

    before, brought_j = held_j(), np.zeros(len(kinds))
    for _ in range(3 * 1440):
        row, _ = plant._turn_page()
        minute = next(one_by_one(plant._minutes, slice(row, row + 1)))
        air_c = cabinet.air_c
        plant.advance(1)
        brought_w = minute.walls_w - minute.walls_w_k * air_c + minute.goods_w + minute.heat_w * cabinet.defrosting
        brought_j += 60 * (brought_w - cabinet.flow.cooling_w * cabinet.running)
    moved_j = body.capacity_w * 86_400
    assert (np.abs(held_j() - before - brought_j) < 1e-9 * moved_j).all()


@pytest.mark.parametrize("name", ["", *FAULTS])
def test_no_compressor_is_better_than_carnots(name: str) -> None:
    for class_id, kind in KINDS.items():
        if name in kind.spared:
            continue
        run = ill(class_id, name)
        on = run.truth.running
        te_k, tc_k = run.truth.evaporating_c[on] + 273.15, run.truth.condensing_c[on] + 273.15
        assert (tc_k > te_k).all()
        assert np.isfinite(run.truth.superheat_k).all()
        assert (te_k > 170).all()


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

"""What each fault moves, against the same unit when sound: directions as refrigeration literature has them."""

import numpy as np
import pytest

from devices import catalogue
from simulators.ailments import FAULTS
from simulators.kinds import KINDS
from simulators.model import Fault, Unit
from simulators.moisture import saturated_pa
from simulators.refrigerant import KELVIN, R404A, R600A
from simulators.run import Run
from simulators.thermal import simulate
from tests.simulators.yard import (
    DRAW,
    END_MS,
    HOUR_MS,
    MILD,
    SEEDS,
    Signs,
    each,
    healthy,
    ill,
    last_hours,
    on_time_min,
    quantities,
    starts,
    while_running,
)


@pytest.mark.parametrize(("class_id", "name"), each(n for n, e in FAULTS.items() if "on_time" in e.seen_by))
def test_on_time_faults_lengthen_every_units_on_time(class_id: str, name: str) -> None:
    sound, sick = healthy(class_id), ill(class_id, name)
    late = last_hours(sick)
    assert (on_time_min(sick.truth.running[:, late]) > 1.35 * on_time_min(sound.truth.running)).all()


@pytest.mark.parametrize(("class_id", "name"), each(n for n, e in FAULTS.items() if "level" in e.seen_by))
def test_level_faults_move_every_units_temperature_beyond_the_smallest_shift(class_id: str, name: str) -> None:
    sound, sick = healthy(class_id), ill(class_id, name)
    rule = catalogue.load()[class_id].levels[0]
    late = last_hours(sick, 6)
    shift = np.nanmedian(sick.values[:, late, 0], axis=1) - np.nanmedian(sound.values[..., 0], axis=1)
    drop = rule.min_drop or rule.min_shift
    assert (shift < -drop if name == "thermostat_stuck_on" else shift > rule.min_shift).all()


SIGNS = {
    "refrigerant_leak": Signs(evaporating=-1, condensing=-1, superheat=1, subcooled=-1, draw=-1, duty=1),
    "condenser_fouled": Signs(evaporating=1, condensing=1, draw=1),
    MILD + "condenser_fouled": Signs(evaporating=1, condensing=1, draw=1, duty=1),
    "coil_iced": Signs(evaporating=-1, draw=-1, duty=1, frost=1),
    "condenser_fan_stopped": Signs(evaporating=1, condensing=1, draw=1, starts=1),
    "evaporator_fan_stopped": Signs(evaporating=-1, condensing=-1, draw=-1, duty=1, air=1, fan=-1),
    "door_seal_leaking": Signs(duty=1, humidity=1),
    "door_left_open": Signs(duty=1, humidity=1),
    "compressor_wear": Signs(evaporating=1, condensing=-1, draw=-1, duty=1, air=1),
    MILD + "compressor_wear": Signs(evaporating=1, condensing=-1, draw=-1, duty=1),
    "capillary_restricted": Signs(evaporating=-1, condensing=-1, superheat=1, subcooled=1, draw=-1, duty=1, air=1),
    "overcharged": Signs(evaporating=1, condensing=1, subcooled=1, draw=1, duty=1),
    "short_cycling": Signs(starts=1, duty=-1, air=1),
    "start_stiction": Signs(starts=-1, air=1),
    "thermostat_stuck_on": Signs(evaporating=-1, duty=1, air=-1),
    "low_voltage": Signs(draw=1, duty=-1, air=1),
    "drain_blocked": Signs(duty=-1, air=1),
    "sensor_drift": Signs(duty=1, air=-1),
}


@pytest.mark.parametrize(("class_id", "name"), each(SIGNS))
def test_a_fault_moves_pressures_temperatures_and_power_as_the_field_says(class_id: str, name: str) -> None:
    late = last_hours(healthy(class_id))
    sound, sick = (quantities(run, class_id, late) for run in (healthy(class_id), ill(class_id, name)))
    for quantity, sign, before, after in zip(Signs._fields, SIGNS[name], sound, sick, strict=True):
        if sign:
            assert ((after - before) * sign > 0).mean() > 0.8, (quantity, before, after)


@pytest.mark.parametrize("name", [name for name, signs in SIGNS.items() if signs.evaporating and signs.condensing])
def test_gauges_of_a_commercial_unit_say_what_its_circuit_does(name: str) -> None:
    """Pressures move with the temperatures at which it evaporates and condenses."""
    names, late = catalogue.load()["cold_room"].metric_names, last_hours(healthy("cold_room"))
    runs = healthy("cold_room"), ill("cold_room", name)
    for metric, sign in (
        ("suction_pressure_pa", SIGNS[name].evaporating),
        ("discharge_pressure_pa", SIGNS[name].condensing),
    ):
        column = names.index(metric)
        sound, sick = (while_running(run.values[:, late, column], run.truth.running[:, late]) for run in runs)
        assert ((sick - sound) * sign > 0).mean() > 0.8, (metric, sound, sick)


def test_gauges_of_a_sound_commercial_unit_read_what_its_fluid_has() -> None:
    run, names = healthy("cold_room"), catalogue.load()["cold_room"].metric_names
    low, high = (run.values[..., names.index(f"{side}_pressure_pa")] for side in ("suction", "discharge"))
    on = run.truth.running
    for read, so_c in ((low, run.truth.evaporating_c), (high, run.truth.condensing_c)):
        so_bar = np.exp(R404A.a - R404A.b_k / (so_c + KELVIN))
        assert np.nanmax(np.abs(read / 1e5 - so_bar)[on]) < 0.3
    assert np.nanmedian(low[~on]) > np.nanmedian(low[on]), "it rises while nothing pumps"
    assert np.nanmedian(high[~on]) < np.nanmedian(high[on])


@pytest.mark.parametrize(("class_id", "name"), each(FAULTS))
def test_no_fault_leaves_a_unit_as_it_was(class_id: str, name: str) -> None:
    late = last_hours(healthy(class_id))
    for sound, sick in zip(healthy(class_id).values[:, late], ill(class_id, name).values[:, late], strict=True):
        assert not np.array_equal(sound, sick, equal_nan=True)


SIZES = {  # of the median unit, against itself when sound: the draw while running, the length of runs and of pauses
    MILD + "condenser_fouled": {"draw": (1.01, 1.1), "on": (1.0, 1.25)},
    "condenser_fouled": {"draw": (1.03, 1.3)},
    "condenser_fan_stopped": {"draw": (1.4, 2.2), "on": (0.1, 0.35)},
    "evaporator_fan_stopped": {"draw": (0.7, 0.95)},
    "coil_iced": {"draw": (0.6, 0.9), "on": (1.5, 12.0)},
    MILD + "refrigerant_leak": {"draw": (0.75, 0.98), "on": (1.2, 4.0), "off": (0.85, 1.1)},
    MILD + "compressor_wear": {"draw": (0.5, 0.8), "on": (1.5, 4.0), "off": (0.85, 1.1)},
    "door_seal_leaking": {"draw": (0.95, 1.03), "on": (1.0, 2.0), "off": (0.7, 0.95)},
    "overcharged": {"draw": (1.02, 1.2), "on": (1.05, 1.5), "off": (0.85, 1.1)},
}


@pytest.mark.parametrize(("class_id", "name"), each(SIZES))
def test_a_fault_moves_power_runs_and_pauses_as_far_as_the_field_says(class_id: str, name: str) -> None:
    sound, sick = (_spells(run, class_id) for run in (healthy(class_id), ill(class_id, name)))
    for what, (low, high) in SIZES[name].items():
        assert low <= np.median(sick[what] / sound[what]) <= high, what


def _spells(run: Run, class_id: str) -> dict[str, np.ndarray]:
    rows = last_hours(run, 24)
    running = run.truth.running[:, rows]
    draw = np.array(
        [np.nanmedian(row[on]) for row, on in zip(run.values[:, rows, DRAW[class_id]], running, strict=True)]
    )
    return {"draw": draw, "on": on_time_min(running), "off": on_time_min(~running)}


@pytest.mark.parametrize(("class_id", "name"), each(["condenser_fouled", "condenser_fan_stopped"]))
def test_a_condenser_that_gives_little_off_makes_the_line_behind_the_compressor_hotter(
    class_id: str, name: str
) -> None:
    sound_c, sick_c = (_discharge_c(class_id, each) for each in ("", name))
    assert (sick_c > sound_c).mean() > 0.8, sick_c - sound_c


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


@pytest.mark.parametrize("class_id", KINDS)
def test_a_leaking_door_seal_shortens_the_pauses_and_brings_frost_while_the_power_stays(class_id: str) -> None:
    sound, sick = healthy(class_id), ill(class_id, "door_seal_leaking")
    late = last_hours(sick)
    pauses = [(~run.truth.running[:, late]).sum(axis=1) / starts(run.truth.running[:, late]) for run in (sound, sick)]
    assert (pauses[1] < pauses[0]).mean() > 0.8
    before, after = (quantities(run, class_id, late) for run in (sound, sick))
    assert np.median(np.abs(after.draw / before.draw - 1)) < 0.05
    if class_id != "air_conditioner":  # its coil is above freezing
        assert (after.frost > before.frost).mean() > 0.8


@pytest.mark.parametrize(("class_id", "name"), each(["evaporator_fan_stopped", "coil_iced", "overcharged"]))
def test_a_coil_that_gets_more_liquid_than_it_boils_does_not_overheat_the_gas(class_id: str, name: str) -> None:
    late = last_hours(healthy(class_id))
    sound, sick = (quantities(run, class_id, late) for run in (healthy(class_id), ill(class_id, name)))
    assert (sick.superheat <= sound.superheat + 0.01).all()


def test_an_overcharge_costs_what_was_measured() -> None:
    """Of 75 g: 110 lengthened the runs by 21 % and made the pressure 1.3 bar higher, a tenth costs 6 to 12 %."""
    begin, units = END_MS - 36 * HOUR_MS, [Unit(seed=seed) for seed in range(12)]
    faults = [
        Fault(name="overcharged", onset_ms=0, strength=(grams / 75 - 1) / FAULTS["overcharged"].charge)
        for grams in (75, 110, 82.5)
        for _ in units
    ]
    run = simulate("refrigerator", units * 3, begin, END_MS, fault=faults)
    on_min, watts = on_time_min(run.truth.running), np.nanmean(run.values[..., 4], axis=1)
    condensing_c = while_running(run.truth.condensing_c, run.truth.running)
    high_bar = np.exp(R600A.a - R600A.b_k / (condensing_c + KELVIN))
    (sound_min, longer_min, _), (sound_w, _, tenth_w) = np.split(on_min, 3), np.split(watts, 3)
    assert np.median(longer_min / sound_min) == pytest.approx(1.21, abs=0.04)
    assert np.median(high_bar[12:24] - high_bar[:12]) == pytest.approx(1.3, abs=0.15)
    assert 1.055 <= np.median(tenth_w / sound_w) <= 1.12


@pytest.mark.parametrize("class_id", KINDS)
def test_a_leaking_door_seal_lets_the_air_warm_faster_while_nothing_runs_and_the_door_is_shut(class_id: str) -> None:
    """What tells it from a door that is opened often: kelvins an hour of a pause, without a word of the door."""
    warms = []
    for name in ("", "door_seal_leaking"):
        run = ill(class_id, name)
        rows = last_hours(run, 24)
        air_c, off = run.truth.air_c[:, rows], ~(run.truth.running | run.truth.defrosting)[:, rows]
        quiet = off[:, 1:] & off[:, :-1]
        if "door" in dict(KINDS[class_id].sensors):
            quiet &= run.values[:, rows, 5][:, 1:] == 0
        warms.append(np.array([np.median(rises[on]) for rises, on in zip(np.diff(air_c), quiet, strict=True)]))
    assert (warms[1] > 1.05 * warms[0]).mean() > 0.8, warms


@pytest.mark.parametrize("class_id", KINDS)
def test_a_dirty_condenser_works_longer_at_first_and_is_cut_off_when_it_is_severe(class_id: str) -> None:
    late = last_hours(healthy(class_id))
    sound, mild, severe = (
        quantities(ill(class_id, name), class_id, late) for name in ("", MILD + "condenser_fouled", "condenser_fouled")
    )
    assert np.median(mild.duty / sound.duty) < 1.25, "modestly"
    assert np.median(np.abs(mild.air - sound.air)) < 0.5
    assert np.median(severe.starts / sound.starts) > 1.1 * np.median(mild.starts / sound.starts)


@pytest.mark.parametrize("class_id", KINDS)
def test_a_leaks_discharge_line_is_hotter_first_and_cooler_when_hardly_any_gas_comes(class_id: str) -> None:
    """Late, a gas that is hotter than ever warms it less, because there is so little of it."""
    names = ("", MILD + "refrigerant_leak", "refrigerant_leak")
    sound_c, early_c, late_c = (_discharge_c(class_id, name) for name in names)
    assert (early_c > sound_c).mean() > 0.8
    if class_id != "air_conditioner":  # with so warm a coil much gas comes even from what is left
        assert (late_c < early_c).mean() > 0.8


def _discharge_c(class_id: str, name: str) -> np.ndarray:
    run, column = ill(class_id, name), 2
    late = last_hours(run)
    return while_running(run.values[:, late, column], run.truth.running[:, late])


@pytest.mark.parametrize("class_id", ["refrigerator", "freezer", "cold_room"])
def test_an_open_door_warms_and_dampens_the_air_within_the_hour(class_id: str) -> None:
    sound, sick = healthy(class_id), ill(class_id, "door_left_open")
    hours = slice(len(sick.ts_ms) - 35 * 60, len(sick.ts_ms) - 34 * 60)
    before, after = (quantities(run, class_id, hours) for run in (sound, sick))
    assert (after.air > before.air + 4).all()
    assert (after.humidity > before.humidity).mean() > 0.8
    assert (after.evaporating > before.evaporating).mean() > 0.8
    assert (after.condensing > before.condensing).mean() > 0.8
    door = catalogue.load()[class_id].metric_names.index("door_open")
    assert np.nanmean(sick.values[:, hours, door]) == 1


def test_a_defrost_with_a_weak_heater_is_a_relief_and_a_dead_one_draws_nothing() -> None:
    class_id, late = "refrigerator", last_hours(healthy("refrigerator"), 30)
    weak, dead, sound = (ill(class_id, name) for name in (MILD + "coil_iced", "coil_iced", ""))
    falls = [-np.diff(run.truth.frost[:, late], axis=1).clip(max=0).sum(axis=1) for run in (weak, dead)]
    assert (falls[0] > 0.3).all()
    assert (falls[1] < 0.3 * falls[0]).all()
    heats = [run.truth.defrosting[:, late] & ~run.truth.running[:, late] for run in (sound, dead)]
    watts = [np.nanmedian(run.values[:, late, 4][on]) for run, on in zip((sound, dead), heats, strict=True)]
    assert watts[0] > 100
    assert watts[1] < 10


def test_moisture_in_the_capillary_comes_and_goes() -> None:
    sick = ill("refrigerator", "capillary_moist")
    late = last_hours(sick, 24)
    for superheat_k, running in zip(sick.truth.superheat_k[:, late], sick.truth.running[:, late], strict=True):
        hours = [row[on].mean() for row, on in zip(superheat_k.reshape(24, 60), running.reshape(24, 60), strict=True)]
        assert sum(hour > 25 for hour in hours) >= 8
        assert sum(hour < 15 for hour in hours) >= 5


def test_a_blocked_drain_fills_the_pan_until_its_float_stops_the_compressor_and_the_air_gets_damp() -> None:
    sound, sick = healthy("air_conditioner"), ill("air_conditioner", "drain_blocked")
    late, humidity, full = last_hours(sick), 7, 10
    assert not np.nansum(sound.values[..., full])
    assert (np.nanmean(sick.values[:, late, full], axis=1) > 0.5).all()
    both = ((run.values[:, late, 0], run.values[:, late, humidity]) for run in (sound, sick))
    pa = [np.nanmean(saturated_pa(air_c) * percent, axis=1) for air_c, percent in both]
    assert (pa[1] > pa[0]).all()

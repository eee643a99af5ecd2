"""What each fault moves, against the same unit when sound: directions as refrigeration literature has them."""

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
import pytest

from devices import catalogue
from simulators.ailments import FAULTS
from simulators.kinds import KINDS, faults_of
from simulators.model import Fault, Unit
from simulators.moisture import saturated_pa
from simulators.run import Run
from simulators.thermal import Truth, simulate
from tests.simulators.yard import DAYS, DRAW, END_MS, HOUR_MS, SEEDS, healthy, ill, last_hours, on_time_min, starts


def each(names: Iterable[str]) -> list[tuple[str, str]]:
    """Of every class those that it can have."""
    return [(class_id, name) for name in names for class_id, kind in KINDS.items() if name in faults_of(kind)]


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
    humidity: int = 0
    fan: int = 0


SIGNS = {
    "refrigerant_leak": Signs(evaporating=-1, condensing=-1, superheat=1, subcooled=-1, draw=-1, duty=1),
    "condenser_fouled": Signs(evaporating=1, condensing=1, draw=1),
    "condenser_fan_stopped": Signs(evaporating=1, condensing=1, draw=1, starts=1),
    "evaporator_fan_stopped": Signs(evaporating=-1, condensing=-1, draw=-1, duty=1, air=1, fan=-1),
    "door_seal_leaking": Signs(duty=1, humidity=1),
    "door_left_open": Signs(duty=1, humidity=1),
    "compressor_wear": Signs(evaporating=1, condensing=-1, draw=-1, duty=1),
    "capillary_restricted": Signs(evaporating=-1, superheat=1, subcooled=1, draw=-1, duty=1),
    "overcharged": Signs(condensing=1, subcooled=1),
    "short_cycling": Signs(starts=1, duty=-1, air=1),
    "start_stiction": Signs(starts=-1, air=1),
    "thermostat_stuck_on": Signs(duty=1, air=-1),
    "low_voltage": Signs(draw=1, duty=-1, air=1),
    "drain_blocked": Signs(duty=-1, air=1),
    "sensor_drift": Signs(duty=1, air=-1),
}


def quantities(run: Run, class_id: str, rows: slice) -> Signs:
    """Each (units,): medians while running; duty, starts, frost and the air over all."""
    truth = Truth(*(column[:, rows] for column in run.truth))
    running = truth.running

    def on(column: np.ndarray) -> np.ndarray:
        return np.array([np.nanmedian(row[mask]) for row, mask in zip(column, running, strict=True)])

    def said(ending: str) -> np.ndarray:
        names = catalogue.load()[class_id].metric_names
        return run.values[:, rows, next(i for i, name in enumerate(names) if name.endswith(ending))]

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
        humidity=on(said("humidity_pct")),
        fan=on(said("_fan_rpm")) if "fan" in dict(KINDS[class_id].sensors) else np.zeros(len(running)),
    )


@pytest.mark.parametrize(("class_id", "name"), each(SIGNS))
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


def test_a_loose_sensor_says_for_single_samples_what_no_air_does() -> None:
    sick = ill("refrigerator", "sensor_spiking")
    late = last_hours(sick)
    off_k = np.abs(sick.values[:, late, 0] - sick.truth.air_c[:, late])
    assert ((off_k > 20).mean(axis=1) > 0.01).all()
    assert (np.nanmedian(off_k, axis=1) < 0.6).all()
    assert np.allclose(sick.truth.air_c, healthy("refrigerator").truth.air_c), "the thermostat does not believe it"


def test_a_sensor_that_drops_out_is_silent_while_the_others_speak() -> None:
    silent = np.isnan(ill("refrigerator", "sensor_dropping_out").values[:, last_hours(healthy("refrigerator"))])
    assert (silent[..., 0].mean(axis=1) > 0.5).all()
    assert (silent[..., 1:].mean(axis=(1, 2)) < 0.1).all()


def test_a_rotor_that_stays_locked_draws_much_for_one_sample_and_is_tried_again() -> None:
    sound, sick = healthy("refrigerator"), ill("refrigerator", "start_stiction")
    power_w, normal_w = sick.values[:, last_hours(sick), 4], quantities(sound, "refrigerator", slice(None)).draw
    locked = power_w > 4.5 * normal_w[:, None]
    assert (locked.sum(axis=1) > 3).all()
    assert not (locked[:, 1:] & locked[:, :-1]).any()


def test_short_cycling_starts_often_and_runs_for_moments() -> None:
    sick = ill("refrigerator", "short_cycling")
    late = sick.truth.running[:, last_hours(sick)]
    assert (on_time_min(late) <= 3).all()
    assert (starts(late) / starts(healthy("refrigerator").truth.running) * 2 * DAYS >= 1.5).all()


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


def test_low_voltage_opens_the_overload_after_minutes() -> None:
    sick = ill("refrigerator", "low_voltage")
    assert (on_time_min(sick.truth.running[:, last_hours(sick)]) < 12).all()

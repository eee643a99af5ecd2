"""Faults of sensors, relays, overloads and motors, against the same unit when sound."""

from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest

from simulators.climate import PLACES, Place
from simulators.kinds import KINDS
from simulators.model import Fault, Unit
from simulators.thermal import Plant, simulate
from tests.simulators.yard import (
    DAYS,
    END_MS,
    HOUR_MS,
    SEEDS,
    each,
    healthy,
    ill,
    last_hours,
    on_time_min,
    quantities,
    starts,
)


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
    for unit in locked:
        tries_min = np.diff(np.flatnonzero(unit))
        assert tries_min.min() >= 3
        assert np.median(tries_min) <= 10


def test_a_rotor_sticks_more_often_where_it_is_cold() -> None:
    cold = replace(PLACES["dublin"], indoors=1.0)
    units = [Unit(seed=seed, place=place) for place in (None, cold) for seed in SEEDS]
    fault = Fault(name="start_stiction", onset_ms=END_MS - 24 * HOUR_MS)
    run = simulate("refrigerator", units, END_MS - 24 * HOUR_MS, END_MS, fault=fault)
    normal_w = np.tile(quantities(healthy("refrigerator"), "refrigerator", slice(None)).draw, 2)
    locked = (run.values[..., 4] > 4.5 * normal_w[:, None]).sum(axis=1)
    failing = locked / (locked + starts(run.truth.running))
    assert failing[len(SEEDS) :].mean() > failing[: len(SEEDS)].mean() + 0.05


@pytest.mark.parametrize("class_id", KINDS)
def test_short_cycling_starts_three_to_ten_times_as_often_and_runs_for_moments(class_id: str) -> None:
    sick = ill(class_id, "short_cycling")
    late = sick.truth.running[:, last_hours(sick)]
    assert (on_time_min(late) <= 3).all()
    times = starts(late) / starts(healthy(class_id).truth.running) * 2 * DAYS
    assert 3 <= np.median(times) <= 10


@pytest.mark.parametrize(("class_id", "name"), each(["condenser_fan_stopped", "low_voltage"]))
def test_an_overload_cuts_out_after_minutes_again_and_again(class_id: str, name: str) -> None:
    sick = ill(class_id, name)
    late = sick.truth.running[:, last_hours(sick)]
    assert (on_time_min(late) <= 12).all()
    assert (starts(late) > 1.5 * starts(healthy(class_id).truth.running) / (2 * DAYS)).all()


@pytest.mark.parametrize("place", [None, PLACES["shanghai"]], ids=["mild", "hot"])
def test_cut_outs_come_after_3_to_10_minutes_whatever_the_class_and_the_weather(place: Place | None) -> None:
    """A run that ends while the air is warmer than the middle of its band was no thermostat's to end."""
    hot_ms = int(datetime(2025, 7, 25, tzinfo=UTC).timestamp() * 1000)
    who = each(["condenser_fan_stopped", "low_voltage"])
    units = [Unit(seed=seed, place=place) for _ in who for seed in range(24)]
    faults = [Fault(name=name, onset_ms=hot_ms) for _, name in who for _ in range(24)]
    run = Plant([KINDS[class_id] for class_id, _ in who for _ in range(24)], units, hot_ms, faults=faults)
    set_c, truth = run.set_c, run.advance(1440).truth
    for at, what in enumerate(who):
        minutes = [
            length
            for unit in range(24 * at, 24 * (at + 1))
            for length in _cut_off_min(truth.running[unit, 180:], truth.air_c[unit, 180:] > set_c[unit])
        ]
        assert len(minutes) > 24 * 10, what
        low, middle, high = np.percentile(minutes, (1, 50, 98))
        assert low >= 3, (what, low)
        assert high <= 10, (what, middle, high)


def _cut_off_min(running: np.ndarray, warm: np.ndarray) -> np.ndarray:
    """How long each run was that ended although the air was too warm."""
    begins, ends = (np.flatnonzero(np.diff(running.astype(int)) == change) + 1 for change in (1, -1))
    ends = ends[ends > begins[0]]
    return (ends - begins[: len(ends)])[warm[ends - 1]]

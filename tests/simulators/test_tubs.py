"""Washing machines and dishwashers: water and heat add up, programmes are as labels say, faults move what they must."""

from typing import NamedTuple

import numpy as np
import pytest

from devices import catalogue
from simulators.classes import FAULTS, plant
from simulators.dishwasher import DISHWASHER
from simulators.model import Fault, Unit
from simulators.programmes import Start, TubKind, Tubs
from simulators.run import Run
from simulators.tub import WATER_J_L_K, Phase, live
from simulators.washing_machine import WASHING_MACHINE
from tests.simulators.kitchen import DAY_MS, END_MS, ill, said

WASHER = "washing_machine"


class Signs(NamedTuple):
    """What a fault does to a unit, against itself when sound: -1 less, +1 more, 0 not said here."""

    fill: int = 0  # litres a minute, of the last one
    heating: int = 0
    drain: int = 0
    water: int = 0  # litres in all
    pump: int = 0  # minutes
    leak: int = 0
    motor: int = 0  # amperes, the highest hundredth while it runs
    vibration: int = 0
    rpm: int = 0
    pressure: int = 0


BOTH = {
    "heater_scaled": Signs(heating=-1),
    "heater_failed": Signs(heating=-1),
    "inlet_clogged": Signs(fill=-1),
    "drain_blocked": Signs(drain=-1),
    "level_drift": Signs(water=-1, heating=1),
    "water_leak": Signs(leak=1, pump=1, water=-1),
}
SIGNS = {
    WASHER: BOTH
    | {
        "bearing_worn": Signs(motor=1, vibration=1),
        "unbalanced": Signs(vibration=1),
        "brushes_worn": Signs(rpm=-1, vibration=-1),
    },
    "dishwasher": BOTH | {"spray_pump_weak": Signs(pressure=-1, motor=-1)},
}


def quantities(run: Run, class_id: str) -> Signs:
    washer = class_id == WASHER

    def last(metric: str) -> np.ndarray:
        return said(run, class_id, metric)[:, -1]

    motor_a = said(run, class_id, "motor_current_a")
    nothing = np.zeros(len(motor_a))
    return Signs(
        fill=last("fill_l_min"),
        heating=last("heating_k_min"),
        drain=last("drain_l_min"),
        water=said(run, class_id, "inflow_l_min").sum(axis=1),
        pump=(said(run, class_id, "drain_pump_w") > 1).sum(axis=1),
        leak=said(run, class_id, "leak_detected").mean(axis=1),
        motor=np.array([np.percentile(row[row > 0.1], 98) if (row > 0.1).any() else 0.0 for row in motor_a]),
        vibration=last("spin_vibration_m_s2") if washer else nothing,
        rpm=said(run, class_id, "drum_rpm").max(axis=1) if washer else nothing,
        pressure=nothing if washer else last("wash_pressure_pa"),
    )


@pytest.mark.parametrize(("class_id", "name"), [(class_id, name) for class_id in SIGNS for name in FAULTS[class_id]])
def test_a_fault_moves_what_its_row_says(class_id: str, name: str) -> None:
    sound, sick = quantities(ill(class_id, ""), class_id), quantities(ill(class_id, name), class_id)
    for quantity, sign, before, after in zip(Signs._fields, SIGNS[class_id][name], sound, sick, strict=True):
        if sign:
            assert ((after - before) * sign > 0).mean() >= 0.8, (quantity, before, after)


def test_a_worn_bearing_draws_current_and_a_bad_damper_does_not() -> None:
    sound, worn, shaken = (quantities(ill(WASHER, name), WASHER).motor for name in ("", "bearing_worn", "unbalanced"))
    assert (worn > 1.5 * sound).all()
    assert (shaken < 1.1 * sound).all()


def test_a_leak_trips_the_float_and_the_pump_runs_on() -> None:
    for class_id in SIGNS:
        run = ill(class_id, "water_leak")
        wet, pump_w = (said(run, class_id, metric, 1) for metric in ("leak_detected", "drain_pump_w"))
        assert (wet[:, -600:] == 1).all()
        assert (pump_w[:, -600:] > 10).mean() > 0.98
        assert (said(run, class_id, "phase", 1)[:, -1] == Phase.STOPPED).all()


def programmes(run: Run, class_id: str) -> list[tuple[int, float, float]]:
    """Minutes, litres and kWh of each that began and ended."""
    phase, inflow, power_w = (said(run, class_id, metric, 7) for metric in ("phase", "inflow_l_min", "power_w"))
    found = []
    for unit in range(len(phase)):
        edges = np.flatnonzero(np.diff(phase[unit] > 0)) + 1
        if phase[unit, 0] > 0:
            edges = edges[1:]
        for begin, end in zip(edges[::2], edges[1::2], strict=False):
            here = slice(begin, end)
            found.append((end - begin, inflow[unit, here].sum(), power_w[unit, here].sum() / 60_000))
    return found


@pytest.mark.parametrize(
    ("class_id", "minutes", "litres", "kwh"),
    [(WASHER, (50, 180), (38, 60), (0.25, 1.6)), ("dishwasher", (60, 240), (8, 13), (0.4, 1.3))],
)
def test_healthy_programmes_lie_in_the_ranges_of_energy_labels(
    class_id: str, minutes: tuple[int, int], litres: tuple[int, int], kwh: tuple[float, float]
) -> None:
    found = programmes(ill(class_id, ""), class_id)
    assert 12 < len(found) < 60
    for values, (low, high) in zip(zip(*found, strict=True), (minutes, litres, kwh), strict=True):
        usual = np.percentile(values, (10, 90))  # of some a minute with its litres was not said
        assert low < usual[0], values
        assert usual[1] < high, values


@pytest.mark.parametrize("kind", [WASHING_MACHINE, DISHWASHER], ids=["washing machine", "dishwasher"])
@pytest.mark.parametrize("name", ["", "water_leak", "drain_blocked"])
def test_water_and_heat_are_neither_made_nor_lost(kind: TubKind, name: str) -> None:
    fault = Fault(name=name, onset_ms=0) if name else None
    machines = Tubs(kind, [Unit(seed=seed) for seed in range(6)], END_MS, faults=[fault] * 6)
    minute = END_MS // 60_000
    tub = machines._tub([Start(unit, minute, unit % 3, 0.6, 1.0, 1.0, 0.5) for unit in range(6)])
    began_j = tub.load.heat_j_k * tub.temp_c
    live(tub, 90)
    held_j = (tub.load.heat_j_k + WATER_J_L_K * tub.level_l) * tub.temp_c
    assert np.allclose(held_j - began_j, tub.brought_j, rtol=1e-9)
    assert np.allclose(tub.filled_l, tub.level_l + tub.drained_l + tub.leaked_l)
    assert tub.filled_l.min() > 2


@pytest.mark.parametrize("class_id", ["washing_machine", "dishwasher", "water_heater"])
def test_a_run_in_pieces_is_one_run_and_nobody_depends_on_his_neighbours(class_id: str) -> None:
    begin_ms = END_MS - 6 * DAY_MS
    name = FAULTS[class_id][0]
    faults = [None, Fault(name=name, onset_ms=END_MS - 4 * DAY_MS)]
    whole = plant([class_id] * 2, [Unit(seed=3, utc_offset_h=8.0), Unit(seed=4)], begin_ms, faults=faults)
    alone = plant([class_id], [Unit(seed=4)], begin_ms, faults=faults[1:])
    together = whole.advance(6 * 1440)
    pieces = [alone.advance(steps) for steps in (1, 1439, 60, 5 * 1440 - 60)]
    values = np.concatenate([piece.values for piece in pieces], axis=1)
    assert np.array_equal(together.values[1:], values, equal_nan=True)
    assert np.array_equal(together.jitter_ms[1:], np.concatenate([piece.jitter_ms for piece in pieces], axis=1))
    assert alone.next_ms == END_MS


@pytest.mark.parametrize("class_id", ["washing_machine", "dishwasher", "water_heater"])
def test_every_metric_of_the_catalogue_has_a_sensor_that_says_what_is_possible(class_id: str) -> None:
    values = ill(class_id, "").values
    metrics = catalogue.load()[class_id].metrics
    assert values.shape[2] == len(metrics)
    for i, metric in enumerate(metrics):
        assert metric.low <= np.nanmin(values[..., i]), metric.name
        assert np.nanmax(values[..., i]) <= metric.high, metric.name


@pytest.mark.parametrize("class_id", ["washing_machine", "dishwasher", "water_heater"])
def test_before_its_onset_a_fault_changes_nothing(class_id: str) -> None:
    sound = ill(class_id, "").values
    before = slice(0, 1440)
    for name in FAULTS[class_id]:
        assert np.array_equal(sound[:, before], ill(class_id, name).values[:, before], equal_nan=True)


def test_units_of_all_classes_live_together_as_they_do_alone() -> None:
    class_ids = ["refrigerator", "washing_machine", "freezer", "water_heater", "dishwasher"]
    units = [Unit(seed=seed) for seed in range(5)]
    run = plant(class_ids, units, END_MS).advance(600)
    assert run.values.shape[:2] == (5, 600)
    for i, class_id in enumerate(class_ids):
        alone = plant([class_id], [units[i]], END_MS).advance(600)
        metrics = alone.values.shape[2]
        assert np.array_equal(run.values[i, :, :metrics], alone.values[0], equal_nan=True)
        assert np.isnan(run.values[i, :, metrics:]).all()
        assert np.array_equal(run.truth.shortfall[i], alone.truth.shortfall[0])

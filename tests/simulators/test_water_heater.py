"""Water heaters: heat and water add up, healthy ones are as labels say, and each fault moves what it must."""

from typing import NamedTuple

import numpy as np
import pytest

from simulators.classes import FAULTS
from simulators.model import Unit
from simulators.run import Run
from simulators.water_heater import WATER_J_L_K, WaterHeaters, inlet_of
from tests.simulators.kitchen import DAY_MS, END_MS, ill, said

CLASS_ID = "water_heater"


class Signs(NamedTuple):
    """What a fault does to a unit, against itself when sound: -1 less, +1 more, 0 not said here."""

    outlet: int = 0  # median temperature
    element: int = 0  # hottest hundredth
    calling: int = 0  # share of the time
    calling_w: int = 0  # mean power while it calls
    cutout: int = 0
    energy: int = 0
    unseen_l: int = 0  # water that flows in and is not drawn
    leak: int = 0


SIGNS = {
    "element_scaled": Signs(element=1, calling=1, calling_w=-1, cutout=1),
    "element_failed": Signs(outlet=-1, calling=1, calling_w=-1, energy=-1),
    "thermostat_stuck_on": Signs(outlet=1, calling=1, cutout=1),
    "insulation_wet": Signs(energy=1, calling=1),
    "water_leak": Signs(unseen_l=1, leak=1, energy=1),
    "sensor_drift": Signs(outlet=1),
    "sensor_stuck": Signs(outlet=-1, calling=-1),
}


def quantities(run: Run) -> Signs:
    calling, power_w = said(run, CLASS_ID, "calling"), said(run, CLASS_ID, "power_w")
    with np.errstate(invalid="ignore"):
        calling_w = (power_w * calling).sum(axis=1) / calling.sum(axis=1)
    return Signs(
        outlet=np.median(said(run, CLASS_ID, "outlet_temp_c"), axis=1),
        element=np.percentile(said(run, CLASS_ID, "element_temp_c"), 99, axis=1),
        calling=calling.mean(axis=1),
        calling_w=calling_w,
        cutout=said(run, CLASS_ID, "cutout_open").mean(axis=1),
        energy=power_w.mean(axis=1),
        unseen_l=(said(run, CLASS_ID, "inflow_l_min") - said(run, CLASS_ID, "draw_l_min")).mean(axis=1).round(2),
        leak=said(run, CLASS_ID, "leak_detected").mean(axis=1),
    )


@pytest.mark.parametrize("name", FAULTS[CLASS_ID])
def test_a_fault_moves_what_its_row_says(name: str) -> None:
    sound, sick = quantities(ill(CLASS_ID, "")), quantities(ill(CLASS_ID, name))
    for quantity, sign, before, after in zip(Signs._fields, SIGNS[name], sound, sick, strict=True):
        if sign:
            assert ((after - before) * sign > 0).all(), (quantity, before, after)


def test_healthy_ones_use_what_labels_say_and_stay_between_warm_and_scalding() -> None:
    run = ill(CLASS_ID, "")
    kwh_a_day = said(run, CLASS_ID, "power_w").mean(axis=1) * 24 / 1000
    assert kwh_a_day.min() > 0.8
    assert kwh_a_day.max() < 12
    assert run.truth.upper_c.max() < 72
    assert not said(run, CLASS_ID, "cutout_open").any()
    assert (run.truth.shortfall.reshape(len(run.values), -1, 180).mean(axis=2) < 1).all()


def test_what_opens_the_cut_out_is_told_apart_by_the_water() -> None:
    scaled, stuck = ill(CLASS_ID, "element_scaled"), ill(CLASS_ID, "thermostat_stuck_on")
    assert (said(scaled, CLASS_ID, "outlet_temp_c").max(axis=1) < 75).all()
    assert (said(stuck, CLASS_ID, "outlet_temp_c").max(axis=1) > 80).all()
    assert (said(scaled, CLASS_ID, "element_temp_c").max(axis=1) > 150).all()
    assert (said(stuck, CLASS_ID, "element_temp_c").max(axis=1) < 150).all()


def test_cold_water_has_three_causes_that_differ_in_what_is_called_for() -> None:
    failed, blind = quantities(ill(CLASS_ID, "element_failed")), quantities(ill(CLASS_ID, "sensor_stuck"))
    assert (failed.calling > 0.9).all()
    assert (blind.calling == 0).all()


def test_a_drifted_sensor_reads_what_is_wanted_while_the_water_gets_hotter() -> None:
    sound, sick = ill(CLASS_ID, ""), ill(CLASS_ID, "sensor_drift")
    read = [np.median(said(run, CLASS_ID, "lower_temp_c"), axis=1) for run in (sound, sick)]
    assert (np.abs(read[1] - read[0]) < 1.5).all()
    assert (
        np.median(sick.truth.lower_c[:, -1440:], axis=1) - np.median(sound.truth.lower_c[:, -1440:], axis=1) > 5
    ).all()


def test_heat_is_neither_made_nor_lost() -> None:
    """Minute by minute: what the element gives, less what the walls and the water take away, warms the tank."""
    units = [Unit(seed=seed) for seed in range(6)]
    tank = WaterHeaters(units, END_MS - DAY_MS)
    truth = tank.advance(1440).truth
    held_j = WATER_J_L_K * (truth.lower_c * tank.tank.lower_l[:, None] + truth.upper_c * tank.tank.upper_l[:, None])
    inlet_c = np.array([[inlet_of(unit, END_MS // DAY_MS - 1)] for unit in units])
    drawn_j = WATER_J_L_K * truth.hot_l_min[:, 1:] * (truth.upper_c[:, :-1] - inlet_c)
    brought_j = 60 * (truth.into_water_w - truth.lost_w)[:, 1:] - drawn_j
    assert np.allclose(np.diff(held_j, axis=1), brought_j, atol=1.0)
    assert truth.hot_l_min.max() > 2

"""What a unit's fault does to its physics on one day."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from simulators.circuit import Ailing
from simulators.days import DAY_S, Bools, Floats
from simulators.model import FAULTS, Effect, Fault


class Strain(NamedTuple):
    """How strong the fault is and what it does to the physics on one day, each (steps, units)."""

    level: Floats
    ailing: Ailing
    evaporator_fan: Floats
    condenser_fan: Floats
    fins: Floats
    leak_in: Floats
    moisture: Floats
    damp: Floats
    melting: Floats
    read_k: Floats
    stalls: Floats
    door: Floats
    longest_on_s: Floats
    stuck_on: Bools
    sensor_stuck: Bools
    spikes: Floats
    gaps: Floats


def level_of(faults: Sequence[Fault | None], at_once: Sequence[bool], day_no: int, step_s: int) -> Floats:
    """(steps, units): 0 healthy .. 1 at its full strength; whatever is there `at_once` has no ramp."""
    clock_ms = day_no * DAY_S * 1000 + np.arange(DAY_S // step_s) * step_s * 1000.0
    level = np.zeros((len(clock_ms), len(faults)))
    for i, (fault, step) in enumerate(zip(faults, at_once, strict=True)):
        if fault is not None:
            ramp_ms = 1 if step else fault.ramp_s * 1000 + 1
            level[:, i] = np.clip((clock_ms - fault.onset_ms) / ramp_ms, 0.0, 1.0) * fault.strength
    return level


def strain_of(faults: Sequence[Fault | None], day_no: int, step_s: int) -> Strain:
    effects = [Effect() if fault is None else FAULTS[fault.name] for fault in faults]
    level = level_of(faults, [effect.step for effect in effects], day_no, step_s)

    def full(name: str) -> Floats:
        return np.array([float(getattr(effect, name)) for effect in effects])

    def factor(name: str) -> Floats:
        return 1 + level * (full(name) - 1)

    ailing = Ailing(charge=1 + level * full("charge"), volumetric=factor("volumetric"), bore=factor("bore"))
    return Strain(
        level=level,
        ailing=ailing,
        evaporator_fan=factor("evaporator_fan"),
        condenser_fan=factor("condenser_fan"),
        fins=factor("fins"),
        leak_in=factor("leak_in"),
        moisture=factor("moisture"),
        damp=factor("damp"),
        melting=factor("melting"),
        read_k=level * full("read_k"),
        stalls=level * full("stalls"),
        door=level * full("door"),
        longest_on_s=np.where(level > 0, full("longest_on_s"), np.inf),
        stuck_on=(level > 0) & (full("stuck_on") > 0),
        sensor_stuck=(level > 0) & (full("sensor_stuck") > 0),
        spikes=level * full("spikes"),
        gaps=level * full("gaps"),
    )

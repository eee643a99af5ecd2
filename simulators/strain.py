"""What a unit's fault does to its physics on one day."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from simulators.circuit import Ailing
from simulators.days import DAY_S, Bools, Floats
from simulators.model import FAULTS, Effect, Fault

HALF = 0.55  # of the time of what comes and goes


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
    losses: Floats
    drain: Floats
    spikes: Floats
    gaps: Floats
    stuck_on: Bools
    sensor_stuck: Bools


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

    every_h = full("every_h")
    onset_h = np.array([0.0 if fault is None else fault.onset_ms / 3_600_000 for fault in faults])
    since_h = day_no * 24 + np.arange(len(level))[:, None] * step_s / 3600 - onset_h
    there = level * ((every_h == 0) | (since_h % np.maximum(every_h, 1.0) < HALF * every_h))

    def factor(name: str) -> Floats:
        changed: Floats = 1 + there * (full(name) - 1)
        return changed

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
        losses=factor("losses"),
        drain=factor("drain"),
        spikes=level * full("spikes"),
        gaps=level * full("gaps"),
        stuck_on=(level > 0) & (full("stuck_on") > 0),
        sensor_stuck=(level > 0) & (full("sensor_stuck") > 0),
    )

"""What a unit's fault does to its physics, some steps of a day at a time."""

from collections.abc import Sequence
from dataclasses import fields
from typing import NamedTuple

import numpy as np

from simulators.ailments import FAULTS, Effect
from simulators.circuit import Ailing
from simulators.days import DAY_S, Bools, Floats
from simulators.model import Fault

HALF = 0.55  # of the time of what comes and goes


class Strain(NamedTuple):
    """How strong the fault is and what it does to the physics for some steps, each (steps, units)."""

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


def level_of(
    faults: Sequence[Fault | None], at_once: Sequence[bool], day_no: int, step_s: int, rows: slice = slice(None)
) -> Floats:
    """(steps, units) of these rows of a day: 0 healthy .. 1 at its full strength; whatever is there `at_once` has no
    ramp."""
    clock_ms = day_no * DAY_S * 1000 + np.arange(DAY_S // step_s)[rows] * step_s * 1000.0
    level = np.zeros((len(clock_ms), len(faults)))
    for i, (fault, step) in enumerate(zip(faults, at_once, strict=True)):
        if fault is not None:
            ramp_ms = 1 if step else fault.ramp_s * 1000 + 1
            level[:, i] = np.clip((clock_ms - fault.onset_ms) / ramp_ms, 0.0, 1.0) * fault.strength
    return level


class Strains:
    """Of units with these faults."""

    def __init__(self, faults: Sequence[Fault | None], step_s: int) -> None:
        effects = [Effect() if fault is None else FAULTS[fault.name] for fault in faults]
        self._faults, self._step_s, self._at_once = faults, step_s, [effect.step for effect in effects]
        self._full = {
            each.name: np.array([float(getattr(effect, each.name)) for effect in effects])
            for each in fields(Effect)
            if each.name != "seen_by"
        }
        self._onset_h = np.array([0.0 if fault is None else fault.onset_ms / 3_600_000 for fault in faults])

    def of(self, day_no: int, rows: slice) -> Strain:
        """On these steps of a day."""
        full = self._full
        level = level_of(self._faults, self._at_once, day_no, self._step_s, rows)
        since_h = day_no * 24 + np.arange(DAY_S // self._step_s)[rows, None] * self._step_s / 3600 - self._onset_h
        every_h = full["every_h"]
        there = level * ((every_h == 0) | (since_h % np.maximum(every_h, 1.0) < HALF * every_h))

        def factor(name: str) -> Floats:
            changed: Floats = 1 + there * (full[name] - 1)
            return changed

        return Strain(
            level=level,
            ailing=Ailing(charge=1 + level * full["charge"], volumetric=factor("volumetric"), bore=factor("bore")),
            evaporator_fan=factor("evaporator_fan"),
            condenser_fan=factor("condenser_fan"),
            fins=factor("fins"),
            leak_in=factor("leak_in"),
            moisture=factor("moisture"),
            damp=factor("damp"),
            melting=factor("melting"),
            read_k=level * full["read_k"],
            stalls=level * full["stalls"],
            door=level * full["door"],
            longest_on_s=np.where(level > 0, full["longest_on_s"], np.inf),
            losses=factor("losses"),
            drain=factor("drain"),
            spikes=level * full["spikes"],
            gaps=level * full["gaps"],
            stuck_on=(level > 0) & (full["stuck_on"] > 0),
            sensor_stuck=(level > 0) & (full["sensor_stuck"] > 0),
        )

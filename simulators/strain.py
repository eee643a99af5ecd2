"""What a unit's fault does to its physics on one day."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from simulators.days import DAY_S, Bools, Floats
from simulators.model import FAULTS, Effect, Fault


class Strain(NamedTuple):
    """How strong the fault is and what it does to the physics on one day, each (steps, units)."""

    level: Floats
    capacity: Floats
    draw: Floats
    transfer: Floats
    condenser: Floats
    leak_in: Floats
    discharge_k: Floats
    superheat_k: Floats  # of the gas in the suction line above the coil
    longest_on_s: Floats
    stuck_on: Bools


def strain_of(faults: Sequence[Fault | None], day_no: int, step_s: int) -> Strain:
    clock_ms = day_no * DAY_S * 1000 + np.arange(DAY_S // step_s) * step_s * 1000.0
    level = np.zeros((len(clock_ms), len(faults)))
    effects = [Effect() if fault is None else FAULTS[fault.name] for fault in faults]
    for i, fault in enumerate(faults):
        if fault is not None:
            level[:, i] = np.clip((clock_ms - fault.onset_ms) / (fault.ramp_s * 1000 + 1), 0.0, 1.0) * fault.strength

    def full(name: str) -> Floats:
        return np.array([float(getattr(effect, name)) for effect in effects])

    return Strain(
        level=level,
        capacity=1 + level * (full("capacity") - 1),
        draw=1 + level * (full("draw") - 1),
        transfer=1 + level * (full("transfer") - 1),
        condenser=1 + level * (full("condenser") - 1),
        leak_in=1 + level * (full("leak_in") - 1),
        discharge_k=level * full("discharge_k"),
        superheat_k=5 + level * full("superheat_k"),
        longest_on_s=np.where(level > 0, full("longest_on_s"), np.inf),
        stuck_on=(level > 0) & (full("stuck_on") > 0),
    )

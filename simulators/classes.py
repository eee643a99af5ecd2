"""Every class that has a physics: its faults, and units of any of them as one plant."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import NamedTuple

import numpy as np

from simulators import dishwasher, thermal, washing_machine, water_heater
from simulators.days import Bools, Floats, Happened
from simulators.everyday import Incident
from simulators.kinds import KINDS, faults_of
from simulators.model import Fault, Unit
from simulators.programmes import TubKind, Tubs
from simulators.run import Plant, Run

_TUBS: dict[str, TubKind] = {
    "washing_machine": washing_machine.WASHING_MACHINE,
    "dishwasher": dishwasher.DISHWASHER,
}

FAULTS: Mapping[str, tuple[str, ...]] = {
    **{class_id: faults_of(kind) for class_id, kind in KINDS.items()},
    "water_heater": tuple(water_heater.FAULTS),
    **{class_id: tuple(kind.faults) for class_id, kind in _TUBS.items()},
}
ALL_FAULTS = tuple(dict.fromkeys(name for names in FAULTS.values() for name in names))


def plant(
    class_ids: Sequence[str],
    units: Sequence[Unit],
    start_ms: int,
    step_s: int = 60,
    faults: Sequence[Fault | None] = (),
) -> Plant:
    """As many in one as are stepped together."""
    ill = list(faults) or [None] * len(units)
    parts = []
    for rows in together(class_ids):
        build = _build([class_ids[i] for i in rows])
        parts.append(_Part(rows, build([units[i] for i in rows], start_ms, step_s, [ill[i] for i in rows])))
    return parts[0].plant if len(parts) == 1 else _Mixed(units, parts)


def together(class_ids: Sequence[str]) -> list[list[int]]:
    """Whose units are stepped together, which costs little more than one of them: all that cool, and else a class."""
    groups: dict[str, list[int]] = {}
    for i, class_id in enumerate(class_ids):
        groups.setdefault("" if class_id in KINDS else class_id, []).append(i)
    return list(groups.values())


def _build(class_ids: Sequence[str]) -> Callable[..., Plant]:
    if class_ids[0] == "water_heater":
        return water_heater.WaterHeaters
    if class_ids[0] in _TUBS:
        return partial(Tubs, _TUBS[class_ids[0]])
    return partial(thermal.Plant, [KINDS[class_id] for class_id in class_ids])


class _Part(NamedTuple):
    rows: list[int]  # of all units
    plant: Plant


class Common(NamedTuple):
    """What is known of units of every class."""

    fault_level: Floats
    shortfall: Floats
    defrosting: Bools


class _Mixed:
    """A `run.Plant` made of others."""

    def __init__(self, units: Sequence[Unit], parts: Sequence[_Part]) -> None:
        self.units, self._parts = units, parts

    @property
    def set_c(self) -> Floats:
        set_c = np.empty(len(self.units))
        for part in self._parts:
            set_c[part.rows] = part.plant.set_c
        return set_c

    def obey(self, unit: int, incident: Incident) -> None:
        for part in self._parts:
            if unit in part.rows:
                part.plant.obey(part.rows.index(unit), incident)

    @property
    def next_ms(self) -> int:
        return self._parts[0].plant.next_ms

    def advance(self, steps: int) -> Run:
        runs = [part.plant.advance(steps) for part in self._parts]
        n_units, metrics = len(self.units), max(run.values.shape[2] for run in runs)
        values = np.full((n_units, steps, metrics), np.nan)
        jitter_ms = np.empty((n_units, steps), np.int64)
        level, shortfall = np.empty((2, n_units, steps))
        defrosting = np.zeros((n_units, steps), np.bool_)
        happened: Happened = []
        for part, run in zip(self._parts, runs, strict=True):
            values[part.rows, :, : run.values.shape[2]] = run.values
            jitter_ms[part.rows] = run.jitter_ms
            happened += [(part.rows[i], incident) for i, incident in run.happened]
            defrosting[part.rows] = getattr(run.truth, "defrosting", False)
            level[part.rows], shortfall[part.rows] = run.truth.fault_level, run.truth.shortfall
        return Run(runs[0].ts_ms, values, Common(level, shortfall, defrosting), jitter_ms, happened)

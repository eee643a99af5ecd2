"""Classes that do not cool, each with every fault and without one; what is asked of such runs."""

from functools import cache

import numpy as np

from devices import catalogue
from simulators.classes import FAULTS, plant
from simulators.model import Fault, Unit
from simulators.run import Run

HOUR_MS, DAY_MS = 3_600_000, 86_400_000
END_MS = 1_731_628_800_000  # midnight
ILL_D = 7  # of the days, at their end
SEEDS = (3, 4, 5, 9, 12)  # households that wash every other day at least
ROUNDS = {"water_heater": 8, "washing_machine": 10, "dishwasher": 10}  # days


@cache
def everybody(class_id: str) -> tuple[list[str], Run]:
    names = ["", *FAULTS[class_id]]
    who = [name for name in names for _ in SEEDS]
    onset_ms = END_MS - ILL_D * DAY_MS
    faults = [Fault(name=name, onset_ms=onset_ms, ramp_s=6 * 3600) if name else None for name in who]
    units = [Unit(seed=seed) for seed in SEEDS] * len(names)
    days = ROUNDS[class_id]
    return who, plant([class_id] * len(who), units, END_MS - days * DAY_MS, faults=faults).advance(days * 1440)


def ill(class_id: str, name: str) -> Run:
    who, run = everybody(class_id)
    rows = [i for i, each in enumerate(who) if each == name]
    truth = run.truth._make(column[rows] for column in run.truth)
    return Run(run.ts_ms, run.values[rows], truth, run.jitter_ms[rows])


def said(run: Run, class_id: str, metric: str, days: int = 5) -> np.ndarray:
    """(units, n) of the last days; what was not said for once as before."""
    values = run.values[:, -days * 1440 :, catalogue.load()[class_id].metric_names.index(metric)]
    at = np.maximum.accumulate(np.where(np.isnan(values), 0, np.arange(values.shape[1])), axis=1)
    return np.take_along_axis(values, at, axis=1)

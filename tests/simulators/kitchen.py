"""Classes that do not cool, each with every fault and without one; what is asked of such runs."""

from functools import cache

import numpy as np

from devices import catalogue
from simulators.classes import FAULTS, plant
from simulators.model import Fault, Unit
from simulators.run import Run

HOUR_MS, DAY_MS = 3_600_000, 86_400_000
END_MS = 1_731_801_600_000  # midnight; with the days before it, two blocks of programmes
ILL_D = 5  # of the days, at their end
SEEDS = (0, 4, 10, 12, 16)  # households that wash every other day at least
DAYS = 7


@cache
def everybody(class_id: str) -> tuple[list[str], Run]:
    names = ["", *FAULTS[class_id]]
    who = [name for name in names for _ in SEEDS]
    onset_ms = END_MS - ILL_D * DAY_MS
    faults = [Fault(name=name, onset_ms=onset_ms, ramp_s=6 * 3600) if name else None for name in who]
    units = [Unit(seed=seed) for seed in SEEDS] * len(names)
    return who, plant([class_id] * len(who), units, END_MS - DAYS * DAY_MS, faults=faults).advance(DAYS * 1440)


def ill(class_id: str, name: str) -> Run:
    who, run = everybody(class_id)
    rows = [i for i, each in enumerate(who) if each == name]
    truth = run.truth._make(column[rows] for column in run.truth)
    return Run(run.ts_ms, run.values[rows], truth, run.jitter_ms[rows])


def said(run: Run, class_id: str, metric: str, days: int = 4) -> np.ndarray:
    """(units, n) of the last days; what was not said for once as before."""
    values = run.values[:, -days * 1440 :, catalogue.load()[class_id].metric_names.index(metric)]
    at = np.maximum.accumulate(np.where(np.isnan(values), 0, np.arange(values.shape[1])), axis=1)
    return np.take_along_axis(values, at, axis=1)

"""Every class with every fault, and without one, in one plant; what is asked of such runs."""

from functools import cache

import numpy as np

from simulators.kinds import KINDS, faults_of
from simulators.model import Fault, Unit
from simulators.run import Run
from simulators.thermal import Plant, Truth

HOUR_MS = 3_600_000
END_MS = 1_731_600_000_000
DAYS = 7
SEEDS = tuple(range(6))
DRAW = dict.fromkeys(KINDS, 4)  # column of power or current


@cache
def yard() -> tuple[list[tuple[str, str]], Run]:
    """Every class with every fault, and without one, in one plant: who is who, and seven days of them all."""
    who = [(class_id, name) for class_id, kind in KINDS.items() for name in ("", *faults_of(kind)) for _ in SEEDS]
    onset_ms = END_MS - 36 * HOUR_MS
    faults = [Fault(name=name, onset_ms=onset_ms) if name else None for _, name in who]
    units = [Unit(seed=seed) for seed in SEEDS] * (len(who) // len(SEEDS))
    plant = Plant([KINDS[class_id] for class_id, _ in who], units, END_MS - DAYS * 24 * HOUR_MS, faults=faults)
    return who, plant.advance(DAYS * 1440)


def ill(class_id: str, name: str) -> Run:
    who, run = yard()
    rows = [i for i, each in enumerate(who) if each == (class_id, name)]
    metrics = len(KINDS[class_id].sensors)
    return Run(
        run.ts_ms,
        run.values[rows][..., :metrics],
        Truth(*(column[rows] for column in run.truth)),
        run.jitter_ms[rows],
    )


def healthy(class_id: str) -> Run:
    return ill(class_id, "")


def starts(running: np.ndarray) -> np.ndarray:
    return (running[:, 1:] & ~running[:, :-1]).sum(axis=1)


def on_time_min(running: np.ndarray) -> np.ndarray:
    return running.sum(axis=1) / np.maximum(starts(running), 1)


def last_hours(run: Run, hours: int = 12) -> slice:
    return slice(len(run.ts_ms) - hours * 60, None)

"""Every class with every fault, and without one, in one plant; what is asked of such runs."""

from collections.abc import Iterable
from functools import cache
from typing import NamedTuple

import numpy as np

from devices import catalogue
from simulators.kinds import KINDS, faults_of
from simulators.model import Fault, Unit
from simulators.run import Run
from simulators.thermal import Plant, Truth

HOUR_MS = 3_600_000
END_MS = 1_731_600_000_000
DAYS = 7
ONSET_MS = END_MS - 36 * HOUR_MS
SEEDS = tuple(range(6))
DRAW = dict.fromkeys(KINDS, 4)  # column of power or current


MILD = "mild "  # a fault on its way: as strong as here
MILD_ONES = {"refrigerant_leak": 0.5, "condenser_fouled": 0.43, "coil_iced": 0.5, "compressor_wear": 0.63}


def _names(class_id: str) -> list[str]:
    own = faults_of(KINDS[class_id])
    return ["", *own, *(MILD + name for name in MILD_ONES if name in own)]


def _fault(name: str) -> Fault | None:
    if not name:
        return None
    whole = name.removeprefix(MILD)
    return Fault(name=whole, onset_ms=ONSET_MS, strength=1.0 if name == whole else MILD_ONES[whole])


@cache
def yard() -> tuple[list[tuple[str, str]], Run]:
    """Every class with every fault, and without one, in one plant: who is who, and seven days of them all."""
    who = [(class_id, name) for class_id in KINDS for name in _names(class_id) for _ in SEEDS]
    faults = [_fault(name) for _, name in who]
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


def each(names: Iterable[str]) -> list[tuple[str, str]]:
    """Of every class those that it can have."""
    own = {class_id: faults_of(kind) for class_id, kind in KINDS.items()}
    return [(class_id, name) for name in names for class_id in KINDS if name.removeprefix(MILD) in own[class_id]]


class Signs(NamedTuple):
    """What a fault does to a unit that runs, against itself when sound: -1 less, +1 more, 0 not said here.

    Pressures follow the temperatures at which the refrigerant evaporates and condenses.
    """

    evaporating: int = 0
    condensing: int = 0
    superheat: int = 0
    subcooled: int = 0
    draw: int = 0
    duty: int = 0
    starts: int = 0
    air: int = 0
    frost: int = 0
    humidity: int = 0
    fan: int = 0


def while_running(column: np.ndarray, running: np.ndarray) -> np.ndarray:
    """(units,): medians of (units, n)."""
    return np.array([np.nanmedian(row[mask]) for row, mask in zip(column, running, strict=True)])


def quantities(run: Run, class_id: str, rows: slice) -> Signs:
    """Each (units,): medians while running; duty, starts, frost and the air over all."""
    truth = Truth(*(column[:, rows] for column in run.truth))
    running = truth.running

    def on(column: np.ndarray) -> np.ndarray:
        return while_running(column, running)

    def said(ending: str) -> np.ndarray:
        names = catalogue.load()[class_id].metric_names
        return run.values[:, rows, next(i for i, name in enumerate(names) if name.endswith(ending))]

    return Signs(
        evaporating=on(truth.evaporating_c),
        condensing=on(truth.condensing_c),
        superheat=on(truth.superheat_k),
        subcooled=on(truth.subcooled_k),
        draw=on(run.values[:, rows, DRAW[class_id]]),
        duty=running.mean(axis=1),
        starts=starts(running),
        air=np.median(truth.air_c, axis=1),
        frost=truth.frost[:, -1],
        humidity=on(said("humidity_pct")),
        fan=on(said("_fan_rpm")) if "fan" in dict(KINDS[class_id].sensors) else np.zeros(len(running)),
    )

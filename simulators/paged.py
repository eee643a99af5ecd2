"""Appliances whose readings are worked out a day at a time, and read off minute by minute: what they have in common."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from simulators.days import DAY_S, Bools, Floats, Happened
from simulators.everyday import Incident
from simulators.model import Fault, Unit
from simulators.run import Run
from simulators.sensors import Ints, Reads, noise_of, read, tenths


class Page(NamedTuple):
    """Of one day. `signals` (metrics, units, steps) as they are; `silent` (units, steps); `truth`: a NamedTuple of
    (units, steps), a `run.Seen`."""

    signals: Floats
    silent: Bools
    truth: Any
    happened: Happened


class Paged(ABC):
    """A `run.Plant`: it begins a day before its first reading, so that nothing starts from nothing."""

    reads: tuple[Reads, ...]  # of each metric, in the class's order

    def __init__(
        self, units: Sequence[Unit], start_ms: int, step_s: int = 60, faults: Sequence[Fault | None] = ()
    ) -> None:
        if DAY_S % step_s or step_s > 60:
            raise ValueError(f"a step of {step_s} s does not divide a day, or is longer than 60 s")
        self.units, self.step_s = list(units), step_s
        self.faults = list(faults) or [None] * len(units)
        self._tenths = tenths(units)
        self._at = -(-start_ms // (step_s * 1000))  # steps since 1970
        self._day_no = self._at // (DAY_S // step_s) - 2
        self._values: Floats
        self._jitter_ms: Ints
        self._truth: Any
        self._happened: Happened = []

    @property
    def set_c(self) -> Floats:
        return np.full(len(self.units), np.nan)

    def obey(self, unit: int, incident: Incident) -> None:
        known = self.units[unit]
        self.units[unit] = replace(known, incidents=(*known.incidents, incident))

    @property
    def next_ms(self) -> int:
        return self._at * self.step_s * 1000

    def advance(self, steps: int) -> Run:
        begin, pieces = self._at, [self._rows(0)]
        while (done := self._at - begin) < steps:
            pieces.append(self._rows(min(steps - done, DAY_S // self.step_s - self._at % (DAY_S // self.step_s))))
        values, jitter_ms, truths = zip(*pieces, strict=True)
        ts_ms = np.arange(begin, begin + steps, dtype=np.int64) * (self.step_s * 1000)
        truth = truths[0]._make(np.concatenate(columns, axis=1) for columns in zip(*truths, strict=True))
        happened, self._happened = self._happened, []
        return Run(ts_ms, np.concatenate(values, axis=1), truth, np.concatenate(jitter_ms, axis=1), happened)

    @abstractmethod
    def page(self, day_no: int) -> Page:
        """The next UTC day."""

    def _rows(self, count: int) -> tuple[Floats, Ints, Any]:
        day_no, row = divmod(self._at, DAY_S // self.step_s)
        while self._day_no < day_no:
            self._day_no += 1
            self._turn(self._day_no)
        rows = slice(row, row + count)
        self._at += count
        truth = self._truth._make(column[:, rows] for column in self._truth)
        return self._values[:, rows], self._jitter_ms[:, rows], truth

    def _turn(self, day_no: int) -> None:
        page = self.page(day_no)
        self._happened += page.happened
        gauss, self._jitter_ms = noise_of(self.units, day_no, self.step_s, [len(self.reads)] * len(self.units))
        gauss[page.silent] = np.nan
        self._values, self._truth = np.empty(gauss.shape), page.truth
        for column, (reads, signal) in enumerate(zip(self.reads, page.signals, strict=True)):
            self._values[..., column] = read(reads, signal, gauss[..., column], self._tenths)

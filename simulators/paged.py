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
from simulators.sensors import Ints, Noises, Reads, read, tenths


class Page(NamedTuple):
    """Of one day. `signals`, each (units, steps), as they are; `silent` (units, steps); `truth`: a NamedTuple of
    (units, steps), a `run.Seen`."""

    signals: Sequence[Floats]
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
        self._noises = Noises([len(self.reads)] * len(units), step_s)
        self._values = np.empty((len(units), DAY_S // step_s, len(self.reads)))  # of the day, as its noise is
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
        begin, (n_units, _, metrics) = self._at, self._values.shape
        values, jitter_ms = np.empty((n_units, steps, metrics)), np.empty((n_units, steps), np.int64)
        truths: list[Any] = []
        while (done := self._at - begin) < steps or not truths:
            rows = self._rows(steps - done)
            here = slice(done, done + rows.stop - rows.start)
            values[:, here], jitter_ms[:, here] = self._values[:, rows], self._jitter_ms[:, rows]
            truths.append(self._truth._make(column[:, rows] for column in self._truth))
        ts_ms = np.arange(begin, begin + steps, dtype=np.int64) * (self.step_s * 1000)
        truth = truths[0]._make(np.concatenate(columns, axis=1) for columns in zip(*truths, strict=True))
        happened, self._happened = self._happened, []
        return Run(ts_ms, values, truth, jitter_ms, happened)

    @abstractmethod
    def page(self, day_no: int) -> Page:
        """The next UTC day."""

    def _rows(self, most: int) -> slice:
        """The next ones of the day on which they are, at most so many."""
        a_day = DAY_S // self.step_s
        day_no, row = divmod(self._at, a_day)
        while self._day_no < day_no:
            self._day_no += 1
            self._turn(self._day_no)
        count = min(most, a_day - row)
        self._at += count
        return slice(row, row + count)

    def _turn(self, day_no: int) -> None:
        page = self.page(day_no)
        self._happened += page.happened
        gauss, self._jitter_ms = self._noises.of(self.units, day_no)
        gauss[page.silent] = np.nan
        self._truth = page.truth
        for column, (reads, signal) in enumerate(zip(self.reads, page.signals, strict=True)):
            self._values[..., column] = read(reads, signal, gauss[..., column], self._tenths)

"""Raised after a hold, cleared after another, below a lower threshold: timers in event time, one row a device."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from detectors.memory import Memory
from ingest.model import Bools, Floats, Ints

STAYS_ABOVE = 0.85  # of the limit: a departure goes on that swings around the limit
CLEARS_BELOW = 0.6  # of the limit


@dataclass
class Latch(Memory):
    """`since_ms`: the departure or, once raised, the recovery that is being timed; 0: none."""

    raised: Bools
    since_ms: Ints

    @classmethod
    def blank(cls, n: int) -> "Latch":
        return cls(raised=np.zeros(n, bool), since_ms=np.zeros(n, np.int64))

    def turn(self, row: int, *, raised: bool) -> None:
        self.raised[row], self.since_ms[row] = raised, 0


class Turn(NamedTuple):
    raised: Bools
    cleared: Bools
    since_ms: Ints  # when the departure, or the recovery, began


def advance(
    latch: Latch,
    rows: Ints,
    score: Floats,
    from_ms: Ints,
    to_ms: Ints,
    restart: Bools,
    hold_ms: int,
    clear_hold_ms: int,
    *,
    quiet: bool,
) -> Turn:
    """One step of the timers of `rows`, in place.

    `score` (n,): distance over limit, above 1 is out, NaN says nothing. [from_ms, to_ms) is what was looked at;
    `restart` where the time before it is unknown, so that no hold reaches across it. `quiet`: the timers run,
    nothing is decided.
    """
    raised, since = latch.raised[rows], latch.since_ms[rows]
    since[restart] = 0
    if not (raised.any() or since.any() or (score > 1.0).any()):
        latch.since_ms[rows] = since
        return Turn(raised, raised, since)  # nobody
    threshold = np.where(raised, CLEARS_BELOW, np.where(since > 0, STAYS_ABOVE, 1.0))
    leaving = np.where(raised, score < threshold, score > threshold)
    since = np.where(leaving, np.where(since > 0, since, from_ms), 0)
    held_ms = np.where(since > 0, to_ms - since, -1)
    ripe = (held_ms >= np.where(raised, clear_hold_ms, hold_ms)) & (not quiet)
    raises, clears = ripe & ~raised & (score > 1.0), ripe & raised
    latch.raised[rows] = (raised | raises) & ~clears
    latch.since_ms[rows] = np.where(raises | clears, 0, since)
    return Turn(raises, clears, since)

"""How often a device speaks, learned from the gaps between its messages, and how long it may be silent before anybody
thinks that it is out.

An average of the gap and of its deviation, as TCP learns how long an answer takes (RFC 6298), with one change: a gap
weighs what it lasted. So the thousand messages of a flush, which take a second, teach nothing, and of a device that
speaks in bursts the pause between them counts. A gap that was an outage counts as long as patience was.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ingest.model import Floats, Ints

Counts = npt.NDArray[np.int32]


@dataclass(frozen=True, kw_only=True)
class Pace:
    """How rhythms are learned. Changed by nobody but tests, which have less time."""

    grain_ms: int = 250  # what comes within it is one message
    memory: float = 8.0  # gaps: an older one hardly counts
    times: float = 3.0  # a message or two may be lost
    spreads: float = 4.0  # as RFC 6298 has it
    least_ms: float = 30_000.0  # a reconnect after a lost connection takes so long
    few: int = 4  # gaps that teach nothing yet,
    learning_ms: int = 600_000  # nor does what came all at once, as a first flush does
    unlearned_ms: float = 2 * 86_400_000.0  # who speaks once a day is not out after an hour


@dataclass
class Rhythm:
    """(n,) each. `span_ms`: for how long the gaps lasted together."""

    gap_ms: Floats
    spread_ms: Floats
    gaps: Counts
    span_ms: Floats

    @classmethod
    def blank(cls, n: int) -> "Rhythm":
        return cls(gap_ms=np.zeros(n), spread_ms=np.zeros(n), gaps=np.zeros(n, np.int32), span_ms=np.zeros(n))

    def take(self, rows: Ints) -> "Rhythm":
        return Rhythm(
            gap_ms=self.gap_ms[rows], spread_ms=self.spread_ms[rows], gaps=self.gaps[rows], span_ms=self.span_ms[rows]
        )

    def put(self, rows: Ints, other: "Rhythm") -> None:
        self.gap_ms[rows], self.spread_ms[rows] = other.gap_ms, other.spread_ms
        self.gaps[rows], self.span_ms[rows] = other.gaps, other.span_ms


def patience_ms(rhythm: Rhythm, pace: Pace) -> Floats:
    """How long each may be silent."""
    known = (rhythm.gaps >= pace.few) & (rhythm.span_ms >= pace.learning_ms)
    patient = np.maximum(pace.times * rhythm.gap_ms, rhythm.gap_ms + pace.spreads * rhythm.spread_ms)
    return np.maximum(patient, np.where(known, pace.least_ms, pace.unlearned_ms))


def after(rhythm: Rhythm, gap_ms: Ints, pace: Pace) -> Rhythm:
    """With one more gap each, all of them above 0."""
    first = rhythm.gaps == 0
    heard = np.minimum(gap_ms, patience_ms(rhythm, pace))
    weight = -np.expm1(-heard / (pace.memory * np.where(first, 1.0, rhythm.gap_ms)))
    off = np.abs(heard - rhythm.gap_ms)
    return Rhythm(
        gap_ms=np.where(first, heard, rhythm.gap_ms + weight * (heard - rhythm.gap_ms)),
        spread_ms=np.where(first, heard / 2, rhythm.spread_ms + weight * (off - rhythm.spread_ms)),
        gaps=rhythm.gaps + np.int32(1),
        span_ms=rhythm.span_ms + heard,
    )

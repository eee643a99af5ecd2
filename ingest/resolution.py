"""At which resolution a curve is read, and which of its parts: arithmetic over the span and what the record holds.

Aggregates are kept hour by hour of a device, whatever their own width: an hour is *sealed* when it is over, and *stale*
when something came to it after it was aggregated. Only whole, sealed, fresh hours are read from aggregates.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ingest.model import Floats, Ints

HOUR_MS = 3_600_000
FEWEST_READINGS = 10  # of a bucket; with fewer an aggregate is no shorter than what it stands for
FEW_READINGS = 5_000  # are read themselves for any curve: about 15 ms
MOST_PARTS = 8  # that are read beside the aggregates, a statement each

Span = tuple[int, int]  # from, to; of time in ms, the end left out


@dataclass(frozen=True, kw_only=True)
class Level:
    """Aggregates of one width. `name`: of its tables and views, before the class' name."""

    name: str
    width_ms: int


LEVELS = (  # coarse to fine
    Level(name="hours", width_ms=HOUR_MS),
    Level(name="quarters", width_ms=HOUR_MS // 4),
    Level(name="minutes", width_ms=HOUR_MS // 60),
)


def levels(cadence_s: int) -> tuple[Level, ...]:
    """Which ones a class has that reports so often; none where readings are few anyway."""
    return tuple(level for level in LEVELS if level.width_ms >= FEWEST_READINGS * cadence_s * 1000)


@dataclass(frozen=True, kw_only=True)
class Extent:
    """What there is of a device in a span of its time: first and last reading, and first and last aggregated hour of
    those that lie in it whole. `sealed_ms`: below it hours are aggregated, but for the stale ones."""

    readings_ms: Span | None
    hours_ms: Span | None
    sealed_ms: int | None

    @property
    def forgotten_to_ms(self) -> int | None:
        """Where the aggregates begin before the readings do, those are gone up to this hour."""
        if self.hours_ms is None:
            return None
        end = self.hours_ms[1] + HOUR_MS if self.readings_ms is None else floor(self.readings_ms[0], HOUR_MS)
        return end if self.hours_ms[0] < end else None

    @property
    def reach_ms(self) -> Span | None:
        """First and last moment of which anything is known."""
        if self.hours_ms is None or self.forgotten_to_ms is None:
            return self.readings_ms
        return self.hours_ms[0], self.hours_ms[1] if self.readings_ms is None else self.readings_ms[1]


@dataclass(frozen=True, kw_only=True)
class Stretches:
    """How a span is cut: stretch n begins at `origin_ms + n * width_ms`, the first one with what is known first.
    `level`: what can be read for it; None: readings."""

    level: Level | None
    first_ms: int
    origin_ms: int
    width_ms: int

    def begins(self, number: Ints) -> Ints:
        return np.maximum(self.origin_ms + number * self.width_ms, self.first_ms)


def choose(cadence_s: int, extent: Extent, max_points: int) -> Stretches | None:
    """The coarsest level that still gives half of `max_points`, readings if none does; None: nothing is there."""
    if extent.reach_ms is None:
        return None
    first, last = extent.reach_ms
    if extent.forgotten_to_ms is not None:
        return _cut(LEVELS[0], first, last, max_points)
    plain = Stretches(level=None, first_ms=first, origin_ms=first, width_ms=(last - first) // max_points + 1)
    if (last - first) // (cadence_s * 1000) < max(max_points, FEW_READINGS):
        return plain
    cuts = (_cut(level, first, last, max_points) for level in levels(cadence_s))
    return next((cut for cut in cuts if (last - cut.origin_ms) // cut.width_ms + 1 >= max_points / 2), plain)


def _cut(level: Level, first: int, last: int, max_points: int) -> Stretches:
    origin = floor(first, level.width_ms)
    each = (last - origin) // (level.width_ms * max_points) + 1
    return Stretches(level=level, first_ms=first, origin_ms=origin, width_ms=each * level.width_ms)


def whole_hours(span_ms: Span, sealed_ms: int | None) -> Span:
    """The hours of the span for which aggregates speak."""
    first = -floor(-span_ms[0], HOUR_MS)
    return first, max(first, min(floor(span_ms[1], HOUR_MS), first if sealed_ms is None else sealed_ms))


def parts(span_ms: Span, whole_ms: Span, stale_ms: Sequence[int], forgotten_to_ms: int | None = None) -> list[Span]:
    """What of the span is read from readings: both ends and the stale hours, neighbours together."""
    begin, end = max(span_ms[0], forgotten_to_ms or span_ms[0]), span_ms[1]
    ends = [(begin, min(whole_ms[0], end)), (max(whole_ms[1], begin), end)]
    hours = [(hour, hour + HOUR_MS) for hour in stale_ms]
    return _joined(sorted(part for part in (*ends, *hours) if part[0] < part[1]))


def _joined(spans: Iterable[Span]) -> list[Span]:
    found: list[Span] = []
    for begin, end in spans:
        if found and begin <= found[-1][1]:
            found[-1] = (found[-1][0], max(found[-1][1], end))
        else:
            found.append((begin, end))
    while len(found) > MOST_PARTS:
        near = min(range(len(found) - 1), key=lambda i: found[i + 1][0] - found[i][1])
        found[near : near + 2] = [(found[near][0], found[near + 1][1])]
    return found


def outside(ts_ms: Ints, spans: Sequence[Span]) -> npt.NDArray[np.bool_]:
    """Which of these moments lie in none of the spans."""
    found = np.ones(len(ts_ms), dtype=np.bool_)
    for begin, end in spans:
        found &= (ts_ms < begin) | (ts_ms >= end)
    return found


def fold(ts_ms: Ints, low: Floats, high: Floats, cut: Stretches) -> tuple[Ints, Floats, Floats]:
    """Bounds of each stretch of which something is known; NaN where nothing was said. Shapes (n,), (n, k), (n, k) in,
    (m,), (m, k), (m, k) out."""
    if not len(ts_ms):
        return ts_ms, low, high
    order = np.argsort(ts_ms, kind="stable")
    number = (ts_ms[order] - cut.origin_ms) // cut.width_ms
    starts = np.flatnonzero(np.diff(number, prepend=number[0] - 1))
    bounds = np.fmin.reduceat(low[order], starts), np.fmax.reduceat(high[order], starts)
    return cut.begins(number[starts]), *bounds


def floor(at_ms: int, width_ms: int) -> int:
    return at_ms // width_ms * width_ms

"""*Level*: a metric that leaves the band it lives in.

Readings become means over five minutes of event time; their moving average (an EWMA that knows how long it was silent,
slow enough for compressor cycles, door bursts and defrosts) is held against the median of three days of hourly means.
"""

from dataclasses import dataclass

import numpy as np

from detectors import hold, robust
from detectors.memory import Memory
from detectors.model import Claim, Finding
from detectors.series import NO_BIN, Bins, Series, close, fold, rounds
from devices.model import LevelRule
from ingest.model import Bools, Floats, Ints

BIN_MS = 300_000
HOUR_BINS = 12
RING_H = 72  # the baseline: three days, so that each hour of the day stands in it three times
ENOUGH_H = 24  # hours known before anything is said
ENOUGH_BINS = 4  # of an hour, before its mean counts
SMOOTH_BINS = 6.0  # time constant of the EWMA, 30 min
GAP_BINS = 6  # after so long a silence a hold begins anew
SIGMAS = 4.0
FIXED = 2.0**20  # sums are integers, so that no order of additions can change a bit
DIGITS = 4  # what a finding says is what was decided with, so that `recall` can give it back
LARGEST = 1e8  # in the metric's unit; far beyond any catalogue's plausible range


@dataclass
class LevelMemory(Memory):
    open_bin: Ints
    open_sums: Ints  # (n, 2): fixed-point sum, count
    bin: Ints  # the last closed one
    smooth: Floats
    hour_sum: Floats  # of the means of the hour's closed bins
    hour_bins: Ints
    ring: Floats  # (n, RING_H): hourly means, NaN: not known or suspect
    known_h: Ints
    middle: Floats
    sigma: Floats
    held: hold.Latch


class Level:
    def __init__(self, rule: LevelRule, unit: str) -> None:
        self.rule, self.metric = rule.rule, rule.metric
        self._rule, self._unit = rule, unit
        self._min_drop = rule.min_shift if rule.min_drop is None else rule.min_drop

    @staticmethod
    def blank(n: int) -> LevelMemory:
        def ints(*shape: int) -> Ints:
            return np.zeros((n, *shape), np.int64)

        def unknown(*shape: int) -> Floats:
            return np.full((n, *shape), np.nan)

        return LevelMemory(
            open_bin=ints() + NO_BIN,
            open_sums=ints(2),
            bin=ints() + NO_BIN,
            smooth=unknown(),
            hour_sum=np.zeros(n),
            hour_bins=ints(),
            ring=unknown(RING_H),
            known_h=ints(),
            middle=unknown(),
            sigma=unknown(),
            held=hold.Latch.blank(n),
        )

    def observe(self, memory: LevelMemory, series: Series) -> list[Finding]:
        """Changes `memory` (one row a device of `series`) and says what was decided on the way."""
        fixed = np.rint(np.clip(series.value, -LARGEST, LARGEST) * FIXED).astype(np.int64)
        fresh = fold(
            series.owner,
            series.ts_ms // BIN_MS,
            np.stack([fixed, np.ones_like(fixed)], axis=1),
            series.ts_ms,
            series.seq,
        )
        bins = close(fresh, memory.open_bin, memory.open_sums)
        means = bins.sums[:, 0] / (bins.sums[:, 1] * FIXED)
        findings: list[Finding] = []
        for picks in rounds(bins.owner):
            findings += self._advance(memory, bins, means, picks, series)
        return findings

    def _advance(self, memory: LevelMemory, bins: Bins, means: Floats, picks: Ints, series: Series) -> list[Finding]:
        rows, number, mean = bins.owner[picks], bins.number[picks], means[picks]
        before = memory.bin[rows]
        turns = np.flatnonzero(number // HOUR_BINS != before // HOUR_BINS)
        if len(turns):
            _close_hour(memory, rows[turns], before[turns], number[turns])
        silent = number - before
        gap = (silent > GAP_BINS) | (before == NO_BIN)
        smooth = memory.smooth[rows]
        smooth = np.where(gap, mean, smooth + (mean - smooth) * -np.expm1(-silent / SMOOTH_BINS))
        shift = smooth - memory.middle[rows]
        memory.smooth[rows], memory.bin[rows] = smooth, number
        memory.hour_sum[rows] += mean
        memory.hour_bins[rows] += 1
        turn = hold.advance(
            memory.held,
            rows,
            np.abs(shift) / self._limit(memory, rows, shift < 0),
            number * BIN_MS,
            (number + 1) * BIN_MS,
            gap,
            self._rule.hold_s * 1000,
            self._rule.clear_hold_s * 1000,
            quiet=series.quiet,
        )
        decided = np.flatnonzero(turn.raised | turn.cleared)
        return [self._decide(memory, bins, picks[i], turn.since_ms[i], series.device_no) for i in decided.tolist()]

    def _limit(self, memory: LevelMemory, rows: Ints, below: Bools) -> Floats:
        """How far from the middle is too far; NaN while too little is known."""
        least = np.where(below, self._min_drop, self._rule.min_shift)
        limit: Floats = np.maximum(SIGMAS * memory.sigma[rows], least)
        return limit

    def _decide(self, memory: LevelMemory, bins: Bins, pick: int, since_ms: int, device_no: Ints) -> Finding:
        row = int(bins.owner[pick])
        raised = bool(memory.held.raised[row])
        middle, sigma, known_h = float(memory.middle[row]), float(memory.sigma[row]), int(memory.known_h[row])
        below, above = self._limit(memory, np.array([row, row]), np.array([True, False])).tolist()
        if raised:
            _forget_since(memory, row, int(since_ms) // BIN_MS)
        else:
            _recover(memory, row)
        return Finding(
            device_no=int(device_no[row]),
            rule=self.rule,
            claim=Claim.RAISED if raised else Claim.CLEARED,
            metric=self.metric,
            observed=round(float(memory.smooth[row]), DIGITS),
            expected=middle,
            since_ms=int(since_ms),
            at_ms=int(bins.at_ms[pick]),
            seq=int(bins.seq[pick]),
            evidence={
                "unit": self._unit,
                "band": [round(middle - below, DIGITS), round(middle + above, DIGITS)],
                "baseline_hours": known_h,
                "sigma": sigma,
                "hold_s": self._rule.hold_s if raised else self._rule.clear_hold_s,
            },
        )

    def recall(self, memory: LevelMemory, row: int, finding: Finding) -> None:
        """`row` is now where `finding` left it."""
        memory.held.turn(row, raised=finding.claim == Claim.RAISED)
        if finding.claim == Claim.RAISED:
            memory.middle[row], memory.sigma[row] = finding.expected, finding.evidence["sigma"]
            memory.known_h[row] = finding.evidence["baseline_hours"]
            _forget_since(memory, row, finding.since_ms // BIN_MS)
        else:
            _recover(memory, row)


def _close_hour(memory: LevelMemory, rows: Ints, before: Ints, number: Ints) -> None:
    """The hour of bin `before` enters the ring and what is too old leaves it; a raised device learns nothing."""
    hour, now = before // HOUR_BINS, number // HOUR_BINS
    raised = memory.held.raised[rows]
    counts = (memory.hour_bins[rows] >= ENOUGH_BINS) & ~raised
    ring = memory.ring[rows]
    ring[np.arange(len(rows)), hour % RING_H] = np.where(
        counts, memory.hour_sum[rows] / np.maximum(memory.hour_bins[rows], 1), np.nan
    )
    ring[robust.ring_age(now, RING_H) < (now - hour)[:, None]] = np.nan
    memory.ring[rows] = ring
    memory.hour_sum[rows] = 0.0
    memory.hour_bins[rows] = 0
    _learn(memory, rows[~raised])


def _learn(memory: LevelMemory, rows: Ints) -> None:
    """Middle and sigma from the ring; while raised they stay what they were."""
    ring = memory.ring[rows]
    middle, known_h = robust.median(ring)
    enough = known_h >= ENOUGH_H
    memory.known_h[rows] = known_h
    memory.sigma[rows] = np.round(robust.spread(ring, middle), DIGITS)
    memory.middle[rows] = np.where(enough, np.round(middle, DIGITS), np.nan)


def _forget_since(memory: LevelMemory, row: int, first_bin: int) -> None:
    """The hours of the departure are suspect: they never become what is normal."""
    suspect_h = int(memory.bin[row]) // HOUR_BINS - first_bin // HOUR_BINS + 1
    age = robust.ring_age(memory.bin[[row]] // HOUR_BINS, RING_H)[0]
    memory.ring[row, age < suspect_h] = np.nan


def _recover(memory: LevelMemory, row: int) -> None:
    """Learning goes on, without the hour of the recovery."""
    memory.hour_sum[row], memory.hour_bins[row] = 0.0, 0
    _learn(memory, np.array([row]))

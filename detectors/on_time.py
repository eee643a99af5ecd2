"""*Compressor on-time*: cycles that got longer or more frequent, or a compressor that runs more of the time.

The last 24 hours are held against the 48 before them: whole days, so that day and night stand equally on both sides.
Medians over hours (length of cycles) and over blocks of four hours (duty, starts), so that a defrost, a party or a
pull-down after a power cut stay the exceptions that they are. Only a rise is claimed: less work is not a fault.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from detectors import hold, robust
from detectors.cycles import HOUR_MS, N_SUMS, RunMemory, closed_hours
from detectors.measures import DIGITS, MEASURES, N_MEASURES, Comparison, compare, hourly
from detectors.memory import Memory
from detectors.model import Claim, Finding
from detectors.series import NO_BIN, Bins, Series, rounds
from devices.model import OnTimeRule
from ingest.model import Bools, Floats, Ints

RING_H = 72
RECENT_H = 24
RESTART_AFTER_H = 3  # so many hours without a reading: a hold begins anew
GAP_CADENCES = 5  # readings missing, before what the compressor did between is unknown
SHORTEST_GAP_MS = 600_000


@dataclass
class OnTimeMemory(Memory):
    run: RunMemory
    hour: Ints  # the last closed one
    ring: npt.NDArray[np.int32]  # (n, RING_H, N_SUMS)
    suspect: Bools  # (n, RING_H): hours of a departure never become what is normal
    expected: Floats  # (n, N_MEASURES); while raised it stays what it was
    limit: Floats  # (n, N_MEASURES): a rise beyond it is too much
    measure: Ints  # which one a raised device was raised for
    held: hold.Latch


class OnTime:
    def __init__(self, rule: OnTimeRule, cadence_s: int) -> None:
        self.rule, self.metric = rule.rule, rule.metric
        self._rule = rule
        self._longest_gap_ms = max(GAP_CADENCES * cadence_s * 1000, SHORTEST_GAP_MS)

    @staticmethod
    def blank(n: int) -> OnTimeMemory:
        return OnTimeMemory(
            run=RunMemory.blank(n),
            hour=np.full(n, NO_BIN, np.int64),
            ring=np.zeros((n, RING_H, N_SUMS), np.int32),
            suspect=np.zeros((n, RING_H), bool),
            expected=np.full((n, N_MEASURES), np.nan),
            limit=np.full((n, N_MEASURES), np.nan),
            measure=np.zeros(n, np.int64),
            held=hold.Latch.blank(n),
        )

    def observe(self, memory: OnTimeMemory, series: Series) -> list[Finding]:
        """Changes `memory` (one row a device of `series`) and says what was decided on the way."""
        hours = closed_hours(memory.run, series, self._rule.on_above, self._longest_gap_ms)
        findings: list[Finding] = []
        for picks in rounds(hours.owner):
            findings += self._advance(memory, hours, picks, series)
        return findings

    def _advance(self, memory: OnTimeMemory, hours: Bins, picks: Ints, series: Series) -> list[Finding]:
        rows, hour = hours.owner[picks], hours.number[picks]
        silent = hour - memory.hour[rows]
        by_age, suspect = _enter(memory, rows, hour, hours.sums[picks])
        compared = compare(by_age[:, :RECENT_H], by_age[:, RECENT_H:] * ~suspect[:, RECENT_H:, None])
        free = ~memory.held.raised[rows]
        memory.expected[rows[free]], memory.limit[rows[free]] = compared.expected[free], compared.limit[free]
        scores = (compared.observed - memory.expected[rows]) / memory.limit[rows]
        turn = hold.advance(
            memory.held,
            rows,
            np.fmax.reduce(scores, axis=1),
            hour * HOUR_MS,
            (hour + 1) * HOUR_MS,
            silent > RESTART_AFTER_H,
            self._rule.hold_s * 1000,
            self._rule.clear_hold_s * 1000,
            quiet=series.quiet,
        )
        findings = []
        for i in np.flatnonzero(turn.raised | turn.cleared).tolist():
            row, since_ms = int(rows[i]), int(turn.since_ms[i])
            if turn.raised[i]:
                memory.measure[row] = np.argmax(np.nan_to_num(scores[i], nan=-np.inf))
                since_ms = _departure(memory, row, by_age[i, :RECENT_H], compared.observed[i])
            findings.append(self._finding(memory, hours, int(picks[i]), since_ms, compared, i, series.device_no))
        return findings

    def _finding(
        self,
        memory: OnTimeMemory,
        hours: Bins,
        pick: int,
        since_ms: int,
        compared: Comparison,
        i: int,
        device_no: Ints,
    ) -> Finding:
        row = int(hours.owner[pick])
        raised = bool(memory.held.raised[row])
        observed, expected, limit = compared.observed[i], memory.expected[row], memory.limit[row]
        which = int(memory.measure[row])
        if np.isnan(observed[which]):  # a recovered compressor may not cycle: then another of them says so
            which = int(np.argmax(np.isfinite(observed) & np.isfinite(expected)))
        middle, reach = float(expected[which]), float(limit[which])
        return Finding(
            device_no=int(device_no[row]),
            rule=self.rule,
            claim=Claim.RAISED if raised else Claim.CLEARED,
            metric=self.metric,
            observed=float(observed[which]),
            expected=middle,
            since_ms=since_ms,
            at_ms=int(hours.at_ms[pick]),
            seq=int(hours.seq[pick]),
            evidence={
                "measure": MEASURES[which].name,
                "unit": MEASURES[which].unit,
                "band": [round(max(middle - reach, 0.0), DIGITS), round(middle + reach, DIGITS)],
                "measures": {
                    measure.name: {
                        "observed": _number(observed[k]),
                        "expected": _number(expected[k]),
                        "limit": _number(limit[k]),
                    }
                    for k, measure in enumerate(MEASURES)
                },
                "cycles": {"observed": int(compared.cycles[i, 0]), "expected": int(compared.cycles[i, 1])},
                "hold_s": self._rule.hold_s if raised else self._rule.clear_hold_s,
            },
        )

    def recall(self, memory: OnTimeMemory, row: int, finding: Finding) -> None:
        """`row` is now where `finding` left it."""
        memory.held.turn(row, raised=finding.claim == Claim.RAISED)
        if finding.claim == Claim.RAISED:
            told = [finding.evidence["measures"][measure.name] for measure in MEASURES]
            memory.expected[row] = [np.nan if said["expected"] is None else said["expected"] for said in told]
            memory.limit[row] = [np.nan if said["limit"] is None else said["limit"] for said in told]
            memory.measure[row] = [measure.name for measure in MEASURES].index(finding.evidence["measure"])
            _suspect(memory, row, int(memory.hour[row]) - finding.since_ms // HOUR_MS)


def _number(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


def _enter(memory: OnTimeMemory, rows: Ints, hour: Ints, sums: Ints) -> tuple[Ints, Bools]:
    """The hour enters the ring, what is too old leaves it; returns sums (n, RING_H, N_SUMS) and suspects by age."""
    ring, suspect = memory.ring[rows], memory.suspect[rows]
    stale = robust.ring_age(hour, RING_H) < (hour - memory.hour[rows])[:, None]
    ring[stale] = 0
    suspect[stale] = False
    line, place = np.arange(len(rows)), hour % RING_H
    ring[line, place] = sums
    suspect[line, place] = memory.held.raised[rows]
    memory.ring[rows], memory.suspect[rows], memory.hour[rows] = ring, suspect, hour
    age = robust.ring_age(hour, RING_H)  # place -> age; the other way round it is the same arithmetic
    return ring[line[:, None], age].astype(np.int64), suspect[line[:, None], age]


def _departure(memory: OnTimeMemory, row: int, by_age: Ints, observed: Floats) -> int:
    """Since when a raised device departs: the point where the sum of deviations from half the rise turns (CUSUM)."""
    which = int(memory.measure[row])
    half = (memory.expected[row, which] + observed[which]) / 2
    oldest_first = hourly(by_age)[::-1, which]
    path = np.concatenate([[0.0], np.cumsum(np.nan_to_num(oldest_first - half, nan=0.0))])
    begun = min(int(np.argmin(path)), RECENT_H - 1)  # hours of the window before the departure
    age = RECENT_H - 1 - begun
    _suspect(memory, row, age)
    return (int(memory.hour[row]) - age) * HOUR_MS


def _suspect(memory: OnTimeMemory, row: int, age_h: int) -> None:
    memory.suspect[row, robust.ring_age(memory.hour[[row]], RING_H)[0] <= age_h] = True

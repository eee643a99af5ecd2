"""Power or current becomes compressor cycles: known time, time on, starts and closed cycles, an hour a row."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from detectors.memory import Memory
from detectors.series import NO_BIN, Bins, Series, close, fold
from ingest.model import Bools, Ints

HOUR_MS = 3_600_000
LONGEST_CYCLE_MS = 12 * HOUR_MS  # a run longer than this is not a cycle any more
STANDBY_MS = 6 * HOUR_MS  # off for longer: switched off by somebody, it tells nothing about the compressor

KNOWN_MS, ON_MS, STARTS, CYCLES, CYCLE_MS = range(5)  # columns of an hour's sums
N_SUMS = 5


@dataclass
class RunMemory(Memory):
    """Where each device's present run stands, and the hour that is open."""

    last_ms: Ints  # 0: nothing said yet
    last_on: Bools
    run_ms: Ints  # when the present run began
    run_known: Bools  # whether we saw it begin
    open_hour: Ints
    open_sums: Ints  # (n, N_SUMS)

    @classmethod
    def blank(cls, n: int) -> "RunMemory":
        return cls(
            last_ms=np.zeros(n, np.int64),
            last_on=np.zeros(n, bool),
            run_ms=np.zeros(n, np.int64),
            run_known=np.zeros(n, bool),
            open_hour=np.full(n, NO_BIN, np.int64),
            open_sums=np.zeros((n, N_SUMS), np.int64),
        )


class _Line(NamedTuple):
    """The devices' last known reading (virtual), then what is new, sorted by (owner, ts)."""

    owner: Ints
    ts_ms: Ints
    seq: Ints
    on: Bools
    virtual: Bools


class _Runs(NamedTuple):
    starts_here: Bools  # a run begins with this reading
    after_gap: Bools  # ... since what was before it is not known
    began_ms: Ints  # of the run that the reading is in
    seen: Bools  # whether that beginning was seen


def closed_hours(memory: RunMemory, series: Series, on_above: float, longest_gap_ms: int) -> Bins:
    """The hours that `series` closes, with their sums; `memory` goes on behind it.

    Time between two readings belongs to the earlier one's hour and state; across a gap nothing is known, and the cycle
    that it cuts does not count.
    """
    line = _line(memory, series, on_above)
    runs = _runs(memory, line, longest_gap_ms)
    fresh = fold(line.owner, line.ts_ms // HOUR_MS, _sums(line, runs), line.ts_ms, line.seq)
    last = np.flatnonzero(np.concatenate([np.diff(line.owner) != 0, [True]]) if len(line.owner) else [])
    owner = line.owner[last]
    memory.last_ms[owner], memory.last_on[owner] = line.ts_ms[last], line.on[last]
    memory.run_ms[owner], memory.run_known[owner] = runs.began_ms[last], runs.seen[last]
    return close(fresh, memory.open_hour, memory.open_sums)


def _line(memory: RunMemory, series: Series, on_above: float) -> _Line:
    known = np.flatnonzero(memory.last_ms > 0)
    owner = np.concatenate([known, series.owner])
    order = np.argsort(owner, kind="stable")
    on: Bools = series.value >= on_above
    return _Line(
        owner[order],
        np.concatenate([memory.last_ms[known], series.ts_ms])[order],
        np.concatenate([np.zeros(len(known), np.int64), series.seq])[order],
        np.concatenate([memory.last_on[known], on])[order],
        np.concatenate([np.ones(len(known), bool), np.zeros(len(series.owner), bool)])[order],
    )


def _runs(memory: RunMemory, line: _Line, longest_gap_ms: int) -> _Runs:
    first = np.concatenate([[True], np.diff(line.owner) != 0])[: len(line.owner)]
    gap = np.concatenate([[0], np.diff(line.ts_ms)])[: len(line.owner)] > longest_gap_ms
    changed = np.concatenate([[False], line.on[1:] != line.on[:-1]])[: len(line.owner)]
    after_gap = (first & ~line.virtual) | (gap & ~first)
    starts_here = (first | gap | changed) & ~line.virtual
    anchor = np.maximum.accumulate(np.where(starts_here | line.virtual, np.arange(len(line.owner)), 0))
    inherits = line.virtual[anchor]
    began_ms = np.where(inherits, memory.run_ms[line.owner], line.ts_ms[anchor])
    seen = np.where(inherits, memory.run_known[line.owner], ~after_gap[anchor])
    return _Runs(starts_here, after_gap & starts_here, began_ms, seen)


def _sums(line: _Line, runs: _Runs) -> Ints:
    """What each reading adds to its hour: the time up to the next reading, and what began or ended with it."""
    sums = np.zeros((len(line.owner), N_SUMS), np.int64)
    if len(line.owner) < 2:
        return sums
    after = (line.owner[1:] == line.owner[:-1]) & ~runs.after_gap[1:]
    age_ms = line.ts_ms[:-1] - runs.began_ms[:-1]
    counts = after & (line.on[:-1] | (age_ms < STANDBY_MS))
    lasts_ms = np.diff(line.ts_ms) * counts
    sums[:-1, KNOWN_MS] = lasts_ms
    sums[:-1, ON_MS] = lasts_ms * line.on[:-1]
    turned = after & runs.starts_here[1:]
    sums[1:, STARTS] = turned & line.on[1:]
    ran_ms = line.ts_ms[1:] - runs.began_ms[:-1]
    closed = turned & line.on[:-1] & runs.seen[:-1] & (ran_ms <= LONGEST_CYCLE_MS)
    sums[1:, CYCLES] = closed
    sums[1:, CYCLE_MS] = ran_ms * closed
    return sums

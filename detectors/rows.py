"""A class's readings put in the order in which they are observed, and stripped of those that are not."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from detectors.series import Series
from ingest.model import Batch, Bools, Floats, Ints


@dataclass(frozen=True, kw_only=True)
class Rows:
    """Readings sorted by (owner, log order, ts); `owner` (n,) points into `device_no` (k,)."""

    device_no: Ints
    owner: Ints
    ts_ms: Ints
    seq: Ints
    values: Floats
    flags: Ints

    def newest_ms(self, before_ms: Ints) -> Ints:
        newest = before_ms.copy()
        np.maximum.at(newest, self.owner, self.ts_ms)
        return newest

    def series(self, column: int, works: Bools, *, quiet: bool) -> Series:
        """One metric of the devices that work; what is missing or implausible was not said."""
        value = self.values[:, column]
        said = ~np.isnan(value) & ((self.flags >> column) & 1 == 0) & works[self.owner]
        return Series(
            device_no=self.device_no,
            owner=self.owner[said],
            ts_ms=self.ts_ms[said],
            seq=self.seq[said],
            value=value[said],
            quiet=quiet,
        )


def device_numbers(batches: Sequence[Batch]) -> Ints:
    return np.unique(np.concatenate([batch.device_no for batch in batches]))


def arrange(batches: Sequence[Batch], device_no: Ints, newest_ms: Ints) -> Rows:
    """`newest_ms` (k,): of each of `device_no`; what is not newer than all before it in log order is left out."""
    owner = np.searchsorted(device_no, np.concatenate([batch.device_no for batch in batches]))
    ts_ms = np.concatenate([batch.ts_ms for batch in batches])
    seq = np.concatenate([batch.seq for batch in batches])
    order = np.lexsort((ts_ms, seq, owner))
    owner, ts_ms = owner[order], ts_ms[order]
    newer = _newer(owner, ts_ms, newest_ms)
    order = order[newer]
    return Rows(
        device_no=device_no,
        owner=owner[newer],
        ts_ms=ts_ms[newer],
        seq=seq[order],
        values=np.concatenate([batch.values for batch in batches])[order],
        flags=np.concatenate([batch.flags for batch in batches])[order],
    )


def _newer(owner: Ints, ts_ms: Ints, newest_ms: Ints) -> Bools:
    """Which rows are newer than all before them of their owner."""
    newer: Bools = ts_ms > newest_ms[owner]
    same = owner[1:] == owner[:-1]
    if not (same & (ts_ms[1:] <= ts_ms[:-1])).any():
        return newer
    # A running maximum that starts anew with each owner: ranks of the times, lifted by owner.
    _, rank = np.unique(ts_ms, return_inverse=True)
    lifted = rank + owner * (len(ts_ms) + 1)
    highest = np.maximum.accumulate(lifted)
    newer[1:] &= (lifted[1:] > highest[:-1]) | ~same
    return newer

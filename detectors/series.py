"""What one rule is shown: one metric of several devices, sorted, and folded into bins of event time."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from ingest.model import Floats, Ints

NO_BIN = -1


@dataclass(frozen=True, kw_only=True)
class Series:
    """What `len(device_no)` devices said about one metric, sorted by (owner, ts), each ts once.

    `owner` (n,) points into `device_no`, which is also the order of the memory's rows.
    """

    device_no: Ints
    owner: Ints
    ts_ms: Ints
    seq: Ints
    value: Floats
    quiet: bool = False  # nothing is decided: what was decided then is on record

    def only(self, owner: int) -> "Series":
        """One device's part, as its own series."""
        mine = self.owner == owner
        return Series(
            device_no=self.device_no[owner : owner + 1],
            owner=np.zeros(int(mine.sum()), np.int64),
            ts_ms=self.ts_ms[mine],
            seq=self.seq[mine],
            value=self.value[mine],
            quiet=self.quiet,
        )


@dataclass(frozen=True, kw_only=True)
class Bins:
    """Bins of event time with their sums `(n, c)`, sorted by (owner, bin).

    `at_ms` and `seq` name the bin's first reading when it opened here: that reading closed the bin before.
    """

    owner: Ints
    number: Ints
    sums: Ints
    at_ms: Ints
    seq: Ints


def fold(owner: Ints, number: Ints, sums: Ints, at_ms: Ints, seq: Ints) -> Bins:
    """Rows sorted by (owner, number) become one row a bin. Sums are integers, so their order does not matter."""
    if not len(owner):
        return Bins(owner=owner, number=number, sums=sums, at_ms=at_ms, seq=seq)
    first = np.flatnonzero(np.concatenate(([True], (np.diff(owner) != 0) | (np.diff(number) != 0))))
    return Bins(
        owner=owner[first],
        number=number[first],
        sums=np.add.reduceat(sums, first, axis=0),
        at_ms=at_ms[first],
        seq=seq[first],
    )


def close(fresh: Bins, open_number: Ints, open_sums: Ints) -> Bins:
    """The bins that `fresh` closes; `open_*` (one row an owner) are changed to the bins that stay open.

    A bin is closed by the first reading of a later one, and that reading's `at_ms` and `seq` stand with it.
    """
    carried = np.flatnonzero(open_number != NO_BIN)
    nothing = np.zeros(len(carried), np.int64)
    owner = np.concatenate([carried, fresh.owner])
    order = np.argsort(owner, kind="stable")  # what was carried stands before what is fresh
    both = fold(
        owner[order],
        np.concatenate([open_number[carried], fresh.number])[order],
        np.concatenate([open_sums[carried], fresh.sums])[order],
        np.concatenate([nothing, fresh.at_ms])[order],
        np.concatenate([nothing, fresh.seq])[order],
    )
    last = np.concatenate([np.diff(both.owner) != 0, np.ones(min(len(both.owner), 1), bool)])
    open_number[both.owner[last]] = both.number[last]
    open_sums[both.owner[last]] = both.sums[last]
    closed = np.flatnonzero(~last)
    return Bins(
        owner=both.owner[closed],
        number=both.number[closed],
        sums=both.sums[closed],
        at_ms=both.at_ms[closed + 1],
        seq=both.seq[closed + 1],
    )


def rounds(owner: Ints) -> Iterator[Ints]:
    """Positions in a sorted `owner`: first every owner's first, then every owner's second, and so on."""
    if not len(owner):
        return
    starts = np.flatnonzero(np.concatenate(([True], np.diff(owner) != 0)))
    lengths = np.diff(np.concatenate((starts, [len(owner)])))
    turn = np.arange(len(owner)) - np.repeat(starts, lengths)
    order = np.argsort(turn, kind="stable")
    edges = np.cumsum(np.bincount(turn))
    begin = 0
    for end in edges.tolist():
        yield order[begin:end]
        begin = end

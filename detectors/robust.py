"""Robust statistics over rings: one row a device, NaN where nothing is known. Functions of values, nothing else."""

import numpy as np

from ingest.model import Floats, Ints

MAD_TO_SIGMA = 1.4826  # for a normal distribution
MEDIAN_COSTS = 1.2533  # standard error of a median over that of a mean, sqrt(pi / 2)


def median(rows: Floats) -> tuple[Floats, Ints]:
    """Median of each row (n, m) -> (n,), NaN where nothing is known, and how many are known."""
    ordered = np.sort(rows, axis=1)  # NaN goes to the end
    known = np.count_nonzero(ordered == ordered, axis=1)  # noqa: PLR0124  # NaN differs from itself; twice as fast as isnan
    line = np.arange(len(rows))
    return (ordered[line, (known - 1) // 2] + ordered[line, known // 2]) / 2, known


def spread(rows: Floats, middle: Floats) -> Floats:
    """Sigma of each row by its median absolute deviation from `middle` (n,)."""
    mad, _ = median(np.abs(rows - middle[:, None]))
    return MAD_TO_SIGMA * mad


def ring_age(hour: Ints, size: int) -> Ints:
    """Age of each place of a ring in hours, (n, size): place `h % size` holds hour h; `hour` itself has age 0."""
    return (hour[:, None] - np.arange(size)) % size

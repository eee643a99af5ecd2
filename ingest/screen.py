"""Finite but implausible: kept, and flagged."""

import numpy as np

from ingest.model import Floats, Ints


def flags(values: Floats, low: Floats, high: Floats) -> Ints:
    """Bit i of (n,) is set where `values` (n, n_metrics) column i lies outside `low[i]`..`high[i]`; NaN never does."""
    outside = (values < low) | (values > high)
    if not outside.any():
        return np.zeros(len(values), dtype=np.int64)
    bits = np.left_shift(np.int64(1), np.arange(values.shape[1], dtype=np.int64))
    flagged: Ints = outside.astype(np.int64) @ bits
    return flagged

"""What the catalogue says of readings: finite but implausible is kept and flagged, too late is refused."""

import numpy as np

from ingest.model import Batch, Bools, Floats, Ints

_DAY_MS = 86_400_000


def flags(values: Floats, low: Floats, high: Floats) -> Ints:
    """Bit i of (n,) is set where `values` (n, n_metrics) column i lies outside `low[i]`..`high[i]`; NaN never does."""
    outside = (values < low) | (values > high)
    if not outside.any():
        return np.zeros(len(values), dtype=np.int64)
    bits = np.left_shift(np.int64(1), np.arange(values.shape[1], dtype=np.int64))
    flagged: Ints = outside.astype(np.int64) @ bits
    return flagged


def too_late(batch: Batch, retention_days: int) -> Bools:
    """(n,): older, when the log received it, than the record keeps readings: it would be forgotten at once, and an
    aggregate of what was forgotten must not be made again from it."""
    late: Bools = batch.ts_ms < batch.received_ms - retention_days * _DAY_MS
    return late

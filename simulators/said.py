"""Readings as devices send them: what a crew spoke, as values, and as payloads of bounded size."""

import math
from collections.abc import Iterator, Sequence

import numpy as np
import orjson

from simulators.crew import Spoken

MAX_READINGS = 400
MAX_BYTES = 65_536

Said = tuple[int, dict[str, float]]  # one reading of one device: ts_ms and what was measured
Due = tuple[int, Said]  # and when it was measured


def said_by(spoken: Spoken, unit: int, names: Sequence[str]) -> Iterator[Due]:
    """What one unit said, in the order of measuring; a minute without a word is left out."""
    values = spoken.values[unit, :, : len(names)]
    gaps = np.isnan(values).sum(axis=1)
    picked = gaps < len(names)
    columns = (spoken.measured_ms[unit], spoken.ts_ms[unit], values, gaps == 0)
    for due_ms, ts_ms, row, whole in zip(*(column[picked].tolist() for column in columns), strict=True):
        measured = dict(zip(names, row, strict=True))
        if not whole:
            measured = {name: value for name, value in measured.items() if not math.isnan(value)}
        yield due_ms, (ts_ms, measured)


def arrays(said: Sequence[Said]) -> Iterator[tuple[int, bytes]]:
    """Payloads of at most MAX_READINGS readings and MAX_BYTES, each with the number of its readings."""
    for at in range(0, len(said), MAX_READINGS):
        yield from _fitting(said[at : at + MAX_READINGS])


def _fitting(said: Sequence[Said]) -> Iterator[tuple[int, bytes]]:
    readings = [{"ts": ts_ms, "m": measured} for ts_ms, measured in said]
    payload = orjson.dumps(readings if len(readings) > 1 else readings[0])
    if len(payload) <= MAX_BYTES or len(said) == 1:
        yield len(said), payload
        return
    half = len(said) // 2
    yield from _fitting(said[:half])
    yield from _fitting(said[half:])

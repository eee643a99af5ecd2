"""What is compared of a compressor: length of its cycles, duty, starts an hour; recent days against the days before."""

from typing import NamedTuple

import numpy as np

from detectors import robust
from detectors.cycles import CYCLE_MS, CYCLES, HOUR_MS, KNOWN_MS, ON_MS, STARTS
from ingest.model import Floats, Ints

MINUTE_MS = 60_000
BLOCK_H = 4  # duty and starts are counted over blocks, long enough for the slowest healthy cycle
ENOUGH_OF_BLOCK_MS = 2 * HOUR_MS
ENOUGH_RECENT_MS = 12 * HOUR_MS
ENOUGH_BASELINE_MS = 40 * HOUR_MS  # of 48: with the recent day, the three days that it takes to know a device
ENOUGH_CYCLE_HOURS = 6  # hours in which a cycle closed
ENOUGH_BLOCKS = 4
DIGITS = 3  # what a finding says is what was decided with, so that `recall` can give it back
SIGMAS = 4.0  # of the standard error of the difference of two medians


class Measure(NamedTuple):
    name: str
    unit: str
    least_rise: float  # relative; chosen on simulated units with their weather, doors and weekends
    least_step: float  # in its unit: what sampling once a minute and few starts can feign


MEASURES = (
    Measure("on_min", "min", 0.2, 1.0),
    Measure("duty", "%", 0.3, 5.0),
    Measure("starts_per_hour", "1/h", 0.6, 0.5),
)
N_MEASURES = len(MEASURES)


class Comparison(NamedTuple):
    """(n, N_MEASURES) each; NaN where too little is known. `cycles` (n, 2): closed, recently and before."""

    observed: Floats
    expected: Floats
    limit: Floats
    cycles: Ints


def compare(recent: Ints, baseline: Ints) -> Comparison:
    """Sums by age (n, hours, N_SUMS), unknown hours 0."""
    known_ms = np.stack([recent[:, :, KNOWN_MS].sum(axis=1), baseline[:, :, KNOWN_MS].sum(axis=1)], axis=1)
    enough = (known_ms[:, 0] >= ENOUGH_RECENT_MS), (known_ms[:, 1] >= ENOUGH_BASELINE_MS)
    shape = (len(recent), N_MEASURES)
    observed, expected, limit = np.full(shape, np.nan), np.full(shape, np.nan), np.full(shape, np.nan)
    for k, (now, before) in enumerate(zip(_samples(recent), _samples(baseline), strict=True)):
        least = ENOUGH_CYCLE_HOURS if k == 0 else ENOUGH_BLOCKS
        here, n_here = robust.median(now)
        there, n_there = robust.median(before)
        observed[:, k] = np.where(enough[0] & (n_here >= least), here, np.nan)
        expected[:, k] = np.where(enough[1] & (n_there >= least), there, np.nan)
        error = robust.MEDIAN_COSTS * robust.spread(before, there)
        error = error * np.sqrt(1 / np.maximum(n_here, 1) + 1 / np.maximum(n_there, 1))
        least_rise = np.maximum(MEASURES[k].least_rise * there, MEASURES[k].least_step)
        limit[:, k] = np.maximum(least_rise, SIGMAS * error)
    observed, expected, limit = np.round(observed, DIGITS), np.round(expected, DIGITS), np.round(limit, DIGITS)
    cycles = np.stack([recent[:, :, CYCLES].sum(axis=1), baseline[:, :, CYCLES].sum(axis=1)], axis=1)
    return Comparison(observed, expected, limit, cycles)


def hourly(sums: Ints) -> Floats:
    """Sums (..., N_SUMS) -> measures (..., N_MEASURES), NaN where the stretch says nothing."""
    known_ms, cycles = sums[..., KNOWN_MS].astype(np.float64), sums[..., CYCLES].astype(np.float64)
    known_ms[known_ms == 0] = np.nan
    cycles[cycles == 0] = np.nan
    on_min = sums[..., CYCLE_MS] / MINUTE_MS / cycles
    duty = 100 * sums[..., ON_MS] / known_ms
    starts_per_hour = sums[..., STARTS] / (known_ms / HOUR_MS)
    return np.stack([on_min, duty, starts_per_hour], axis=-1)


def _samples(sums: Ints) -> tuple[Floats, Floats, Floats]:
    """Of each measure its independent samples in the window: hours for cycles, blocks for duty and starts."""
    n, hours, columns = sums.shape
    blocks = sums.reshape(n, hours // BLOCK_H, BLOCK_H, columns).sum(axis=2)
    blocks = blocks * (blocks[:, :, KNOWN_MS] >= ENOUGH_OF_BLOCK_MS)[:, :, None]
    by_block = hourly(blocks)
    return hourly(sums)[:, :, 0], by_block[:, :, 1], by_block[:, :, 2]

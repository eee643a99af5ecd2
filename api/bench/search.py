"""The highest paced rate that keeps up, looked for in a bounded number of short loads."""

from collections.abc import Callable
from dataclasses import dataclass

PROBES = 5  # each halves what is not known: a thirtieth of the span is left, some 2 %
PROBE_S = 5.0
_LOWEST, _HIGHEST = 0.6, 1.25  # of what is taken in flat out
_LONGEST_P99_S = 2.0
_MOST_BEHIND = 0.05  # of the load's time
_LEAST_PUBLISHED = 0.99  # of what was to be


@dataclass(frozen=True, kw_only=True)
class Trial:
    msg_s: float
    kept_up: bool


def keeps_up(*, published_share: float, missing: int, p99_s: float, backlog_s: float, seconds: float) -> bool:
    """`backlog_s`: from the last acknowledgement to the last commit; of a longer load it would be longer."""
    in_time = p99_s < _LONGEST_P99_S and backlog_s < _MOST_BEHIND * seconds
    return published_share >= _LEAST_PUBLISHED and missing == 0 and in_time


def highest(probe: Callable[[float | None], Trial]) -> float:
    """`probe(None)` is flat out. What no probe kept up with is the lowest that was thought of, and the runs tell."""
    flat_out = probe(None).msg_s
    low, high = _LOWEST * flat_out, _HIGHEST * flat_out
    for _ in range(PROBES):
        middle = (low + high) / 2
        low, high = (middle, high) if probe(middle).kept_up else (low, middle)
    return low

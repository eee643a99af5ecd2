"""The highest paced rate that keeps up, looked for in a bounded number of short loads."""

from collections.abc import Callable
from dataclasses import dataclass

PROBES = 8  # at most
PROBE_S = 5.0
_GROWS, _SHRINKS = 1.3, 0.8  # until one keeps up and one does not
_NEAR = 1.03  # of each other: near enough
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


def highest(probe: Callable[[float | None], Trial], start: float | None = None) -> float:
    """`start`: where to begin; None, at what is taken in flat out, `probe(None)`. 0: no probe kept up."""
    rate = probe(None).msg_s if start is None else start
    low, high = 0.0, float("inf")
    for _ in range(PROBES):
        low, high = (rate, high) if probe(rate).kept_up else (low, rate)
        if high < low * _NEAR:
            break
        rate = _next(low, high)
    return low


def _next(low: float, high: float) -> float:
    if high == float("inf"):
        return low * _GROWS
    return (low + high) / 2 if low else high * _SHRINKS

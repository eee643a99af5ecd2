"""What a device's clock is worth, learned from how late its messages come.

Lateness is delay plus the clock's offset. Delay is never negative and is small whenever a device speaks as it measures,
whatever it flushes after an outage; so where most messages crowd, the least lateness is the offset. (NTP's clock filter
trusts the sample of least delay for the same reason: RFC 5905, section 10.)
"""

from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from ingest.model import Ints

ENOUGH = 5  # messages
CROWD_MS = 60_000  # a device that sends once a minute is at most so late when it is live
WRONG_MS = 120_000  # what nobody notices in a curve is no finding


class ClockState(StrEnum):
    UNKNOWN = "UNKNOWN"  # too few messages, or none of its lateness recurs
    RIGHT = "RIGHT"
    AHEAD = "AHEAD"
    BEHIND = "BEHIND"


@dataclass(frozen=True, kw_only=True)
class Clock:
    """`offset_ms`: device minus log, None where it is not known."""

    state: ClockState
    offset_ms: int | None
    messages: int


def judge(lateness_ms: Ints) -> Clock:
    """`lateness_ms` (n,): of each of the last messages when it was received minus its newest `ts`, in any order."""
    late = np.sort(lateness_ms)
    if len(late) < ENOUGH:
        return Clock(state=ClockState.UNKNOWN, offset_ms=None, messages=len(late))
    crowd = np.searchsorted(late, late + CROWD_MS, side="right") - np.arange(len(late))
    first = int(crowd.argmax())
    if crowd[first] * 2 < len(late):
        return Clock(state=ClockState.UNKNOWN, offset_ms=None, messages=len(late))
    offset_ms = -int(late[first])
    state = ClockState.RIGHT
    if abs(offset_ms) >= WRONG_MS:
        state = ClockState.AHEAD if offset_ms > 0 else ClockState.BEHIND
    return Clock(state=state, offset_ms=offset_ms, messages=len(late))

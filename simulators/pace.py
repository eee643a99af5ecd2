"""What time it is in a fleet: it begins in the past, goes faster, and in step with ours once it is here."""

import math
from dataclasses import dataclass

FLAT_OUT = math.inf  # as fast as it is acknowledged


@dataclass(frozen=True, kw_only=True)
class Pace:
    """`start_ms`: the fleet's time when ours was `begin_ms`."""

    start_ms: int
    begin_ms: int
    speed: float = 1.0

    def at_ms(self, now_ms: int) -> int:
        """The fleet's time; never beyond ours, for what comes from the future is refused."""
        if self.speed == FLAT_OUT:
            return now_ms
        return min(now_ms, self.start_ms + int((now_ms - self.begin_ms) * self.speed))

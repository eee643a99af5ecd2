"""What becomes of a delivery after an attempt: arrived, again later, or dead until a person sends it again."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from ledger.model import DeliveryState
from ticketing.notify.model import Attempt

FIRST = timedelta(seconds=5)
FACTOR = 4
LONGEST = timedelta(hours=6)
ATTEMPTS = 10  # 5 s, 20 s, 80 s ... 6 h: somebody's night without a server is bridged
SPREAD = 0.25  # a destination that comes back is not met by everything at once


@dataclass(frozen=True, kw_only=True)
class Rung:
    state: DeliveryState
    next_at: datetime
    error: str | None


def after(attempt: Attempt, attempts: int, now: datetime, jitter: float) -> Rung:
    """`attempts` counts this one; `jitter` is in [0, 1)."""
    if attempt.error is None:
        return Rung(state=DeliveryState.DELIVERED, next_at=now, error=None)
    if attempt.final or attempts >= ATTEMPTS:
        return Rung(state=DeliveryState.DEAD, next_at=now, error=attempt.error)
    wait = min(FIRST * FACTOR ** (attempts - 1), LONGEST) * (1 + SPREAD * jitter)
    return Rung(state=DeliveryState.PENDING, next_at=now + wait, error=attempt.error)

"""After some wrong secrets nobody may try for a while, after more of them for longer. Pure."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from devices.claims.model import Guesses


@dataclass(frozen=True, kw_only=True)
class Policy:
    free: int  # wrong ones before the first lock; people mistype
    first: timedelta
    most: timedelta
    forgotten: timedelta  # after so long without one

    def lock(self, failures: int) -> timedelta | None:
        if failures < self.free:
            return None
        return min(self.first * (1 << min(failures - self.free, 20)), self.most)


# A secret has 80 bits: nobody guesses it, lock or no lock. A device's lock stays short, because a stranger who closes
# it keeps the owner out of this door (presence has none); an address's grows.
DEVICE = Policy(free=5, first=timedelta(minutes=1), most=timedelta(hours=1), forgotten=timedelta(days=1))
ADDRESS = Policy(free=10, first=timedelta(minutes=1), most=timedelta(days=1), forgotten=timedelta(days=2))


def standing(guesses: Guesses, policy: Policy, now: datetime) -> Guesses:
    """What still counts of them."""
    if guesses.last_at is None or now - guesses.last_at >= policy.forgotten:
        return Guesses()
    return guesses


def failed(guesses: Guesses, policy: Policy, now: datetime) -> Guesses:
    """One more wrong one."""
    failures = standing(guesses, policy, now).failures + 1
    lock = policy.lock(failures)
    return Guesses(failures=failures, last_at=now, locked_until=now + lock if lock else None)


def until(now: datetime, *locks: Guesses) -> datetime | None:
    """When the last of these locks opens; None: all are open."""
    closed = [each.locked_until for each in locks if each.locked_until is not None and each.locked_until > now]
    return max(closed, default=None)

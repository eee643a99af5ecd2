"""What issuing and rotating mean for a device's credentials: which number comes next, and which older one ends when."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from devices.credentials.model import Credential, State

GRACE = timedelta(days=7)  # for which a rotated credential goes on, unless the new one is used before
LONGEST_GRACE = timedelta(days=90)


@dataclass(frozen=True, kw_only=True)
class Rotation:
    """`ends`: until when each of the live ones still opens."""

    n: int
    ends: dict[int, datetime]


def next_n(known: Sequence[Credential]) -> int:
    return max((credential.n for credential in known), default=0) + 1


def live(known: Sequence[Credential], now: datetime) -> list[Credential]:
    return [credential for credential in known if credential.state(now) is State.LIVE]


def rotate(known: Sequence[Credential], now: datetime, grace: timedelta) -> Rotation | None:
    """None without a live one. The one that the device is known to use goes on for the grace, and so never more than
    two open; one that was handed out after it and never used ends now."""
    standing = live(known, now)
    if not standing:
        return None
    kept = max(standing, key=lambda each: (each.first_used_at is not None, each.n))
    ends = {each.n: now + grace if each is kept else now for each in standing}
    return Rotation(n=next_n(known), ends=ends)

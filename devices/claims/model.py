"""Words of claiming: the secret on the card, a claim that waits for a press, guesses, and what came of it all."""

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

from devices.model import Customer, Device
from devices.registry import Owner


@dataclass(frozen=True, kw_only=True)
class Secret:
    """What a card says that was packed with the appliance; the newest one alone counts, and only once."""

    secret_sha256: bytes
    issued_at: datetime
    expires_at: datetime
    spent_at: datetime | None


@dataclass(frozen=True, kw_only=True)
class Waiting:
    """A claim by whoever says that he stands before the appliance: its button is pressed by `press_by`, or not."""

    claim_id: UUID
    token_sha256: bytes
    address_sha256: bytes
    begun_at: datetime
    press_by: datetime
    expires_at: datetime  # until then the form behind the press is filled in
    spent_at: datetime | None


@dataclass(frozen=True, kw_only=True)
class Guesses:
    """Wrong secrets, of one device or from one address."""

    failures: int = 0
    last_at: datetime | None = None
    locked_until: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class Claimant:
    """What a person says who claims an appliance."""

    owner: Owner
    place: str = ""
    bought_on: date | None = None


class Verdict(StrEnum):
    BOUND = "BOUND"
    OWNED = "OWNED"  # somebody's already; he is told
    GONE = "GONE"  # retired or replaced
    WRONG = "WRONG"
    EXPIRED = "EXPIRED"  # the right secret, too late; or a claim that waited too long
    LOCKED = "LOCKED"
    NOT_PRESSED = "NOT_PRESSED"
    CONTESTED = "CONTESTED"  # somebody else waited for the same press


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """`until`: a lock's end. `locks`: which ones this guess closed, `device` and `address`."""

    verdict: Verdict
    device: Device
    customer: Customer | None = None
    until: datetime | None = None
    locks: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Begun:
    token: str  # exists nowhere else
    press_by: datetime


@dataclass(frozen=True, kw_only=True)
class Standing:
    """How claiming stands with a device, for staff."""

    secret: Secret | None
    guesses: Guesses
    waiting: int

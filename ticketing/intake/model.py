"""Words of the intake: what a person sends, what each step of the gate says of it."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from devices.model import Device
from ticketing.tickets.model import Ticket

MAX_WORDS = 4000  # characters; a page of text
MAX_CONTACT = 200
GUESSED = frozenset({"gs1"})  # channels by which somebody may name an appliance that he never stood before
MOST_AN_HOUR = 12  # reports on one device; a household and its neighbours say less, whatever leaks


@dataclass(frozen=True, kw_only=True)
class Photo:
    """The roof keeps the file under its sha256; here is only what identifies it."""

    sha256: str  # hex
    media_type: str  # `image/jpeg`
    size_bytes: int


@dataclass(frozen=True, kw_only=True)
class Report:
    device: Device
    words: str
    contact: str = ""
    serial: str | None = None  # as the person read it off the appliance, where a program asked for it
    photo: Photo | None = None
    channel: str  # `qr` | `gs1` | `link` | `api`
    actor: str  # `label:{device_id}`, `api:...`


class Outcome(StrEnum):
    PASS = "pass"  # noqa: S105 - a gate's word, not a password
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True, kw_only=True)
class Step:
    step: str  # identity | asset | warranty | content | pace | duplicates
    outcome: Outcome
    code: str


@dataclass(frozen=True, kw_only=True)
class Witness:
    """A report as it was kept."""

    report_id: UUID
    ticket_id: UUID
    joined: bool
    words: str
    contact: str
    photo: Photo | None
    channel: str
    actor: str
    steps: tuple[Step, ...]
    at: datetime


@dataclass(frozen=True, kw_only=True)
class Submitted:
    report_id: UUID
    ticket: Ticket
    joined: bool  # False: the report opened the ticket

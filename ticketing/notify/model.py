"""Words of the notices: who subscribes, what one attempt to deliver came to."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from uuid import UUID


class Channel(StrEnum):
    WEBHOOK = "webhook"
    EMAIL = "email"


@dataclass(frozen=True, kw_only=True)
class Webhook:
    """A subscriber as anybody may see it."""

    webhook_id: UUID
    tenant_id: str
    url: str
    events: list[str]  # empty: all
    active: bool
    made_at: datetime


@dataclass(frozen=True, kw_only=True)
class Endpoint:
    """A subscriber as the relay needs it."""

    url: str
    secret: str = field(repr=False)  # `whsec_...`; never logged, never listed
    active: bool


class Trouble(StrEnum):
    """Why nothing arrived: the first word of a delivery's error, so that a page says it in its reader's language."""

    HTTP = "HTTP"  # the status that was answered
    SMTP = "SMTP"  # the mail server's code and words
    SILENT = "SILENT"  # for how many seconds
    UNREACHABLE = "UNREACHABLE"  # the connection's own error
    UNRESOLVED = "UNRESOLVED"  # the name service's
    NOT_PUBLIC = "NOT_PUBLIC"  # the address
    BAD_URL = "BAD_URL"  # what is wrong with it
    UNWRITABLE = "UNWRITABLE"  # what is wrong with the letter
    STOPPED = "STOPPED"
    NO_ADDRESS = "NO_ADDRESS"
    NO_PART = "NO_PART"


@dataclass(frozen=True, kw_only=True)
class Attempt:
    """`error` is None when it arrived; a `final` error is not tried again."""

    error: str | None = None
    final: bool = False

    @classmethod
    def failed(cls, trouble: Trouble, about: object = "", *, final: bool = False) -> "Attempt":
        return cls(error=f"{trouble} {about}".strip()[:300], final=final)


@dataclass(frozen=True, kw_only=True)
class Mail:
    """A letter without an address of ours; `message_id` is the same for every attempt."""

    message_id: str
    to: str
    subject: str
    body: str
    language: str

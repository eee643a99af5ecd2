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


@dataclass(frozen=True, kw_only=True)
class Attempt:
    """`error` is None when it arrived; a `final` error is not tried again."""

    error: str | None = None
    final: bool = False


@dataclass(frozen=True, kw_only=True)
class Mail:
    """A letter without an address of ours; `message_id` is the same for every attempt."""

    message_id: str
    to: str
    subject: str
    body: str
    language: str

"""Words of the ledger: who acts, what happened, what must be delivered."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID


@dataclass(frozen=True, kw_only=True)
class Scope:
    """For whom and by whom a transaction is run. `actor` is `kind:id`, e.g. `customer:018f...`, `worker:host-1`."""

    tenant_id: str
    actor: str


@dataclass(frozen=True, kw_only=True)
class Event:
    """One line of the append-only log: audit trail, outbox source and clock source at once."""

    event_id: UUID
    tenant_id: str
    kind: str  # `alert.raised`, `ticket.dispatched`, ...: the subject's word, a dot, a past participle
    subject_id: str
    at: datetime
    actor: str
    data: dict[str, Any] = field(default_factory=dict)


class DeliveryState(StrEnum):
    PENDING = "PENDING"
    DELIVERED = "DELIVERED"
    DEAD = "DEAD"


@dataclass(frozen=True, kw_only=True)
class Delivery:
    """One event on its way to one destination; `lane` keeps the order per (subject, destination)."""

    delivery_id: UUID
    tenant_id: str
    destination: str  # `webhook:{uuid}`, `email:{customer uuid}`
    lane: str
    state: DeliveryState
    attempts: int
    next_at: datetime
    last_error: str | None
    event: Event

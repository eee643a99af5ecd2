"""Words of the tickets: their states, what may follow, what the customer sees of it."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from ticketing.model import Severity


class TicketState(StrEnum):
    READY = "READY"
    DISPATCHED = "DISPATCHED"
    IN_PROGRESS = "IN_PROGRESS"
    PENDING_CONFIRMATION = "PENDING_CONFIRMATION"
    RESOLVED = "RESOLVED"
    CANCELLED = "CANCELLED"


class Source(StrEnum):
    ALERT = "alert"
    REPORT = "report"


class Note(StrEnum):
    """What is written on a ticket without moving it; the value is the event's kind."""

    EN_ROUTE = "visit.en_route"
    WITNESS = "ticket.witness_joined"
    EVIDENCE = "ticket.evidence_added"
    ALERT_CLEARED = "ticket.alert_cleared"  # never an automatic close: the desk is asked "cancel?"


@dataclass(frozen=True, kw_only=True)
class Ticket:
    ticket_id: UUID
    tenant_id: str
    number: str  # `T-000123`
    device_no: int
    device_id: str
    family: str
    severity: Severity
    source: Source
    state: TicketState
    version: int
    en_route: bool
    customer_id: UUID | None
    alert_id: UUID | None
    snapshot_id: UUID | None
    proposed_id: UUID | None  # engineer at the head of the newest proposal
    engineer_id: UUID | None  # engineer who accepted
    reopened: int
    opened_at: datetime
    changed_at: datetime


@dataclass(frozen=True, kw_only=True)
class Opening:
    """What a new ticket starts from."""

    tenant_id: str
    device_no: int
    family: str
    severity: Severity
    source: Source
    customer_id: UUID | None
    alert_id: UUID | None = None
    snapshot_id: UUID | None = None


_STEPS = {
    TicketState.READY: 1,
    TicketState.DISPATCHED: 2,
    TicketState.IN_PROGRESS: 4,
    TicketState.PENDING_CONFIRMATION: 4,
    TicketState.RESOLVED: 5,
    TicketState.CANCELLED: 5,
}


def customer_step(state: TicketState, en_route: bool) -> int:  # noqa: FBT001 - a fact of the ticket, not a switch
    """The customer's five steps: 1 taken, 2 engineer found, 3 on the way, 4 being repaired, 5 done (or cancelled)."""
    if state is TicketState.DISPATCHED and en_route:
        return 3
    return _STEPS[state]

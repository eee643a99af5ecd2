"""Which state may follow which, and what a move changes. The table is the domain's; tenants do not invent states."""

from dataclasses import replace
from datetime import datetime
from uuid import UUID

from ticketing.errors import IllegalTransitionError, NoEngineerError
from ticketing.tickets.model import Ticket, TicketState

S = TicketState
ALLOWED: dict[TicketState, tuple[TicketState, ...]] = {
    S.READY: (S.DISPATCHED, S.CANCELLED),
    S.DISPATCHED: (S.IN_PROGRESS, S.READY, S.CANCELLED),
    S.IN_PROGRESS: (S.PENDING_CONFIRMATION, S.READY),
    S.PENDING_CONFIRMATION: (S.RESOLVED, S.READY, S.IN_PROGRESS),
    S.RESOLVED: (S.READY,),
    S.CANCELLED: (),
}
ENDED = (S.RESOLVED, S.CANCELLED)


def moved(ticket: Ticket, to: TicketState, engineer_id: UUID | None, now: datetime) -> Ticket:
    """Raises IllegalTransitionError, NoEngineerError. Back in READY nobody has it; a reopened one is counted."""
    allowed = ALLOWED[ticket.state]
    if to not in allowed:
        raise IllegalTransitionError(ticket.state, to, allowed)
    if to is S.DISPATCHED and engineer_id is None and ticket.proposed_id is None:
        raise NoEngineerError(ticket.number)
    engineers = {S.READY: None, S.DISPATCHED: engineer_id or ticket.proposed_id}
    return replace(
        ticket,
        state=to,
        version=ticket.version + 1,
        en_route=False,
        engineer_id=engineers.get(to, ticket.engineer_id),
        reopened=ticket.reopened + reopens(ticket.state, to),
        changed_at=now,
    )


def reopens(state: TicketState, to: TicketState) -> bool:
    return state in ENDED and to not in ENDED

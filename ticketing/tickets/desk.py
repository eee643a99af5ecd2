"""Tickets are opened, moved and written on here and nowhere else; each time a line of the log says by whom and why."""

from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg import Connection

from devices.people import households
from ledger.ids import uuid7
from ticketing.errors import AlreadyOpenError, IllegalTransitionError, NotFoundError, StaleVersionError
from ticketing.model import UNSPECIFIED
from ticketing.notify.tell import tell
from ticketing.tickets import store, transitions
from ticketing.tickets.model import Note, Opening, Ticket, TicketState
from ticketing.wording import clean

MAX_REASON = 500  # characters


def open_ticket(conn: Connection[Any], opening: Opening, *, actor: str, now: datetime) -> Ticket:
    """Raises AlreadyOpenError when the device has an open ticket of the same family."""
    store.lock_device(conn, opening.device_no)
    _refuse_second(conn, opening.tenant_id, opening.device_no, opening.family)
    ticket_id = uuid7(now)
    store.insert(conn, ticket_id, f"T-{store.next_number(conn, opening.tenant_id):06d}", opening, now)
    ticket = _found(store.find(conn, ticket_id), ticket_id)
    _tell(conn, "ticket.opened", ticket, actor, now, {"source": ticket.source, "family": ticket.family})
    return ticket


def open_for(conn: Connection[Any], tenant_id: str, device_no: int, family: str) -> Ticket | None:
    """The open ticket that more of the same belongs to: of this family, or one that nobody has classified.

    What nobody has classified itself (`unspecified`) belongs to whatever is open on the device, the oldest first.
    """
    tickets = store.open_of_device(conn, tenant_id, device_no)
    if family == UNSPECIFIED:
        return next(iter(tickets), None)
    same = [ticket for ticket in tickets if ticket.family == family]
    unclassified = [ticket for ticket in tickets if ticket.family == UNSPECIFIED]
    return next(iter([*same, *unclassified]), None)


def move(
    conn: Connection[Any],
    *,
    ticket_id: UUID,
    to: TicketState,
    actor: str,
    reason: str | None,
    expected_version: int,
    now: datetime,
    engineer_id: UUID | None = None,
) -> Ticket:
    """The one way from state to state. `engineer_id`: who accepts; without it, the one who was proposed.

    Raises NotFoundError, StaleVersionError, IllegalTransitionError, NoEngineerError, AlreadyOpenError (a reopened
    duplicate).
    """
    seen = _found(store.find(conn, ticket_id), ticket_id)
    if transitions.reopens(seen.state, to):
        store.lock_device(conn, seen.device_no)  # before the ticket, as everywhere: two orders would be a deadlock
    ticket = _found(store.lock(conn, ticket_id), ticket_id)
    if ticket.version != expected_version:
        raise StaleVersionError(expected_version, ticket.version)
    after = transitions.moved(ticket, to, engineer_id, now)
    if transitions.reopens(ticket.state, to):
        _refuse_second(conn, ticket.tenant_id, ticket.device_no, ticket.family)
    store.save(conn, after)
    data = {
        "from": ticket.state,
        "to": to,
        "reason": clean(reason or "", MAX_REASON),
        "reopened": after.reopened,
        "engineer_id": str(after.engineer_id) if after.engineer_id else None,
    }
    _tell(conn, f"ticket.{to.lower()}", after, actor, now, data)
    return after


def note(
    conn: Connection[Any], ticket_id: UUID, kind: Note, actor: str, now: datetime, data: dict[str, Any] | None = None
) -> Ticket:
    """Write on the ticket without moving it; "on the way" is only for one that is DISPATCHED."""
    if kind is not Note.EN_ROUTE:
        ticket = _found(store.find(conn, ticket_id), ticket_id)
    else:
        ticket = _set_en_route(conn, ticket_id, now)
    _tell(conn, kind, ticket, actor, now, data or {})
    return ticket


def _set_en_route(conn: Connection[Any], ticket_id: UUID, now: datetime) -> Ticket:
    ticket = _found(store.lock(conn, ticket_id), ticket_id)
    if ticket.state is not TicketState.DISPATCHED:
        raise IllegalTransitionError(ticket.state, Note.EN_ROUTE, transitions.ALLOWED[ticket.state])
    after = replace(ticket, en_route=True, version=ticket.version + 1, changed_at=now)
    store.save(conn, after)
    return after


def _refuse_second(conn: Connection[Any], tenant_id: str, device_no: int, family: str) -> None:
    for ticket in store.open_of_device(conn, tenant_id, device_no):
        if ticket.family == family:
            raise AlreadyOpenError(ticket.number)


def _found(ticket: Ticket | None, ticket_id: UUID) -> Ticket:
    if ticket is None:
        raise NotFoundError("ticket", ticket_id)
    return ticket


def _tell(conn: Connection[Any], kind: str, ticket: Ticket, actor: str, now: datetime, data: dict[str, Any]) -> None:
    tell(
        conn,
        kind,
        tenant_id=ticket.tenant_id,
        subject_id=ticket.ticket_id,
        actor=actor,
        now=now,
        data={"number": ticket.number, "device_id": ticket.device_id, "version": ticket.version, **data},
        customer_id=ticket.customer_id if households.role_of(conn, ticket.device_no, ticket.customer_id) else None,
    )

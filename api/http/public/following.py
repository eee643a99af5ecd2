"""`/t/{token}`: five steps, followed live; confirm or cancel where the state allows it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Form, Request, Response
from psycopg import Connection
from starlette.responses import RedirectResponse

from api.http import live, pages
from api.http.house import Home, House
from api.http.problems import refuse
from api.http.public import bearer
from ledger import outbox
from ticketing.dispatch import store as dispatch
from ticketing.links.model import Link, Purpose
from ticketing.tickets import desk, store
from ticketing.tickets.model import Ticket, TicketState, customer_step
from ticketing.tickets.transitions import ALLOWED

router = APIRouter(include_in_schema=False)

CANCEL_REASONS = ("works_again", "other_help", "mistake")
_MOVES = {
    "confirm": TicketState.RESOLVED,
    "not_yet": TicketState.IN_PROGRESS,  # from PENDING_CONFIRMATION alone: see below
    "cancel": TicketState.CANCELLED,
}
# The event that began each step
_BEGAN = {
    "ticket.opened": 1,
    "ticket.dispatched": 2,
    "visit.en_route": 3,
    "ticket.in_progress": 4,
    "ticket.resolved": 5,
}


@dataclass(frozen=True, kw_only=True)
class Followed:
    link: Link
    ticket: Ticket

    @property
    def may_act(self) -> bool:
        """A witness, who scanned a label, only looks: a label identifies, it does not authenticate."""
        return not self.link.recipient.startswith("witness:")

    @property
    def is_customers(self) -> bool:
        """Whose language we know; whoever reported is heard by the browser."""
        return self.link.recipient.startswith("customer:")


def _followed(conn: Connection[Any], home: House, token: str) -> Followed:
    link = bearer.enter(conn, home, token, Purpose.TICKET)
    ticket = store.find(conn, UUID(link.subject_id))
    if ticket is None:
        raise bearer.nothing_here()
    bearer.stay(conn, link, ticket.device_no)
    return Followed(link=link, ticket=ticket)


@router.get("/t/{token}")
def show(token: str, request: Request, home: Home) -> Response:
    with home.stranger() as conn:
        followed = _followed(conn, home, token)
        ticket = followed.ticket
        owned = bearer.owned(conn, home, ticket.device_no)
        engineer = dispatch.find_engineer(conn, ticket.engineer_id) if ticket.engineer_id else None
        return pages.render(
            request,
            "follow.html",
            language=pages.language_of(request, owned.language if followed.is_customers else None),
            zone=owned.zone,
            ticket=ticket,
            owned=owned,
            engineer=engineer,
            step=customer_step(ticket.state, ticket.en_route),
            began=_began(conn, ticket),
            may_confirm=followed.may_act and ticket.state is TicketState.PENDING_CONFIRMATION,
            may_cancel=followed.may_act and _may_cancel(ticket),
            may_act=followed.may_act,
            reasons=CANCEL_REASONS,
        )


@router.get("/t/{token}/live")
def hints(token: str, home: Home) -> Response:
    """Server-sent events that say "look again" whenever the ticket has another version."""

    def version() -> int:
        with home.stranger() as conn:
            return _followed(conn, home, token).ticket.version

    return live.answer(home, version)


@router.post("/t/{token}")
def act(
    token: str,
    request: Request,
    home: Home,
    do: Annotated[str, Form()],
    version: Annotated[int, Form()],
    reason: Annotated[str, Form()] = "",
) -> Response:
    with home.stranger(acts=True) as conn:
        followed = _followed(conn, home, token)
        to = _MOVES.get(do)
        if to is None or not followed.may_act or not _offered(do, followed.ticket):
            raise refuse(409, "too-late", "That is not possible any more.")
        desk.move(
            conn,
            ticket_id=followed.ticket.ticket_id,
            to=to,
            actor=followed.link.recipient,
            reason=reason if reason in CANCEL_REASONS else None,
            expected_version=version,
            now=home.clock(),
        )
    return RedirectResponse(pages.back(request, f"/t/{token}"), status_code=303)


def _offered(do: str, ticket: Ticket) -> bool:
    """Whether the page shows that button: the table of states allows staff more."""
    return _may_cancel(ticket) if do == "cancel" else ticket.state is TicketState.PENDING_CONFIRMATION


def _may_cancel(ticket: Ticket) -> bool:
    """Until somebody is on the way."""
    return TicketState.CANCELLED in ALLOWED[ticket.state] and not ticket.en_route


def _began(conn: Connection[Any], ticket: Ticket) -> dict[int, datetime]:
    """When each step began, the last time it did."""
    lines = outbox.history(conn, str(ticket.ticket_id))
    return {_BEGAN[line.kind]: line.at for line in lines if line.kind in _BEGAN}

"""`/work/`: the engineers' jobs, and one job with everything that is known before anybody drives there."""

import json
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Form, Query, Request, Response
from psycopg import Connection
from starlette.responses import RedirectResponse

from api.http import counts, evidence, live, pages, plain
from api.http.evidence import Reader
from api.http.house import Home, House
from api.http.problems import refuse
from api.http.public import bearer
from api.http.public.bearer import Owned
from api.http.staff import lists, story
from api.texts import say
from ledger.model import Scope
from ticketing.alerts import store as alerts
from ticketing.dispatch import store as dispatch
from ticketing.errors import NotFoundError
from ticketing.intake import store as intake
from ticketing.snapshots import store as snapshots
from ticketing.tickets import desk, store
from ticketing.tickets.model import Note, Ticket, TicketState

router = APIRouter(prefix="/work", include_in_schema=False)

S = TicketState
_MOVES = {
    "accept": S.DISPATCHED,
    "on_site": S.IN_PROGRESS,
    "done": S.PENDING_CONFIRMATION,
    "release": S.READY,
    "confirm": S.RESOLVED,
    "cancel": S.CANCELLED,
}
_BUTTONS: dict[TicketState, tuple[tuple[str, str], ...]] = {  # what to press, and how loud it is
    S.READY: (("accept", "main"), ("cancel", "danger")),
    S.DISPATCHED: (("en_route", "main"), ("on_site", ""), ("release", "quiet")),
    S.IN_PROGRESS: (("done", "main"), ("release", "quiet")),
    S.PENDING_CONFIRMATION: (("confirm", "quiet"), ("release", "quiet")),
}


def buttons(ticket: Ticket) -> tuple[tuple[str, str], ...]:
    if ticket.state is S.DISPATCHED and ticket.en_route:
        return (("on_site", "main"), ("release", "quiet"))
    return _BUTTONS.get(ticket.state, ())


def _find(conn: Connection[Any], ticket_id: UUID) -> Ticket:
    ticket = store.find(conn, ticket_id)
    if ticket is None:
        raise NotFoundError("ticket", ticket_id)
    return ticket


@router.get("/")
def jobs(request: Request, home: Home, limit: Annotated[int, Query(ge=1, le=lists.MOST)] = lists.STEP) -> Response:
    language = pages.language_of(request)
    with home.looking() as conn:
        found = [_find(conn, ticket_id) for ticket_id in counts.open_tickets(conn, limit)]
        rows = lists.ticket_rows(conn, home, language, found)
    page = lists.page(request, limit, len(rows))
    return pages.render(request, "work.html", language=language, tickets=rows, page=page)


@router.get("/{ticket_id}")
def job(ticket_id: UUID, request: Request, home: Home) -> Response:
    language = pages.language_of(request)
    with home.looking() as conn:
        ticket = _find(conn, ticket_id)
        owned = bearer.owned(conn, home, ticket.device_no)
        device, appliance = owned.device, owned.appliance
        return pages.render(
            request,
            "work_ticket.html",
            language=language,
            zone=owned.zone,
            ticket=ticket,
            device=device,
            appliance=appliance,
            family=plain.family_word(language, appliance, ticket.family),
            customer=owned.customer,
            parts_to_bring=lists.parts(language, appliance, ticket.family),
            proposal=dispatch.proposal(conn, ticket_id),
            witnesses=[(each, story.warnings(each, language)) for each in intake.of_ticket(conn, ticket_id)],
            story=story.told(conn, ticket, language),
            buttons=buttons(ticket),
            **_evidence(conn, home, ticket, owned, language),
        )


def _evidence(conn: Connection[Any], home: House, ticket: Ticket, owned: Owned, language: str) -> dict[str, Any]:
    """What the ticket stands on; a ticket from a report has none."""
    alert = alerts.find(conn, ticket.alert_id) if ticket.alert_id else None
    if alert is None:
        return {"alert": None, "snapshot": None}
    appliance = owned.appliance
    reader = Reader(language=language, zone=owned.zone, now=home.clock())
    words = {kind: say(language, f"work.mark.{kind}") for kind in ("since", "asked")}
    more = {name: say(language, f"work.{name}") for name in ("band", "whole", "around", "latest", "broken")}
    more["none"] = say(language, "curve.none")
    return {
        "alert": alert,
        "snapshot": snapshots.find(conn, ticket.snapshot_id) if ticket.snapshot_id else None,
        "noticed": plain.seen(language, alert, appliance, home.clock(), owned.zone),
        "observed": plain.with_unit(alert.observed, alert.evidence, appliance, alert.metric),
        "expected": plain.with_unit(alert.expected, alert.evidence, appliance, alert.metric),
        "curve": evidence.of_alert(conn, appliance, alert, reader),
        "curve_title": evidence.title_of(appliance, alert, language),
        "words": json.dumps({**words, **more}, ensure_ascii=False),
    }


@router.get("/{ticket_id}/live")
def hints(ticket_id: UUID, home: Home) -> Response:
    def version() -> int:
        with home.looking() as conn:
            return _find(conn, ticket_id).version

    return live.answer(home, version)


@router.post("/{ticket_id}")
def act(
    ticket_id: UUID,
    request: Request,
    home: Home,
    do: Annotated[str, Form(max_length=20)],
    version: Annotated[int, Form()],
    engineer: Annotated[UUID | None, Form()] = None,
) -> Response:
    """`engineer`: who accepts, if another one than the one who was proposed."""
    if do != "en_route" and do not in _MOVES:
        raise refuse(422, "not-valid", "There is no such step.")
    now = home.clock()
    with home.acting() as conn:
        ticket = _find(conn, ticket_id)
        by = _actor(conn, home, ticket, engineer)
        if do == "en_route":
            if ticket.version != version:
                raise refuse(409, "stale-version", "It has changed since you looked.")
            desk.note(conn, ticket_id, Note.EN_ROUTE, by.actor, now)
        else:
            desk.move(
                conn,
                ticket_id=ticket_id,
                to=_MOVES[do],
                actor=by.actor,
                reason=None,
                expected_version=version,
                now=now,
                engineer_id=engineer if do == "accept" else None,
            )
    return RedirectResponse(pages.back(request, f"/work/{ticket_id}"), status_code=303)


def _actor(conn: Connection[Any], home: House, ticket: Ticket, engineer_id: UUID | None) -> Scope:
    """Until engineers sign in, a step is theirs whose job it is; what nobody has is the desk's.

    Raises NotFoundError for an `engineer_id` that is nobody's.
    """
    if engineer_id is not None and dispatch.find_engineer(conn, engineer_id) is None:
        raise NotFoundError("engineer", engineer_id)
    who = ticket.engineer_id or engineer_id or ticket.proposed_id
    engineer = dispatch.find_engineer(conn, who) if who else None
    return home.scope(f"engineer:{engineer.slug}") if engineer else home.scope()

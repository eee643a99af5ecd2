"""Alerts, questions and tickets for programs; engineers; the series and the snapshot of a ticket."""

from base64 import b64encode
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Header, Query, Request, Response
from fastapi.encoders import jsonable_encoder
from psycopg import Connection
from pydantic import Field, StringConstraints
from starlette.responses import JSONResponse

from api.http import pages
from api.http import series as columns
from api.http.evidence import Reader
from api.http.house import Home
from api.http.public import bearer
from api.http.rest import versions
from api.http.rest.devices import Body, Line, Word
from devices import registry
from devices.errors import BadIdError
from ledger.ids import uuid7
from ticketing.alerts import store as alerts
from ticketing.dispatch import store as dispatch
from ticketing.dispatch.model import Engineer
from ticketing.errors import NotFoundError
from ticketing.questions import store as questions
from ticketing.snapshots import store as snapshots
from ticketing.tickets import desk, store
from ticketing.tickets.model import Ticket, TicketState
from ticketing.tickets.transitions import ALLOWED

router = APIRouter(tags=["tickets"])

Limit = Annotated[int, Query(ge=1, le=1000)]
Moment = Annotated[int | None, Query(ge=0, le=253_402_300_799_000)]  # epoch ms up to the year 9999


class TransitionBody(Body):
    to: TicketState
    reason: Line | None = None
    version: Annotated[int, Field(ge=1)] | None = None
    engineer: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,64}$")] | None = None


class EngineerBody(Body):
    name: Word
    regions: Annotated[list[Word], Field(min_length=1, max_length=50)]
    skills: Annotated[list[Word], Field(min_length=1, max_length=50)]
    level: Annotated[int, Field(ge=1, le=5)]
    load_cap: Annotated[int, Field(ge=0, le=1000)]


def _found(conn: Connection[Any], home: Home, name: str) -> Ticket:
    """A ticket by its number or its id."""
    try:
        ticket = store.find(conn, UUID(name))
    except ValueError:
        ticket = store.find_by_number(conn, home.settings.tenant, name)
    if ticket is None:
        raise NotFoundError("ticket", name)
    return ticket


def _as_json(ticket: Ticket) -> dict[str, Any]:
    body: dict[str, Any] = jsonable_encoder(ticket)
    return {**body, "allowed": [str(state) for state in ALLOWED[ticket.state]]}


@router.get("/alerts", summary="Alerts, newest first")
def alert_list(home: Home, limit: Limit = 100) -> dict[str, Any]:
    with home.looking() as conn:
        return {"alerts": jsonable_encoder(alerts.listed(conn, limit))}


@router.get("/questions", summary="Questions, newest first")
def question_list(home: Home, limit: Limit = 100) -> dict[str, Any]:
    with home.looking() as conn:
        return {"questions": jsonable_encoder(questions.listed(conn, limit))}


@router.get("/tickets", summary="Tickets, newest first")
def ticket_list(home: Home, limit: Limit = 100) -> dict[str, Any]:
    with home.looking() as conn:
        return {"tickets": [_as_json(ticket) for ticket in store.listed(conn, limit)]}


@router.get("/tickets/{name}", summary="One ticket by number or id; its ETag is what a change must carry")
def ticket(name: str, home: Home, response: Response) -> dict[str, Any]:
    with home.looking() as conn:
        found = _found(conn, home, name)
    response.headers["ETag"] = versions.etag(found.version)
    return _as_json(found)


@router.post(
    "/tickets/{name}/transitions", summary="Move a ticket; the version it was seen in stands in If-Match or the body"
)
def move(
    name: str,
    body: TransitionBody,
    home: Home,
    response: Response,
    if_match: Annotated[str | None, Header()] = None,
) -> dict[str, Any]:
    expected = versions.expected(if_match, body.version)
    with home.acting() as conn:
        found = _found(conn, home, name)
        moved = desk.move(
            conn,
            ticket_id=found.ticket_id,
            to=body.to,
            actor=home.scope().actor,
            reason=body.reason,
            expected_version=expected,
            now=home.clock(),
            engineer_id=_engineer_id(conn, home, body.engineer),
        )
    response.headers["ETag"] = versions.etag(moved.version)
    return _as_json(moved)


def _engineer_id(conn: Connection[Any], home: Home, slug: str | None) -> UUID | None:
    if slug is None:
        return None
    known = {engineer.slug: engineer.engineer_id for engineer in dispatch.engineers(conn, home.settings.tenant)}
    if slug not in known:
        raise NotFoundError("engineer", slug)
    return known[slug]


@router.get(
    "/tickets/{name}/snapshot", summary="The frozen evidence, byte for byte; its SHA-256 in Repr-Digest and ETag"
)
def snapshot(name: str, home: Home) -> Response:
    with home.looking() as conn:
        found = _found(conn, home, name)
        frozen = snapshots.find(conn, found.snapshot_id) if found.snapshot_id else None
    if frozen is None:
        raise NotFoundError("snapshot of ticket", found.number)
    digest = b64encode(bytes.fromhex(frozen.sha256)).decode()
    headers = {
        "ETag": f'"{frozen.sha256}"',
        "Repr-Digest": f"sha-256=:{digest}:",  # RFC 9530
        "Content-Disposition": f'attachment; filename="{found.number}.json"',
    }
    return Response(frozen.body, media_type="application/json", headers=headers)


@router.get("/tickets/{name}/series", summary="The telemetry around the ticket's event, as columns for a chart")
def series(name: str, home: Home, request: Request, from_ms: Moment = None, to_ms: Moment = None) -> dict[str, Any]:
    with home.looking() as conn:
        found = _found(conn, home, name)
        alert = alerts.find(conn, found.alert_id) if found.alert_id else None
        if alert is None:
            raise NotFoundError("alert of ticket", found.number)
        owned = bearer.owned(conn, home, found.device_no)
        reader = Reader(language=pages.language_of(request), zone=owned.zone, now=home.clock())
        return columns.of_alert(conn, owned.appliance, alert, reader, (from_ms, to_ms))


@router.get("/engineers", summary="Who could be sent")
def engineer_list(home: Home) -> dict[str, Any]:
    with home.looking() as conn:
        return {"engineers": jsonable_encoder(dispatch.engineers(conn, home.settings.tenant))}


@router.put("/engineers/{slug}", summary="Say who an engineer is: regions, skills, level and how many jobs at once")
def put_engineer(slug: str, body: EngineerBody, home: Home) -> Response:
    if not slug.replace("-", "").replace("_", "").isalnum() or not slug.isascii() or len(slug) > 64:
        raise BadIdError(slug)
    said = Engineer(
        engineer_id=uuid7(home.clock()),
        tenant_id=home.settings.tenant,
        slug=slug,
        name=body.name,
        regions=tuple(body.regions),
        skills=tuple(body.skills),
        level=body.level,
        load_cap=body.load_cap,
    )
    with home.acting() as conn:
        registry.settle_tenant(conn, home.settings.tenant)
        engineer_id = dispatch.put_engineer(conn, said)
    status = 201 if engineer_id == said.engineer_id else 200
    return JSONResponse({"engineer_id": str(engineer_id), "slug": slug}, status_code=status)

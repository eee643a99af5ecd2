"""`/desk/`: what waits for a person, and the lists behind it."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Path, Query, Request, Response
from starlette.responses import FileResponse, RedirectResponse

from api.http import counts, live, pages, photos
from api.http.house import DESK, Home
from api.http.problems import refuse
from api.http.staff import lists
from api.watch.checks import FILLED
from api.watch.watch import Watching
from ledger import log, outbox
from ledger.model import Scope
from ticketing.alerts import store as alerts
from ticketing.links import links
from ticketing.links.model import TOLD_FOR, Purpose
from ticketing.questions import store as questions
from ticketing.questions.model import QuestionState
from ticketing.tickets import store as tickets

router = APIRouter(prefix="/desk", include_in_schema=False)

Limit = Annotated[int, Query(ge=1, le=lists.MOST)]
TILES = (  # count, list behind it, whether it calls for somebody
    ("questions", "/desk/questions", True),
    ("review", "/desk/review", True),
    ("set_aside", "/desk/review", True),
    ("dead", "/desk/outbox", True),
    ("alerts", "/desk/alerts", False),
    ("tickets", "/desk/tickets", False),
    ("pending", "/desk/outbox", False),
    ("devices", "/desk/devices", False),
    ("outages", "/desk/outages", False),
)


@router.get("/")
def overview(request: Request, home: Home, watch: Watching) -> Response:
    language = pages.language_of(request)
    log = watch.log()
    with home.looking() as conn:
        return pages.render(
            request,
            "desk_overview.html",
            language=language,
            word="overview",
            follows=True,
            counts=counts.desk(conn),
            tiles=TILES,
            no_smtp=home.settings.smtp_url is None,
            filling=log if log is not None and (log.fill or 0) >= FILLED else None,
            questions=lists.question_rows(conn, home, language, questions.listed(conn, 10)),
            tickets=lists.ticket_rows(conn, home, language, tickets.listed(conn, 10)),
        )


@router.get("/live")
def hints(home: Home) -> Response:
    def newest() -> str | None:
        with home.looking() as conn:
            return counts.newest_change(conn)

    return live.answer(home, newest)


@router.get("/alerts")
def alert_list(request: Request, home: Home, limit: Limit = lists.STEP) -> Response:
    language = pages.language_of(request)
    with home.looking() as conn:
        rows = lists.alert_rows(conn, home, language, alerts.listed(conn, limit))
    page = lists.page(request, limit, len(rows))
    return pages.render(
        request, "desk_alerts.html", language=language, word="alerts", follows=True, alerts=rows, page=page
    )


@router.get("/review")
def review_list(request: Request, home: Home, limit: Limit = lists.STEP) -> Response:
    language = pages.language_of(request)
    with home.looking() as conn:
        rows = lists.alert_rows(conn, home, language, alerts.reviews(conn, limit))
        set_aside = alerts.set_aside(conn, limit)
    page = lists.page(request, limit, max(len(rows), len(set_aside)))
    return pages.render(
        request,
        "desk_review.html",
        language=language,
        word="review",
        follows=True,
        alerts=rows,
        set_aside=set_aside,
        page=page,
    )


@router.get("/questions")
def question_list(request: Request, home: Home, limit: Limit = lists.STEP) -> Response:
    language = pages.language_of(request)
    with home.looking() as conn:
        rows = lists.question_rows(conn, home, language, questions.listed(conn, limit))
    return pages.render(
        request,
        "desk_questions.html",
        language=language,
        word="questions",
        follows=True,
        questions=rows,
        no_smtp=home.settings.smtp_url is None,
        page=lists.page(request, limit, len(rows)),
    )


@router.post("/questions/{question_id}/open")
def open_question(question_id: UUID, home: Home) -> Response:
    """The customer's page, for a call on the phone or where nothing is delivered: by a link of its own, and logged."""
    now = home.clock()
    with home.acting() as conn:
        question = questions.find(conn, question_id)
        if question is None or question.state is not QuestionState.OPEN or question.expires_at <= now:
            raise refuse(404, "not-found", "There is no such open question.")
        token = links.mint(
            conn,
            tenant_id=question.tenant_id,
            purpose=Purpose.QUESTION,
            subject_id=str(question_id),
            recipient=f"customer:{question.customer_id}",
            now=now,
            ttl=question.expires_at - now + TOLD_FOR,
        )
        by = Scope(tenant_id=question.tenant_id, actor=DESK)
        log.note(conn, "question.opened_by_desk", str(question_id), by, now)
    return RedirectResponse(f"/q/{token}", status_code=303)


@router.get("/tickets")
def ticket_list(request: Request, home: Home, limit: Limit = lists.STEP) -> Response:
    language = pages.language_of(request)
    with home.looking() as conn:
        rows = lists.ticket_rows(conn, home, language, tickets.listed(conn, limit))
    page = lists.page(request, limit, len(rows))
    return pages.render(
        request, "desk_tickets.html", language=language, word="tickets", follows=True, tickets=rows, page=page
    )


@router.get("/outbox")
def outbox_list(request: Request, home: Home, limit: Limit = lists.STEP) -> Response:
    language = pages.language_of(request)
    with home.looking() as conn:
        deliveries = lists.delivery_rows(conn, home, language, outbox.listed(conn, limit=limit))
    return pages.render(
        request,
        "desk_outbox.html",
        language=language,
        word="outbox",
        follows=True,
        deliveries=deliveries,
        no_smtp=home.settings.smtp_url is None,
        page=lists.page(request, limit, len(deliveries)),
    )


@router.post("/outbox/{delivery_id}/replay")
def replay(delivery_id: UUID, request: Request, home: Home) -> Response:
    with home.acting() as conn:
        if not outbox.replay(conn, delivery_id, home.clock()):
            raise refuse(409, "not-dead", "Only a dead letter can be sent again.")
    return RedirectResponse(pages.back(request, "/desk/outbox"), status_code=303)


@router.get("/photos/{sha256}.jpg")
def photo(sha256: Annotated[str, Path(pattern=r"^[0-9a-f]{64}$")], home: Home) -> Response:
    with home.looking() as conn:
        known = counts.knows_photo(conn, sha256)
    file = photos.path(home.settings.photos, sha256)
    if not known or not file.is_file():
        raise refuse(404, "not-found", "There is no such photo.")
    return FileResponse(file, media_type="image/jpeg")

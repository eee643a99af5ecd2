"""`/q/{token}`: what was noticed, in plain words, and an explicit choice."""

from dataclasses import dataclass
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Form, Request, Response
from psycopg import Connection
from starlette.responses import RedirectResponse

from api.http import evidence, pages, plain
from api.http.evidence import Reader
from api.http.house import Home
from api.http.problems import refuse
from api.http.public import bearer
from api.http.public.bearer import Owned
from ticketing.alerts import store as alerts
from ticketing.alerts.model import Alert
from ticketing.links.model import Link, Purpose
from ticketing.questions import answer as answers
from ticketing.questions import store as questions
from ticketing.questions.model import Choice, NoReason, Question, QuestionState
from ticketing.tickets import store as tickets
from ticketing.tickets.model import Ticket
from ticketing.tickets.transitions import ENDED

router = APIRouter(include_in_schema=False)


@dataclass(frozen=True, kw_only=True)
class Asked:
    link: Link
    question: Question
    alert: Alert
    owned: Owned


def _asked(conn: Connection[Any], home: Home, token: str) -> Asked:
    link = bearer.enter(conn, home, token, Purpose.QUESTION)
    question = questions.find(conn, UUID(link.subject_id))
    alert = alerts.find(conn, question.alert_id) if question else None
    if question is None or alert is None:
        raise bearer.nothing_here()
    bearer.stay(conn, link, question.device_no)
    return Asked(link=link, question=question, alert=alert, owned=bearer.owned(conn, home, question.device_no))


@router.get("/q/{token}")
def show(token: str, request: Request, home: Home) -> Response:
    with home.stranger() as conn:
        asked = _asked(conn, home, token)
        if asked.question.state is QuestionState.OPEN and asked.question.expires_at > home.clock():
            return _question_page(conn, request, home, asked)
        return _outcome_page(conn, request, asked, follow_path=None, first=False)


@router.post("/q/{token}")
def answer(
    token: str, request: Request, home: Home, choice: Annotated[str, Form()], version: Annotated[int, Form()]
) -> Response:
    picked, reason = _choice(choice)
    with home.stranger(acts=True) as conn:
        asked = _asked(conn, home, token)
        answered = answers.answer(
            conn,
            question_id=asked.question.question_id,
            version=version,
            choice=picked,
            reason=reason,
            actor=asked.link.recipient,
            now=home.clock(),
            catalogue=home.catalogue,
        )
        follow_path = _follow(conn, home, asked.link, answered.ticket) if answered.ticket else None
        after = Asked(link=asked.link, question=answered.question, alert=asked.alert, owned=asked.owned)
        return _outcome_page(conn, request, after, follow_path, first=answered.first)


@router.post("/q/{token}/follow")
def follow(token: str, request: Request, home: Home) -> Response:
    """Whoever answered yes comes back by the old link: a new one to the ticket, made by a POST."""
    with home.stranger(acts=True) as conn:
        asked = _asked(conn, home, token)
        ticket = tickets.find(conn, asked.question.ticket_id) if asked.question.ticket_id else None
        if ticket is None:
            raise bearer.nothing_here()
        return RedirectResponse(pages.back(request, _follow(conn, home, asked.link, ticket)), status_code=303)


def _follow(conn: Connection[Any], home: Home, link: Link, ticket: Ticket) -> str:
    return bearer.follow_url(conn, home, link.tenant_id, ticket.ticket_id, link.recipient)


def _choice(text: str) -> tuple[Choice, NoReason | None]:
    """`YES`, `NOT_NOW` or `NO:FALSE_ALARM`, as the buttons say it."""
    picked, _, reason = text.partition(":")
    try:
        return Choice(picked), NoReason(reason) if reason else None
    except ValueError:
        raise refuse(422, "not-valid", "That is none of the choices on the page.") from None


def _question_page(conn: Connection[Any], request: Request, home: Home, asked: Asked) -> Response:
    owned, language = asked.owned, pages.language_of(request, asked.owned.language)
    reader = Reader(language=language, zone=owned.zone, now=home.clock())
    return pages.render(
        request,
        "question.html",
        language=language,
        zone=owned.zone,
        question=asked.question,
        owned=owned,
        word=plain.appliance_word(language, owned.appliance),
        family=plain.fault_word(language, owned.appliance, asked.alert.family),
        noticed=plain.noticed(language, asked.alert, owned.appliance, home.clock(), owned.zone),
        curve=evidence.of_alert(conn, owned.appliance, asked.alert, reader),
        curve_title=evidence.title_of(owned.appliance, asked.alert, language),
        reasons=list(NoReason),
    )


def _outcome_page(
    conn: Connection[Any], request: Request, asked: Asked, follow_path: str | None, *, first: bool
) -> Response:
    """What follows from the answer that holds, whoever gave it."""
    question = asked.question
    state = QuestionState.EXPIRED if question.state is QuestionState.OPEN else question.state
    ticket = tickets.find(conn, question.ticket_id) if question.ticket_id else None
    return pages.render(
        request,
        "answered.html",
        language=pages.language_of(request, asked.owned.language),
        zone=asked.owned.zone,
        outcome="ENDED" if ticket and ticket.state in ENDED else state,
        ticket=ticket,
        follow_path=follow_path,
        earlier=not first and state in (QuestionState.YES, QuestionState.NO, QuestionState.NOT_NOW),
    )

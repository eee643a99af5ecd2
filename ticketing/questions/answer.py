"""The customer's answer: the first versioned one wins, and a yes, a no and a not-now each do their part at once."""

from datetime import datetime, time, timedelta
from typing import Any
from uuid import UUID

from psycopg import Connection

from devices import store as devices
from devices.model import Catalogue
from ticketing.alerts import lifecycle
from ticketing.alerts import store as alerts
from ticketing.alerts.model import Alert, Condition
from ticketing.errors import BadAnswerError, NotFoundError, StaleVersionError
from ticketing.notify.tell import tell
from ticketing.questions import store
from ticketing.questions.closing import expire, withdraw
from ticketing.questions.confirm import confirm
from ticketing.questions.local_time import tomorrow_at
from ticketing.questions.model import Answered, Choice, NoReason, Question, QuestionState
from ticketing.tickets import store as tickets

SHELF_AFTER_NO = timedelta(days=14)
MORNING = time(9)  # a "not now" comes back tomorrow at nine, the customer's time


def answer(
    conn: Connection[Any],
    *,
    question_id: UUID,
    version: int,
    choice: Choice,
    reason: NoReason | None = None,
    actor: str,
    now: datetime,
    catalogue: Catalogue,
) -> Answered:
    """What holds now. Raises NotFoundError, BadAnswerError (a no without a reason), StaleVersionError."""
    if (choice is Choice.NO) != (reason is not None):
        raise BadAnswerError("a no needs a reason, and nothing else has one")
    question, alert = _lock(conn, question_id)
    if question.state is not QuestionState.OPEN:
        return _standing(conn, question)
    if version != question.version:
        raise StaleVersionError(version, question.version)
    if now >= question.expires_at:
        return Answered(question=expire(conn, question, alert, now), ticket=None, first=False)
    if alert.condition is Condition.CLEARED:  # between the clearing and the relay's look
        return Answered(question=withdraw(conn, question, now), ticket=None, first=False)
    if choice is Choice.YES:
        return _yes(conn, question, alert, actor, now, catalogue)
    return _decline(conn, question, alert, choice, reason, actor, now)


def _lock(conn: Connection[Any], question_id: UUID) -> tuple[Question, Alert]:
    """The alert before its question, as everywhere: two orders would be a deadlock."""
    seen = store.find(conn, question_id)
    alert = alerts.lock(conn, seen.alert_id) if seen else None
    question = store.lock(conn, question_id)
    if question is None or alert is None:
        raise NotFoundError("question", question_id)
    return question, alert


def _standing(conn: Connection[Any], question: Question) -> Answered:
    ticket = tickets.find(conn, question.ticket_id) if question.ticket_id else None
    return Answered(question=question, ticket=ticket, first=False)


def _yes(
    conn: Connection[Any], question: Question, alert: Alert, actor: str, now: datetime, catalogue: Catalogue
) -> Answered:
    closed, ticket = confirm(conn, question, alert, catalogue=catalogue, actor=actor, now=now)
    _tell(conn, "question.confirmed", closed, actor, now, {"ticket_number": ticket.number})
    return Answered(question=closed, ticket=ticket, first=True)


def _decline(
    conn: Connection[Any],
    question: Question,
    alert: Alert,
    choice: Choice,
    reason: NoReason | None,
    actor: str,
    now: datetime,
) -> Answered:
    """A no labels what the detector said and shelves it for a while; a not-now says nothing about the detector."""
    said = reason or Choice.NOT_NOW
    until = now + SHELF_AFTER_NO if choice is Choice.NO else _next_morning(conn, question, now)
    closed = store.close(conn, question.question_id, QuestionState(choice), actor=actor, now=now, reason=reason)
    alerts.shelve(conn, alert, until, said, actor, now)
    alerts.save(conn, lifecycle.declined(alert, until))
    kind = "question.declined" if choice is Choice.NO else "question.postponed"
    data = {"reason": said, "rule": alert.rule, "shelved_until": until.isoformat()}
    _tell(conn, kind, closed, actor, now, data)
    return Answered(question=closed, ticket=None, first=True)


def _next_morning(conn: Connection[Any], question: Question, now: datetime) -> datetime:
    customer = devices.find_customer(conn, question.tenant_id, question.customer_id)
    return tomorrow_at(now, MORNING, customer.time_zone if customer else "UTC")


def _tell(
    conn: Connection[Any], kind: str, question: Question, actor: str, now: datetime, data: dict[str, Any]
) -> None:
    tell(
        conn,
        kind,
        tenant_id=question.tenant_id,
        subject_id=question.question_id,
        actor=actor,
        now=now,
        data={
            "alert_id": str(question.alert_id),
            "device_id": question.device_id,
            "family": question.family,
            **data,
        },
    )

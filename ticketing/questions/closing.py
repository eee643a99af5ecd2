"""Questions that end without an answer: the trouble went away, or nobody answered."""

from datetime import datetime
from typing import Any

from psycopg import Connection

from ticketing.alerts import lifecycle
from ticketing.alerts import store as alerts
from ticketing.alerts.model import Alert
from ticketing.notify.tell import tell
from ticketing.questions import store
from ticketing.questions.model import Question, QuestionState

ACTOR = "relay:questions"


def withdraw(conn: Connection[Any], question: Question, now: datetime) -> Question:
    """It cleared before the answer, and the customer is told."""
    closed = store.close(conn, question.question_id, QuestionState.WITHDRAWN, actor=ACTOR, now=now)
    _tell(conn, "question.withdrawn", closed, now)
    return closed


def expire(conn: Connection[Any], question: Question, alert: Alert, now: datetime) -> Question:
    """Nobody answered: into the review list, never dropped in silence."""
    closed = store.close(conn, question.question_id, QuestionState.EXPIRED, actor=ACTOR, now=now)
    alerts.save(conn, lifecycle.expired(alert))
    _tell(conn, "question.expired", closed, now)
    return closed


def expire_due(conn: Connection[Any], now: datetime, limit: int = 100) -> int:
    """How many expired. The alert is locked before its question, as everywhere."""
    done = 0
    for _ in range(limit):
        due = store.next_expired(conn, now)
        if due is None:
            break
        alert = alerts.lock(conn, due.alert_id)
        question = store.lock(conn, due.question_id)
        assert alert is not None
        assert question is not None
        if question.state is QuestionState.OPEN:  # nobody answered while we waited for the locks
            expire(conn, question, alert, now)
            done += 1
    return done


def _tell(conn: Connection[Any], kind: str, question: Question, now: datetime) -> None:
    tell(
        conn,
        kind,
        tenant_id=question.tenant_id,
        subject_id=question.question_id,
        actor=ACTOR,
        now=now,
        data={"alert_id": str(question.alert_id), "device_id": question.device_id, "family": question.family},
        customer_id=question.customer_id,
    )

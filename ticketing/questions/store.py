"""Rows of questions."""

from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg import Connection
from psycopg.rows import dict_row

from ledger.statements import Statements
from ticketing.alerts.model import Alert
from ticketing.questions.model import NoReason, Question, QuestionState

_sql = Statements("ticketing.questions")


def _question(row: dict[str, Any]) -> Question:
    reason = NoReason(row["reason"]) if row["reason"] else None
    return Question(**{**row, "state": QuestionState(row["state"]), "reason": reason})


def _all(conn: Connection[Any], statement: bytes, names: dict[str, Any]) -> list[Question]:
    with conn.cursor(row_factory=dict_row) as cur:
        return [_question(row) for row in cur.execute(statement, names)]


def _one(conn: Connection[Any], statement: bytes, names: dict[str, Any]) -> Question | None:
    return next(iter(_all(conn, statement, names)), None)


def find(conn: Connection[Any], question_id: UUID) -> Question | None:
    return _one(conn, _sql.find_question, {"question_id": question_id})


def listed(conn: Connection[Any], limit: int = 200) -> list[Question]:
    return _all(conn, _sql.list_questions, {"limit": limit})


def lock(conn: Connection[Any], question_id: UUID) -> Question | None:
    return _one(conn, _sql.lock_question, {"question_id": question_id})


def open_of_alert(conn: Connection[Any], alert_id: UUID) -> Question | None:
    return _one(conn, _sql.find_open_question_of_alert, {"alert_id": alert_id})


def open_of_device(conn: Connection[Any], tenant_id: str, device_no: int) -> Question | None:
    return _one(conn, _sql.find_open_question_of_device, {"tenant_id": tenant_id, "device_no": device_no})


def next_expired(conn: Connection[Any], now: datetime) -> Question | None:
    return _one(conn, _sql.find_expired_question, {"now": now})


def asking_facts(conn: Connection[Any], alert: Alert) -> tuple[bool, datetime | None]:
    """Is a question about the alert's device and family open; when was anybody last asked about the device."""
    names = {"tenant_id": alert.tenant_id, "device_no": alert.device_no, "family": alert.family}
    row = conn.execute(_sql.find_asking_facts, names).fetchone()
    assert row is not None
    return row[0], row[1]


def insert(
    conn: Connection[Any], question_id: UUID, alert: Alert, customer_id: UUID, asked_at: datetime, expires_at: datetime
) -> bool:
    """False if a question about this device and family is open already."""
    names = {
        "question_id": question_id,
        "tenant_id": alert.tenant_id,
        "alert_id": alert.alert_id,
        "device_no": alert.device_no,
        "family": alert.family,
        "customer_id": customer_id,
        "asked_at": asked_at,
        "expires_at": expires_at,
    }
    return conn.execute(_sql.insert_question, names).rowcount == 1


def close(
    conn: Connection[Any],
    question_id: UUID,
    state: QuestionState,
    *,
    actor: str,
    now: datetime,
    reason: NoReason | None = None,
    ticket_id: UUID | None = None,
) -> Question:
    names = {
        "question_id": question_id,
        "state": state,
        "reason": reason,
        "now": now,
        "actor": actor,
        "ticket_id": ticket_id,
    }
    conn.execute(_sql.close_question, names)
    question = find(conn, question_id)
    assert question is not None
    return question

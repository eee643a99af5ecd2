"""Rows of what devices said of their twins."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
from psycopg import Connection
from psycopg.rows import args_row

from devices.twin import store as twins
from ingest.topics import About
from ingest.twin.model import Answer, Waiting
from ledger.statements import Statements

SET_ASIDE_KEPT = timedelta(days=30)  # everybody had the time to look at it
_sql = Statements("ingest.twin")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def strangers(conn: Connection[Any], answers: Sequence[Answer]) -> list[Answer]:
    """Results of commands that their devices were never given."""
    asked = [(answer, answer.command_id) for answer in answers if answer.command_id is not None]
    if not asked:
        return []
    there = twins.known_commands(conn, [command_id for _, command_id in asked])
    return [answer for answer, command_id in asked if (command_id, answer.source.device_no) not in there]


def insert(conn: Connection[Any], answers: Sequence[Answer]) -> None:
    """In the transaction of the batch that brought them; wakes whoever takes them."""
    if not answers:
        return
    names = {
        "tenant_id": [answer.source.tenant_id for answer in answers],
        "device_no": [answer.source.device_no for answer in answers],
        "seq": [answer.message.seq for answer in answers],
        "received_at": [_EPOCH + timedelta(milliseconds=answer.message.received_ms) for answer in answers],
        "about": [answer.about.value for answer in answers],
        "body": [orjson.dumps(answer.body).decode() for answer in answers],
    }
    conn.execute(_sql.insert_answers, names)
    conn.execute(_sql.hint_answers)


def waiting(conn: Connection[Any], limit: int) -> list[Waiting]:
    with conn.cursor(row_factory=args_row(_waiting)) as cur:
        return cur.execute(_sql.list_waiting, {"limit": limit}).fetchall()


def _waiting(answer_no: int, device_no: int, received_at: datetime, about: str, body: dict[str, Any]) -> Waiting:
    return Waiting(answer_no, device_no, received_at, About(about), body)


def drop(conn: Connection[Any], answers: Sequence[Waiting]) -> None:
    conn.execute(_sql.drop_answers, {"answer_nos": [answer.answer_no for answer in answers]})


def forget(conn: Connection[Any], now: datetime, limit: int) -> int:
    """Those that were set aside long ago, at most `limit`: how many."""
    return conn.execute(_sql.forget_set_aside, {"before": now - SET_ASIDE_KEPT, "limit": limit}).rowcount


def set_aside(conn: Connection[Any], answer: Waiting, error: str) -> None:
    conn.execute(_sql.set_answer_aside, {"answer_no": answer.answer_no, "error": error})

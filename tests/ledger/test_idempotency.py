"""The same key and body get the stored answer, another body is refused, a repeat in flight too, and at once."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

import psycopg
import pytest

from ledger import idempotency, scope
from ledger.errors import IdempotencyConflictError, IdempotencyInFlightError, StatementMissingError
from ledger.idempotency import StoredAnswer
from ledger.model import Scope
from ledger.statements import Statements
from tests.conftest import Database

NOW = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
ANSWER = StoredAnswer(status=201, answer={"ticket_number": "T-000001"})
Conn = psycopg.Connection[Any]


@pytest.fixture
def begin(database: Database) -> Callable[[str], Conn]:
    def connect(tenant_id: str = "demo") -> Conn:
        conn = database.connect("foremend_api", autocommit=False)
        scope.enter(conn, Scope(tenant_id=tenant_id, actor="x"))
        return conn

    return connect


def test_the_same_key_and_body_get_the_stored_answer(begin: Callable[..., Conn]) -> None:
    with begin() as conn:
        assert idempotency.find(conn, "demo", "k", b"body") is None
        idempotency.keep(conn, "demo", "k", b"body", ANSWER, NOW)
    with begin() as conn:
        assert idempotency.find(conn, "demo", "k", b"body") == ANSWER


def test_another_body_under_the_same_key_is_refused(begin: Callable[..., Conn]) -> None:
    with begin() as conn:
        idempotency.keep(conn, "demo", "k", b"body", ANSWER, NOW)
    with begin() as conn, pytest.raises(IdempotencyConflictError):
        idempotency.find(conn, "demo", "k", b"other")


def test_a_repeat_in_flight_is_told_so_at_once(begin: Callable[..., Conn]) -> None:
    with begin() as first, begin() as second:
        assert idempotency.find(first, "demo", "k", b"body") is None
        with pytest.raises(IdempotencyInFlightError):
            idempotency.find(second, "demo", "k", b"body")


def test_who_waits_gets_the_answer_of_the_first(begin: Callable[..., Conn]) -> None:
    with begin() as first, begin() as second, ThreadPoolExecutor() as other:
        assert idempotency.find(first, "demo", "k", b"body") is None
        waiting = other.submit(idempotency.find, second, "demo", "k", b"body", waits=True)
        idempotency.keep(first, "demo", "k", b"body", ANSWER, NOW)
        first.commit()
        assert waiting.result(timeout=60) == ANSWER


def test_another_tenants_key_is_another_key(begin: Callable[..., Conn]) -> None:
    with begin() as conn:
        idempotency.keep(conn, "demo", "k", b"body", ANSWER, NOW)
    with begin("other") as conn:
        assert idempotency.find(conn, "other", "k", b"body") is None


def test_a_statement_that_is_not_there_is_named() -> None:
    with pytest.raises(StatementMissingError, match=r"no statement named 'nothing' in ledger/sql/queries\.sql"):
        _ = Statements("ledger").nothing

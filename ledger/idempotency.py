"""`Idempotency-Key`: the same key and body get the stored answer, another body is refused, a repeat in flight too."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from psycopg import Connection
from psycopg.types.json import Jsonb

from ledger.errors import IdempotencyConflictError, IdempotencyInFlightError
from ledger.statements import Statements

KEPT = timedelta(days=30)  # a phone that was offline over somebody's holidays sends what it has once more
_sql = Statements("ledger")


@dataclass(frozen=True, kw_only=True)
class StoredAnswer:
    status: int
    answer: dict[str, Any]


def find(
    conn: Connection[Any], tenant_id: str, key: str, body_sha256: bytes, *, waits: bool = False
) -> StoredAnswer | None:
    """The answer given before, or None with the key locked for this transaction.

    While another transaction holds the key: raises IdempotencyInFlightError, or with `waits` waits for its answer.
    Raises IdempotencyConflictError for another body.
    """
    names = {"tenant_id": tenant_id, "key": key}
    if waits:
        conn.execute(_sql.await_idempotency_key, names)
    elif not (conn.execute(_sql.lock_idempotency_key, names).fetchone() or (False,))[0]:
        raise IdempotencyInFlightError(key)
    row = conn.execute(_sql.find_idempotency_key, names).fetchone()
    if row is None:
        return None
    stored_sha256, status, answer = row
    if bytes(stored_sha256) != body_sha256:
        raise IdempotencyConflictError(key)
    return StoredAnswer(status=status, answer=answer)


def keep(
    conn: Connection[Any], tenant_id: str, key: str, body_sha256: bytes, stored: StoredAnswer, now: datetime
) -> None:
    conn.execute(
        _sql.store_idempotency_key,
        {
            "tenant_id": tenant_id,
            "key": key,
            "body_sha256": body_sha256,
            "status": stored.status,
            "answer": Jsonb(stored.answer),
            "at": now,
        },
    )


def forget(conn: Connection[Any], now: datetime, limit: int) -> int:
    """The oldest answers that are too old, at most `limit`: how many."""
    return conn.execute(_sql.forget_idempotency_keys, {"before": now - KEPT, "limit": limit}).rowcount

"""A transaction's scope: row-level security reads it, the log writes it down."""

from typing import Any

from psycopg import Connection

from ledger.model import Scope
from ledger.statements import Statements

_sql = Statements("ledger")


def enter(conn: Connection[Any], scope: Scope) -> None:
    """From here to the end of the transaction, only this tenant's rows exist."""
    conn.execute(_sql.enter_scope, {"tenant_id": scope.tenant_id, "actor": scope.actor})


def refuse_writes(conn: Connection[Any]) -> None:
    """From here to the end of the transaction the database refuses every change."""
    conn.execute(_sql.refuse_writes)


def show_token(conn: Connection[Any], token_sha256: bytes) -> None:
    """Let the transaction see the one link or label row that carries this token, before its tenant is known."""
    conn.execute(_sql.show_token, {"token_sha256": token_sha256.hex()})

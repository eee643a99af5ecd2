"""Counts and lists that look over several rooms at once: only the roof sees them together."""

from typing import Any
from uuid import UUID

from psycopg import Connection
from psycopg.rows import dict_row

from ledger.statements import Statements

_sql = Statements("api.http")


def _row(conn: Connection[Any], statement: bytes, **names: Any) -> dict[str, Any]:
    with conn.cursor(row_factory=dict_row) as cur:
        return cur.execute(statement, names).fetchone() or {}


def desk(conn: Connection[Any]) -> dict[str, int]:
    return _row(conn, _sql.count_desk)


def newest_change(conn: Connection[Any]) -> str | None:
    """The id of the log's newest line: another one means that something happened."""
    newest: str | None = _row(conn, _sql.find_newest_change)["newest"]
    return newest


def open_tickets(conn: Connection[Any], limit: int) -> list[UUID]:
    return [ticket_id for (ticket_id,) in conn.execute(_sql.list_open_tickets, {"limit": limit})]


def of_device(conn: Connection[Any], device_no: int) -> dict[str, int]:
    return _row(conn, _sql.count_of_device, device_no=device_no)


def cursor(conn: Connection[Any]) -> int:
    return int(_row(conn, _sql.read_cursor)["cursor"] or 0)


def knows_photo(conn: Connection[Any], sha256: str) -> bool:
    return bool(_row(conn, _sql.find_report_photo, sha256=sha256)["known"])

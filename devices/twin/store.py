"""Rows of twins and commands, and the values they stand for."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from psycopg import Connection
from psycopg.rows import class_row, dict_row
from psycopg.types.json import Jsonb

from devices.twin.model import Command, CommandState, Twin
from ledger.statements import Statements

KEPT = timedelta(days=366)  # of a command that is over
_sql = Statements("devices.twin")


def find_twin(conn: Connection[Any], tenant_id: str, device_no: int) -> Twin:
    """An empty one where nothing was desired or said."""
    with conn.cursor(row_factory=class_row(Twin)) as cur:
        found = cur.execute(_sql.find_twin, {"device_no": device_no}).fetchone()
    return found or Twin(device_no=device_no, tenant_id=tenant_id)


def lock_twin(conn: Connection[Any], tenant_id: str, device_no: int) -> Twin:
    conn.execute(_sql.settle_twin, {"device_no": device_no, "tenant_id": tenant_id})
    with conn.cursor(row_factory=class_row(Twin)) as cur:
        found = cur.execute(_sql.lock_twin, {"device_no": device_no}).fetchone()
    assert found is not None
    return found


def save_desired(conn: Connection[Any], twin: Twin) -> None:
    conn.execute(_sql.save_desired, _names(twin))


def save_reported(conn: Connection[Any], twin: Twin) -> None:
    conn.execute(_sql.save_reported, _names(twin))


def _names(twin: Twin) -> dict[str, Any]:
    return {**asdict(twin), "desired": Jsonb(twin.desired), "reported": Jsonb(twin.reported)}


def note_said(conn: Connection[Any], device_no: int, version: int, at: datetime, again_at: datetime) -> None:
    conn.execute(_sql.note_said, {"device_no": device_no, "version": version, "at": at, "again_at": again_at})


def note_cleared(conn: Connection[Any], device_no: int, version: int, at: datetime) -> None:
    conn.execute(_sql.note_cleared, {"device_no": device_no, "version": version, "at": at})


def note_unsaid(
    conn: Connection[Any], device_no: int, version: int, at: datetime, again_at: datetime, error: str, *, partly: bool
) -> None:
    """`partly`: somebody has it all the same."""
    names = {"device_no": device_no, "version": version, "at": at, "again_at": again_at}
    conn.execute(_sql.note_unsaid, {**names, "error": error, "says": int(partly)})


def hint(conn: Connection[Any]) -> None:
    conn.execute(_sql.hint_twins)


def listen(conn: Connection[Any]) -> None:
    conn.execute(_sql.listen_twins)


def _command(row: dict[str, Any]) -> Command:
    return Command(**{**row, "state": CommandState(row["state"])})


def insert_command(conn: Connection[Any], command: Command) -> None:
    conn.execute(_sql.insert_command, {**asdict(command), "arguments": Jsonb(command.arguments)})


def count_open(conn: Connection[Any], device_no: int) -> int:
    (count,) = conn.execute(_sql.count_open, {"device_no": device_no}).fetchone() or (0,)
    return int(count)


def find_command(conn: Connection[Any], device_no: int, command_id: UUID) -> Command | None:
    return _one(conn, _sql.find_command, device_no, command_id)


def lock_command(conn: Connection[Any], device_no: int, command_id: UUID) -> Command | None:
    return _one(conn, _sql.lock_command, device_no, command_id)


def _one(conn: Connection[Any], statement: bytes, device_no: int, command_id: UUID) -> Command | None:
    with conn.cursor(row_factory=dict_row) as cur:
        row = cur.execute(statement, {"device_no": device_no, "command_id": command_id}).fetchone()
    return _command(row) if row else None


def list_commands(
    conn: Connection[Any],
    device_no: int,
    *,
    state: CommandState | None = None,
    before: UUID | None = None,
    limit: int = 50,
) -> list[Command]:
    names = {"device_no": device_no, "state": state, "before": before, "limit": limit}
    with conn.cursor(row_factory=dict_row) as cur:
        return [_command(row) for row in cur.execute(_sql.list_commands, names)]


def save_command(conn: Connection[Any], command: Command) -> None:
    result = None if command.result is None else Jsonb(command.result)
    late = None if command.late is None else Jsonb(command.late)
    names = {**asdict(command), "arguments": None, "result": result, "late": late}
    conn.execute(_sql.save_command, names)


def note_sent(conn: Connection[Any], command_id: UUID, at: datetime, again_at: datetime) -> CommandState | None:
    """What it was before; None if it is over."""
    row = conn.execute(_sql.note_sent, {"command_id": command_id, "at": at, "again_at": again_at}).fetchone()
    return CommandState(row[0]) if row else None


def cancel_commands(conn: Connection[Any], device_no: int, now: datetime) -> list[Command]:
    with conn.cursor(row_factory=dict_row) as cur:
        return [_command(row) for row in cur.execute(_sql.cancel_commands, {"device_no": device_no, "now": now})]


def expire_commands(conn: Connection[Any], now: datetime, limit: int) -> list[Command]:
    with conn.cursor(row_factory=dict_row) as cur:
        return [_command(row) for row in cur.execute(_sql.expire_commands, {"now": now, "limit": limit})]


def forget(conn: Connection[Any], now: datetime, limit: int) -> int:
    """Commands that were over long ago, at most `limit`: how many."""
    return conn.execute(_sql.forget_commands, {"before": now - KEPT, "limit": limit}).rowcount


def known_commands(conn: Connection[Any], command_ids: Sequence[UUID]) -> set[tuple[UUID, int]]:
    """With their device's number; those that do not exist are absent."""
    return set(conn.execute(_sql.known_commands, {"command_ids": list(command_ids)}).fetchall())

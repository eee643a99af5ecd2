"""Rows of tickets."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg import Connection
from psycopg.rows import dict_row

from ledger.statements import Statements
from ticketing.model import Severity
from ticketing.tickets.model import Opening, Source, Ticket, TicketState

_sql = Statements("ticketing.tickets")


def _ticket(row: dict[str, Any]) -> Ticket:
    return Ticket(
        **{
            **row,
            "severity": Severity(row["severity"]),
            "source": Source(row["source"]),
            "state": TicketState(row["state"]),
        }
    )


def _all(conn: Connection[Any], statement: bytes, names: dict[str, Any]) -> list[Ticket]:
    with conn.cursor(row_factory=dict_row) as cur:
        return [_ticket(row) for row in cur.execute(statement, names)]


def _one(conn: Connection[Any], statement: bytes, names: dict[str, Any]) -> Ticket | None:
    return next(iter(_all(conn, statement, names)), None)


def find(conn: Connection[Any], ticket_id: UUID) -> Ticket | None:
    return _one(conn, _sql.find_ticket, {"ticket_id": ticket_id})


def find_by_number(conn: Connection[Any], tenant_id: str, number: str) -> Ticket | None:
    return _one(conn, _sql.find_ticket_by_number, {"tenant_id": tenant_id, "number": number})


def listed(conn: Connection[Any], limit: int = 200, *, device_no: int | None = None) -> list[Ticket]:
    return _all(conn, _sql.list_tickets, {"device_no": device_no, "limit": limit})


def lock(conn: Connection[Any], ticket_id: UUID) -> Ticket | None:
    return _one(conn, _sql.lock_ticket, {"ticket_id": ticket_id})


def open_of_device(conn: Connection[Any], tenant_id: str, device_no: int) -> list[Ticket]:
    """Oldest first."""
    return _all(conn, _sql.list_open_tickets_of_device, {"tenant_id": tenant_id, "device_no": device_no})


def list_repairs(conn: Connection[Any], tenant_id: str, device_nos: Sequence[int]) -> list[tuple[int, str, datetime]]:
    """device_no, fault, and when its latest repair was closed as done; of each device the latest first."""
    return conn.execute(_sql.list_repairs, {"tenant_id": tenant_id, "device_nos": list(device_nos)}).fetchall()


def lock_device(conn: Connection[Any], device_no: int) -> None:
    conn.execute(_sql.lock_device, {"device_no": device_no})


def next_number(conn: Connection[Any], tenant_id: str) -> int:
    (number,) = conn.execute(_sql.next_number, {"tenant_id": tenant_id}).fetchone() or (0,)
    return int(number)


def insert(conn: Connection[Any], ticket_id: UUID, number: str, opening: Opening, now: datetime) -> None:
    conn.execute(
        _sql.insert_ticket,
        {
            "ticket_id": ticket_id,
            "tenant_id": opening.tenant_id,
            "number": number,
            "device_no": opening.device_no,
            "family": opening.family,
            "severity": opening.severity,
            "source": opening.source,
            "customer_id": opening.customer_id,
            "alert_id": opening.alert_id,
            "snapshot_id": opening.snapshot_id,
            "now": now,
        },
    )


def save(conn: Connection[Any], ticket: Ticket) -> None:
    conn.execute(
        _sql.save_ticket,
        {
            "ticket_id": ticket.ticket_id,
            "state": ticket.state,
            "version": ticket.version,
            "en_route": ticket.en_route,
            "engineer_id": ticket.engineer_id,
            "reopened": ticket.reopened,
            "changed_at": ticket.changed_at,
        },
    )


def set_proposed(conn: Connection[Any], ticket_id: UUID, engineer_id: UUID | None) -> None:
    conn.execute(_sql.set_proposed, {"ticket_id": ticket_id, "engineer_id": engineer_id})


def attach_evidence(conn: Connection[Any], ticket_id: UUID, alert_id: UUID, snapshot_id: UUID) -> None:
    conn.execute(_sql.attach_evidence, {"ticket_id": ticket_id, "alert_id": alert_id, "snapshot_id": snapshot_id})

"""Rows of reports."""

from dataclasses import asdict
from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg import Connection
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb

from devices.model import Device
from ledger.statements import Statements
from ticketing.intake.model import MOST_AN_HOUR, Outcome, Photo, Report, Step, Witness

NEWEST = 199  # reports that a ticket's page shows beside the first one
_sql = Statements("ticketing.intake")


def count_since(conn: Connection[Any], device: Device, since: datetime) -> int:
    """Reports on a device; what is more than allowed is not counted further."""
    names = {"tenant_id": device.tenant_id, "device_no": device.device_no, "since": since, "most": MOST_AN_HOUR}
    (count,) = conn.execute(_sql.count_reports_since, names).fetchone() or (0,)
    return int(count)


def insert(
    conn: Connection[Any],
    report_id: UUID,
    report: Report,
    steps: tuple[Step, ...],
    *,
    ticket_id: UUID,
    joined: bool,
    now: datetime,
) -> None:
    conn.execute(
        _sql.insert_report,
        {
            "report_id": report_id,
            "tenant_id": report.device.tenant_id,
            "device_no": report.device.device_no,
            "ticket_id": ticket_id,
            "joined": joined,
            "words": report.words,
            "contact": report.contact,
            "photo_sha256": report.photo.sha256 if report.photo else None,
            "photo_type": report.photo.media_type if report.photo else None,
            "photo_bytes": report.photo.size_bytes if report.photo else None,
            "channel": report.channel,
            "actor": report.actor,
            "steps": Jsonb([asdict(step) for step in steps]),
            "now": now,
        },
    )


def of_ticket(conn: Connection[Any], ticket_id: UUID) -> list[Witness]:
    """The reports on a ticket, the first one first: the one that opened or joined it first, and the newest."""
    with conn.cursor(row_factory=dict_row) as cur:
        return [_witness(row) for row in cur.execute(_sql.list_reports, {"ticket_id": ticket_id, "newest": NEWEST})]


def _witness(row: dict[str, Any]) -> Witness:
    sha256, media_type, size_bytes = (row.pop(name) for name in ("photo_sha256", "photo_type", "photo_bytes"))
    photo = Photo(sha256=sha256, media_type=media_type, size_bytes=size_bytes) if sha256 else None
    steps = tuple(Step(**{**step, "outcome": Outcome(step["outcome"])}) for step in row["steps"])
    return Witness(**{**row, "steps": steps}, photo=photo)

"""A person's report, from whichever door: once per key, with a ticket number as its answer."""

import hashlib
import json
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from psycopg import Connection

from api.http import photos
from api.http.house import House
from api.http.photos import Developed
from api.http.public import bearer
from ledger import idempotency
from ledger.idempotency import StoredAnswer
from ticketing.intake import report as intake
from ticketing.intake.model import Report


@dataclass(frozen=True, kw_only=True)
class Answer:
    ticket_number: str
    joined: bool
    follow_path: str


def fingerprint(report: Report) -> bytes:
    """Of what was said; the same again is the same report."""
    photo = report.photo.sha256 if report.photo else None
    said = [report.device.device_id, report.words, report.contact, photo, *filter(None, (report.serial,))]
    return hashlib.sha256(json.dumps(said).encode()).digest()


def submit(
    conn: Connection[Any],
    house: House,
    report: Report,
    photo: Developed | None,
    *,
    key: str,
    waits: bool = False,
) -> Answer:
    """The same key and report get the same answer. The link alone is made anew: a token is never kept.

    `photo`: the one of the report, as it will be kept. `waits`: for the answer to the same report while it is being
    taken, instead of raising IdempotencyInFlightError.
    """
    tenant_id, body_sha256 = report.device.tenant_id, fingerprint(report)
    stored = idempotency.find(conn, tenant_id, key, body_sha256, waits=waits)
    if stored is None:
        done = intake.submit(conn, report, now=house.clock(), catalogue=house.catalogue)
        kept = {
            "ticket_number": done.ticket.number,
            "joined": done.joined,
            "ticket_id": str(done.ticket.ticket_id),
            "report_id": str(done.report_id),
        }
        stored = StoredAnswer(status=201, answer=kept)
        idempotency.keep(conn, tenant_id, key, body_sha256, stored, house.clock())
        if photo is not None:  # last: of a report that was refused no file is left
            photos.keep(house.settings.photos, photo)
    answer = stored.answer
    recipient = f"{'witness' if answer['joined'] else 'reporter'}:{answer['report_id']}"
    return Answer(
        ticket_number=answer["ticket_number"],
        joined=answer["joined"],
        follow_path=bearer.follow_url(conn, house, tenant_id, UUID(answer["ticket_id"]), recipient),
    )

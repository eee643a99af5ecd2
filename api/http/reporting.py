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
from devices.model import Device
from ledger import idempotency
from ledger.idempotency import StoredAnswer
from ticketing.intake import report as intake
from ticketing.intake.model import Report


@dataclass(frozen=True, kw_only=True)
class Answer:
    ticket_number: str
    joined: bool
    follow_path: str


def fingerprint(device: Device, words: str, contact: str, photo: Developed | None) -> bytes:
    """Of what was said; the same again is the same report."""
    said = [device.device_id, words, contact, photo.photo.sha256 if photo else None]
    return hashlib.sha256(json.dumps(said).encode()).digest()


def submit(
    conn: Connection[Any],
    house: House,
    *,
    device: Device,
    words: str,
    contact: str,
    photo: Developed | None,
    channel: str,
    actor: str,
    key: str,
    waits: bool = False,
) -> Answer:
    """The same key and report get the same answer. The link alone is made anew: a token is never kept.

    `waits`: for the answer to the same report while it is being taken, instead of raising IdempotencyInFlightError.
    """
    kept_photo = photo.photo if photo else None
    body_sha256 = fingerprint(device, words, contact, photo)
    stored = idempotency.find(conn, device.tenant_id, key, body_sha256, waits=waits)
    if stored is None:
        report = Report(device=device, words=words, contact=contact, photo=kept_photo, channel=channel, actor=actor)
        done = intake.submit(conn, report, now=house.clock(), catalogue=house.catalogue)
        kept = {
            "ticket_number": done.ticket.number,
            "joined": done.joined,
            "ticket_id": str(done.ticket.ticket_id),
            "report_id": str(done.report_id),
        }
        stored = StoredAnswer(status=201, answer=kept)
        idempotency.keep(conn, device.tenant_id, key, body_sha256, stored, house.clock())
        if photo is not None:  # last: of a report that was refused no file is left
            photos.keep(house.settings.photos, photo)
    answer = stored.answer
    recipient = f"{'witness' if answer['joined'] else 'reporter'}:{answer['report_id']}"
    return Answer(
        ticket_number=answer["ticket_number"],
        joined=answer["joined"],
        follow_path=bearer.follow_url(conn, house, device.tenant_id, UUID(answer["ticket_id"]), recipient),
    )

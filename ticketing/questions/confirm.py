"""The yes, in the caller's one transaction: the snapshot is frozen, the ticket opened, an engineer proposed."""

from datetime import datetime
from typing import Any

from psycopg import Connection

from devices import settings
from devices import store as devices
from devices.model import Catalogue
from ticketing.alerts import lifecycle
from ticketing.alerts import store as alerts
from ticketing.alerts.model import Alert
from ticketing.dispatch.propose import propose
from ticketing.errors import NotFoundError
from ticketing.questions import gate, store
from ticketing.questions.model import Question, QuestionState
from ticketing.snapshots.freeze import freeze
from ticketing.snapshots.model import Snapshot
from ticketing.tickets import desk
from ticketing.tickets import store as tickets
from ticketing.tickets.model import Note, Opening, Source, Ticket


def confirm(
    conn: Connection[Any], question: Question, alert: Alert, *, catalogue: Catalogue, actor: str, now: datetime
) -> tuple[Question, Ticket]:
    device = devices.find_device_by_no(conn, alert.device_no)
    if device is None:
        raise NotFoundError("device", alert.device_id)
    appliance = settings.of(catalogue[device.class_id], device.tenant_id, device.model)
    snapshot = freeze(conn, device, appliance, alert, now=now)
    tickets.lock_device(conn, alert.device_no)
    standing = desk.open_for(conn, alert.tenant_id, alert.device_no, alert.family)
    if standing is None:
        ticket = _open(conn, question, alert, snapshot, actor, now)
        propose(conn, ticket, device, catalogue=catalogue, actor=actor, now=now)
    else:
        ticket = _join(conn, standing, alert, snapshot, actor, now)
    closed = store.close(
        conn, question.question_id, QuestionState.YES, actor=actor, now=now, ticket_id=ticket.ticket_id
    )
    alerts.save(conn, lifecycle.confirmed(alert, ticket.ticket_id, now + gate.NOW_AND_THEN))
    return closed, _newest(conn, ticket)


def _open(
    conn: Connection[Any], question: Question, alert: Alert, snapshot: Snapshot, actor: str, now: datetime
) -> Ticket:
    opening = Opening(
        tenant_id=alert.tenant_id,
        device_no=alert.device_no,
        family=alert.family,
        severity=alert.severity,
        source=Source.ALERT,
        customer_id=question.customer_id,
        alert_id=alert.alert_id,
        snapshot_id=snapshot.snapshot_id,
    )
    return desk.open_ticket(conn, opening, actor=actor, now=now)


def _join(
    conn: Connection[Any], standing: Ticket, alert: Alert, snapshot: Snapshot, actor: str, now: datetime
) -> Ticket:
    """A report was faster than the answer: its ticket gets the evidence."""
    tickets.attach_evidence(conn, standing.ticket_id, alert.alert_id, snapshot.snapshot_id)
    evidence = {"alert_id": str(alert.alert_id), "snapshot_id": str(snapshot.snapshot_id)}
    return desk.note(conn, standing.ticket_id, Note.EVIDENCE, actor, now, evidence)


def _newest(conn: Connection[Any], ticket: Ticket) -> Ticket:
    found = tickets.find(conn, ticket.ticket_id)
    assert found is not None
    return found

"""A person's report on a device: it opens a ticket, joins the open one as a witness, or is the yes we waited for."""

from datetime import UTC, datetime, timedelta
from typing import Any

from psycopg import Connection

from devices.model import Catalogue
from devices.warranty import covers
from ledger.ids import uuid7
from ticketing.dispatch.propose import propose
from ticketing.errors import ReportRefusedError
from ticketing.intake import gate, store
from ticketing.intake.model import GUESSED, Outcome, Report, Submitted
from ticketing.model import UNSPECIFIED, Severity
from ticketing.questions import store as questions
from ticketing.questions.answer import answer
from ticketing.questions.model import Choice
from ticketing.tickets import desk, repairs
from ticketing.tickets import store as tickets
from ticketing.tickets.model import Note, Opening, Source, Ticket


def submit(conn: Connection[Any], report: Report, *, now: datetime, catalogue: Catalogue) -> Submitted:
    """Raises ReportRefusedError when it says nothing at all, or is one of too many on its device."""
    report = gate.cleaned(report)
    repaired = repairs.of_device(conn, report.device, catalogue, UTC)
    covered = covers.standing(covers.of(catalogue, report.device, now.date(), repaired))
    lately = store.count_since(conn, report.device, now - timedelta(hours=1))
    steps = gate.steps(report, lately=lately, warranty=covered)
    failed = tuple(step.code for step in steps if step.outcome is Outcome.FAIL)
    if failed:
        raise ReportRefusedError(failed)
    said_yes = _say_yes(conn, report, now, catalogue)
    standing = None if said_yes else _standing(conn, report)
    ticket = said_yes or standing or _open(conn, report, now, catalogue)
    report_id = uuid7(now)
    steps = (*steps, gate.duplicates(ticket_open=standing is not None, answers=said_yes is not None))
    joined = standing is not None
    store.insert(conn, report_id, report, steps, ticket_id=ticket.ticket_id, joined=joined, now=now)
    if joined:
        data = {"report_id": str(report_id), "channel": report.channel}
        desk.note(conn, ticket.ticket_id, Note.WITNESS, report.actor, now, data)
    return Submitted(report_id=report_id, ticket=ticket, joined=joined)


def _standing(conn: Connection[Any], report: Report) -> Ticket | None:
    """The open ticket that the report joins; two first reports at once come one after the other."""
    tickets.lock_device(conn, report.device.device_no)
    return desk.open_for(conn, report.device.tenant_id, report.device.device_no, UNSPECIFIED)


def _say_yes(conn: Connection[Any], report: Report, now: datetime, catalogue: Catalogue) -> Ticket | None:
    """The ticket that this very report opened by being the yes; None without a question, or if it just ended.

    Whoever may have guessed the appliance says no yes in its owner's place."""
    if report.channel in GUESSED:
        return None
    question = questions.open_of_device(conn, report.device.tenant_id, report.device.device_no)
    if question is None:
        return None
    answered = answer(
        conn,
        question_id=question.question_id,
        version=question.version,
        choice=Choice.YES,
        actor=report.actor,
        now=now,
        catalogue=catalogue,
    )
    return answered.ticket if answered.first else None


def _open(conn: Connection[Any], report: Report, now: datetime, catalogue: Catalogue) -> Ticket:
    device = report.device
    opening = Opening(
        tenant_id=device.tenant_id,
        device_no=device.device_no,
        family=UNSPECIFIED,
        severity=Severity.MAJOR,  # until somebody or a rule classifies it
        source=Source.REPORT,
        customer_id=device.customer_id,
    )
    ticket = desk.open_ticket(conn, opening, actor=report.actor, now=now)
    propose(conn, ticket, device, catalogue=catalogue, actor=report.actor, now=now)
    return tickets.find(conn, ticket.ticket_id) or ticket

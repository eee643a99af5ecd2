"""Alerts whose moment has come go through the asking gate, and what it decided is done."""

from datetime import datetime, timedelta
from typing import Any

import psycopg
from psycopg import Connection

from devices import store as devices
from devices.lifecycle.transitions import OUT_OF_SERVICE
from devices.model import ApplianceClass, Catalogue, Customer, Device
from ingest import history
from ledger import scope
from ledger.ids import uuid7
from ledger.model import Scope
from ticketing.alerts import lifecycle
from ticketing.alerts import store as alerts
from ticketing.alerts.model import Alert, Review
from ticketing.errors import NotFoundError
from ticketing.notify.tell import tell
from ticketing.questions import gate, store
from ticketing.questions.closing import ACTOR, withdraw
from ticketing.questions.local_time import from_ms
from ticketing.questions.model import AskPolicy, Code, Decision, Facts, Verdict
from ticketing.tickets import desk
from ticketing.tickets import store as tickets
from ticketing.tickets.model import Note
from ticketing.tickets.transitions import ENDED

TRY_AGAIN = timedelta(minutes=10)  # after the gate itself failed on an alert


def look_due(
    conn: Connection[Any], *, catalogue: Catalogue, policy: AskPolicy, now: datetime, limit: int = 50
) -> list[Verdict]:
    """What was decided, one for each alert. Enters the scope of each alert's tenant."""
    verdicts = []
    for _ in range(limit):
        alert = alerts.claim_due(conn, now)
        if alert is None:
            break
        scope.enter(conn, Scope(tenant_id=alert.tenant_id, actor=ACTOR))
        verdicts.append(_look_or_hold(conn, alert, catalogue, policy, now))
    return verdicts


def _look_or_hold(
    conn: Connection[Any], alert: Alert, catalogue: Catalogue, policy: AskPolicy, now: datetime
) -> Verdict:
    try:
        with conn.transaction():
            return _look(conn, alert, catalogue, policy, now)
    except psycopg.OperationalError:
        raise  # the database cannot decide anything now: that is not this alert's fault
    except Exception as failure:  # noqa: BLE001 - whatever it is, it must not stop the alerts behind it
        why = f"{Code.FAILED} {type(failure).__name__}: {failure}"[:500].replace("\x00", "")
        alerts.save(conn, lifecycle.held(alert, now + TRY_AGAIN, (why,), Review.FAILED))
        return Verdict.HOLD


def _look(conn: Connection[Any], alert: Alert, catalogue: Catalogue, policy: AskPolicy, now: datetime) -> Verdict:
    device = devices.find_device_by_no(conn, alert.device_no)
    if device is None:
        raise NotFoundError("device", str(alert.device_no))
    customer = devices.find_customer(conn, alert.tenant_id, device.customer_id) if device.customer_id else None
    facts = _facts(conn, alert, device, customer, catalogue[device.class_id])
    decision = gate.decide(facts, policy, now)
    if decision.verdict is Verdict.ASK:
        assert customer is not None  # the gate holds an alert whose device nobody owns
        return _ask(conn, alert, customer, policy, now)
    if decision.verdict is Verdict.JOIN:
        _join(conn, alert, facts, now)
    elif decision.verdict is Verdict.WITHDRAW:
        _withdraw(conn, alert, now)
    elif decision.verdict is Verdict.NOTE:
        _note_cleared(conn, alert, now)
    else:
        _hold(conn, alert, decision)
    return decision.verdict


def _facts(
    conn: Connection[Any], alert: Alert, device: Device, customer: Customer | None, appliance: ApplianceClass
) -> Facts:
    newest = history.newest(conn, appliance, device.device_no)
    recordings = devices.list_recordings(conn, device.tenant_id, device.device_no)
    standing = desk.open_for(conn, alert.tenant_id, alert.device_no, alert.family)
    led_to = tickets.find(conn, alert.ticket_id) if alert.ticket_id else None
    question_open, last_asked_at = store.asking_facts(conn, alert)
    return Facts(
        condition=alert.condition,
        engagement=alert.engagement,
        severity=alert.severity,
        ticket_id=alert.ticket_id,
        ticket_ended_at=led_to.changed_at if led_to and led_to.state in ENDED else None,
        newest_at=from_ms(newest.ts_ms) if newest else None,
        received_at=from_ms(newest.received_ms) if newest else None,
        keep_time=any(recording.keep_time for recording in recordings),
        open_ticket_id=standing.ticket_id if standing else None,
        shelved_until=alerts.shelved_until(conn, alert),
        question_open=question_open,
        last_asked_at=last_asked_at,
        time_zone=customer.time_zone if customer else None,
        in_service=device.state not in OUT_OF_SERVICE,
    )


def _ask(conn: Connection[Any], alert: Alert, customer: Customer, policy: AskPolicy, now: datetime) -> Verdict:
    question_id, expires_at = uuid7(now), now + policy.open_for
    if not store.insert(conn, question_id, alert, customer.customer_id, now, expires_at):
        alerts.save(conn, lifecycle.held(alert, now + gate.LATER, (Code.QUESTION_OPEN,)))
        return Verdict.HOLD
    alerts.save(conn, lifecycle.asked(alert))
    tell(
        conn,
        "question.asked",
        tenant_id=alert.tenant_id,
        subject_id=question_id,
        actor=ACTOR,
        now=now,
        data={**_said(alert), "expires_at": expires_at.isoformat()},
        customer_id=customer.customer_id,
    )
    return Verdict.ASK


def _join(conn: Connection[Any], alert: Alert, facts: Facts, now: datetime) -> None:
    assert facts.open_ticket_id is not None
    desk.note(conn, facts.open_ticket_id, Note.EVIDENCE, ACTOR, now, _said(alert))
    alerts.save(conn, lifecycle.joined(alert, facts.open_ticket_id, now + gate.NOW_AND_THEN))


def _withdraw(conn: Connection[Any], alert: Alert, now: datetime) -> None:
    question = store.open_of_alert(conn, alert.alert_id)
    if question is not None:
        withdraw(conn, question, now)
    alerts.save(conn, lifecycle.followed(alert))


def _note_cleared(conn: Connection[Any], alert: Alert, now: datetime) -> None:
    ticket = tickets.find(conn, alert.ticket_id) if alert.ticket_id else None
    if ticket is not None and ticket.state not in ENDED:
        desk.note(conn, ticket.ticket_id, Note.ALERT_CLEARED, ACTOR, now, _said(alert))
    alerts.save(conn, lifecycle.followed(alert))


def _hold(conn: Connection[Any], alert: Alert, decision: Decision) -> None:
    review = Review.NO_CUSTOMER if Code.NO_CUSTOMER in decision.codes else None
    alerts.save(conn, lifecycle.held(alert, decision.look_at, decision.codes, review))


def _said(alert: Alert) -> dict[str, Any]:
    return {
        "alert_id": str(alert.alert_id),
        "device_id": alert.device_id,
        "rule": alert.rule,
        "family": alert.family,
        "severity": alert.severity,
        "metric": alert.metric,
        "observed": alert.observed,
        "expected": alert.expected,
        "since": alert.since.isoformat(),
    }

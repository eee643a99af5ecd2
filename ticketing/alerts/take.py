"""Waiting findings become alerts, in order; one that cannot be taken is set aside and the rest goes on."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

import psycopg
from psycopg import Connection

from detectors.model import Claim
from devices.model import Catalogue
from ledger import log
from ledger.ids import uuid7
from ledger.model import Scope
from ticketing.alerts import lifecycle, store
from ticketing.alerts.model import Waiting
from ticketing.alerts.symptoms import symptom_of
from ticketing.model import Symptom
from ticketing.notify.tell import tell


class Took(StrEnum):
    RAISED = "RAISED"
    REPEATED = "REPEATED"
    CLEARED = "CLEARED"
    NOTHING = "NOTHING"  # a "cleared" of what was not raised, a detector that was switched off
    SET_ASIDE = "SET_ASIDE"


def take_findings(conn: Connection[Any], catalogue: Catalogue, now: datetime, limit: int = 100) -> list[Took]:
    """What became of each, in order. Call it again at once when `limit` came back."""
    return [_take_or_set_aside(conn, finding, catalogue, now) for finding in store.waiting(conn, limit)]


def _take_or_set_aside(conn: Connection[Any], finding: Waiting, catalogue: Catalogue, now: datetime) -> Took:
    error = None
    try:
        with conn.transaction():
            took = _take(conn, finding, catalogue, now)
    except psycopg.OperationalError:
        raise  # the database cannot take anything now: that is not this finding's fault
    except Exception as failure:  # noqa: BLE001 - whatever it is, it must not stop the findings behind it
        took, error = Took.SET_ASIDE, f"{type(failure).__name__}: {failure}"[:1000]
    store.settle(conn, finding.finding_no, now, error)
    return took


def _take(conn: Connection[Any], finding: Waiting, catalogue: Catalogue, now: datetime) -> Took:
    if finding.claim is Claim.SWITCHED_OFF:
        _note_switched_off(conn, finding, now)
        return Took.NOTHING
    symptom = symptom_of(finding, catalogue)
    if finding.claim is Claim.RAISED:
        return _raise(conn, symptom, now)
    return _clear(conn, symptom, now)


def _raise(conn: Connection[Any], symptom: Symptom, now: datetime) -> Took:
    mine = uuid7(now)
    alert_id = store.raise_alert(conn, symptom, mine, now)
    took = Took.RAISED if alert_id == mine else Took.REPEATED
    _tell(conn, f"alert.{took.lower()}", symptom, alert_id, now)
    return took


def _clear(conn: Connection[Any], symptom: Symptom, now: datetime) -> Took:
    alert = store.lock_active(conn, symptom)
    if alert is None:
        return Took.NOTHING
    store.save(conn, lifecycle.cleared(alert, symptom.at, now))
    _tell(conn, "alert.cleared", symptom, alert.alert_id, now)
    return Took.CLEARED


def _tell(conn: Connection[Any], kind: str, symptom: Symptom, alert_id: UUID, now: datetime) -> None:
    tell(
        conn,
        kind,
        tenant_id=symptom.tenant_id,
        subject_id=alert_id,
        actor=f"detector:{symptom.rule}",
        now=now,
        data={
            "device_no": symptom.device_no,
            "rule": symptom.rule,
            "family": symptom.family,
            "severity": symptom.severity,
            "metric": symptom.metric,
            "observed": symptom.observed,
            "expected": symptom.expected,
            "since": symptom.since.isoformat(),
            "at": symptom.at.isoformat(),
        },
    )


def _note_switched_off(conn: Connection[Any], finding: Waiting, now: datetime) -> None:
    by = Scope(tenant_id=finding.tenant_id, actor=f"detector:{finding.rule}")
    data = {"rule": finding.rule, "evidence": finding.evidence}
    log.note(conn, "detector.switched_off", f"device:{finding.device_no}", by, now, data)

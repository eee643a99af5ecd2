"""Rows of alerts, shelves and waiting findings."""

from dataclasses import asdict
from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg import Connection
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb

from detectors.model import Claim
from ledger.statements import Statements
from ticketing.alerts.model import Alert, Condition, Engagement, Review, SetAside, Waiting
from ticketing.model import Severity, Symptom

_sql = Statements("ticketing.alerts")


def _alert(row: dict[str, Any]) -> Alert:
    return Alert(
        **{
            **row,
            "severity": Severity(row["severity"]),
            "condition": Condition(row["condition"]),
            "engagement": Engagement(row["engagement"]),
            "review": Review(row["review"]) if row["review"] else None,
        }
    )


def _all(conn: Connection[Any], statement: bytes, names: dict[str, Any]) -> list[Alert]:
    with conn.cursor(row_factory=dict_row) as cur:
        return [_alert(row) for row in cur.execute(statement, names)]


def _one(conn: Connection[Any], statement: bytes, names: dict[str, Any]) -> Alert | None:
    return next(iter(_all(conn, statement, names)), None)


def find(conn: Connection[Any], alert_id: UUID) -> Alert | None:
    return _one(conn, _sql.find_alert, {"alert_id": alert_id})


def listed(
    conn: Connection[Any], limit: int = 200, *, device_no: int | None = None, condition: Condition | None = None
) -> list[Alert]:
    return _all(conn, _sql.list_alerts, {"device_no": device_no, "condition": condition, "limit": limit})


def reviews(conn: Connection[Any], limit: int = 200) -> list[Alert]:
    """What waits for a person at the desk."""
    return _all(conn, _sql.list_reviews, {"limit": limit})


def lock(conn: Connection[Any], alert_id: UUID) -> Alert | None:
    return _one(conn, _sql.lock_alert, {"alert_id": alert_id})


def lock_active(conn: Connection[Any], symptom: Symptom) -> Alert | None:
    names = {"tenant_id": symptom.tenant_id, "device_no": symptom.device_no, "rule": symptom.rule}
    return _one(conn, _sql.lock_active_alert, names)


def claim_due(conn: Connection[Any], now: datetime) -> Alert | None:
    """The next alert whose `look_at` has come, locked."""
    return _one(conn, _sql.claim_due_alert, {"now": now})


def raise_alert(conn: Connection[Any], symptom: Symptom, alert_id: UUID, now: datetime) -> UUID:
    """The id of the ACTIVE alert: `alert_id` if this raised it, another one if it stood already."""
    names = {**asdict(symptom), "alert_id": alert_id, "now": now, "evidence": Jsonb(symptom.evidence)}
    row = conn.execute(_sql.raise_alert, names).fetchone()
    assert row is not None
    raised: UUID = row[0]
    return raised


def save(conn: Connection[Any], alert: Alert) -> None:
    conn.execute(
        _sql.save_alert,
        {
            "alert_id": alert.alert_id,
            "condition": alert.condition,
            "engagement": alert.engagement,
            "cleared_at": alert.cleared_at,
            "last_seen": alert.last_seen,
            "ticket_id": alert.ticket_id,
            "review": alert.review,
            "look_at": alert.look_at,
            "waits_for": alert.waits_for,
        },
    )


def shelve(conn: Connection[Any], alert: Alert, until: datetime, reason: str, actor: str, now: datetime) -> None:
    conn.execute(
        _sql.put_on_shelf,
        {
            "tenant_id": alert.tenant_id,
            "device_no": alert.device_no,
            "rule": alert.rule,
            "until": until,
            "reason": reason,
            "actor": actor,
            "now": now,
        },
    )


def shelved_until(conn: Connection[Any], alert: Alert) -> datetime | None:
    names = {"tenant_id": alert.tenant_id, "device_no": alert.device_no, "rule": alert.rule}
    row = conn.execute(_sql.find_shelf, names).fetchone()
    return row[0] if row else None


def listen(conn: Connection[Any]) -> None:
    """From here on `conn.notifies()` wakes for new findings; needs autocommit."""
    conn.execute(_sql.listen_findings)


def waiting(conn: Connection[Any], limit: int) -> list[Waiting]:
    with conn.cursor(row_factory=dict_row) as cur:
        rows = cur.execute(_sql.list_waiting_findings, {"limit": limit})
        return [Waiting(**{**row, "claim": Claim(row["claim"])}) for row in rows]


def settle(conn: Connection[Any], finding_no: int, now: datetime, error: str | None = None) -> None:
    conn.execute(_sql.settle_finding, {"finding_no": finding_no, "now": now, "error": error})


def set_aside(conn: Connection[Any], limit: int = 200) -> list[SetAside]:
    """Findings that could not be taken, with their errors."""
    with conn.cursor(row_factory=dict_row) as cur:
        return [SetAside(**row) for row in cur.execute(_sql.list_set_aside, {"limit": limit})]

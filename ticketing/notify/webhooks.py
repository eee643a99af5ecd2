"""Subscribers: made, listed without their secrets, stopped."""

import secrets
from base64 import b64encode
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg import Connection
from psycopg.rows import class_row

from devices import store as devices
from ledger import log
from ledger.ids import uuid7
from ledger.model import Scope
from ledger.statements import Statements
from ticketing.notify.model import Endpoint, Webhook

_sql = Statements("ticketing.notify")


def subscribe(
    conn: Connection[Any], *, url: str, events: Sequence[str], by: Scope, now: datetime, secret: str | None = None
) -> tuple[UUID, str]:
    """The webhook's id and its secret, which is shown this once. A secret of one's own is `whsec_` + base64."""
    devices.settle_tenant(conn, by.tenant_id)
    webhook_id = uuid7(now)
    secret = secret or "whsec_" + b64encode(secrets.token_bytes(32)).decode()
    conn.execute(
        _sql.insert_webhook,
        {
            "webhook_id": webhook_id,
            "tenant_id": by.tenant_id,
            "url": url,
            "secret": secret,
            "events": list(events),
            "now": now,
        },
    )
    log.note(conn, "webhook.subscribed", str(webhook_id), by, now)
    return webhook_id, secret


def set_active(conn: Connection[Any], webhook_id: UUID, *, active: bool, by: Scope, now: datetime) -> bool:
    """False if there is no such subscriber."""
    changed = conn.execute(_sql.set_webhook_active, {"webhook_id": webhook_id, "active": active}).rowcount == 1
    if changed:
        log.note(conn, "webhook.resumed" if active else "webhook.stopped", str(webhook_id), by, now)
    return changed


def listed(conn: Connection[Any], limit: int = 100) -> list[Webhook]:
    with conn.cursor(row_factory=class_row(Webhook)) as cur:
        return cur.execute(_sql.list_webhooks, {"limit": limit}).fetchall()


def endpoint(conn: Connection[Any], tenant_id: str, webhook_id: UUID) -> Endpoint | None:
    """With the secret: only the relay's role may read it."""
    with conn.cursor(row_factory=class_row(Endpoint)) as cur:
        return cur.execute(_sql.find_endpoint, {"tenant_id": tenant_id, "webhook_id": webhook_id}).fetchone()

"""A claimed device that has been heard is in service: seen from rows of presence, so that no message pays for it."""

from datetime import datetime
from typing import Any

from psycopg import Connection

from devices.lifecycle.transitions import EVENTS
from devices.model import DeviceState
from ledger import log
from ledger.model import Scope
from ledger.statements import Statements

_sql = Statements("ingest.presence")

ACTOR = "relay:lifecycle"


def activate_heard(conn: Connection[Any], now: datetime, limit: int = 100) -> int:
    """How many there were, of all tenants. Call it again at once when `limit` came back."""
    heard = conn.execute(_sql.activate_heard, {"limit": limit}).fetchall()
    for tenant_id, device_id in heard:
        by = Scope(tenant_id=tenant_id, actor=ACTOR)
        log.note(conn, EVENTS[DeviceState.ACTIVE], device_id, by, now, {"from": DeviceState.CLAIMED})
    return len(heard)

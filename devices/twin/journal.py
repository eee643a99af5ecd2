"""Lines of the log about a device's twin: who changed what."""

from datetime import datetime, timedelta
from typing import Any

from psycopg import Connection

from devices.model import Device
from ledger import log
from ledger.model import Scope

RELAY = "relay:twins"
REPORTED = "twin.reported"
MOST_REPORTS_A_DAY = 24  # lines of one device: they are kept for ever, and firmware that reports a counter never stops


def note(conn: Connection[Any], kind: str, device: Device, actor: str, now: datetime, data: dict[str, Any]) -> None:
    log.note(conn, kind, device.device_id, Scope(tenant_id=device.tenant_id, actor=actor), now, data)


def itself(device: Device) -> str:
    """The device as an actor."""
    return f"device:{device.device_id}"


def note_reported(conn: Connection[Any], device: Device, now: datetime, data: dict[str, Any]) -> None:
    """What a device says of itself, so often a day; the last line says so. The twin knows it all the same."""
    since = now - timedelta(days=1)
    lately = log.count_since(conn, REPORTED, device.device_id, device.tenant_id, since, most=MOST_REPORTS_A_DAY)
    if lately < MOST_REPORTS_A_DAY:
        last = {"last_of_day": True} if lately == MOST_REPORTS_A_DAY - 1 else {}
        note(conn, REPORTED, device, itself(device), now, {**data, **last})

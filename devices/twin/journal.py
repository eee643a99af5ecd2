"""Lines of the log about a device's twin: who changed what."""

from datetime import datetime
from typing import Any

from psycopg import Connection

from devices.model import Device
from ledger import log
from ledger.model import Scope

RELAY = "relay:twins"


def note(conn: Connection[Any], kind: str, device: Device, actor: str, now: datetime, data: dict[str, Any]) -> None:
    log.note(conn, kind, device.device_id, Scope(tenant_id=device.tenant_id, actor=actor), now, data)


def itself(device: Device) -> str:
    """The device as an actor."""
    return f"device:{device.device_id}"

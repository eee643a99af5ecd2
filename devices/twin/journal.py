"""Lines of the log about a device's twin: who changed what."""

from datetime import datetime
from typing import Any

from psycopg import Connection

from devices.model import Device
from ledger import log
from ledger.ids import uuid7
from ledger.model import Event

RELAY = "relay:twins"


def note(conn: Connection[Any], kind: str, device: Device, actor: str, now: datetime, data: dict[str, Any]) -> None:
    log.record(
        conn,
        Event(
            event_id=uuid7(now),
            tenant_id=device.tenant_id,
            kind=kind,
            subject_id=device.device_id,
            at=now,
            actor=actor,
            data=data,
        ),
    )


def itself(device: Device) -> str:
    """The device as an actor."""
    return f"device:{device.device_id}"

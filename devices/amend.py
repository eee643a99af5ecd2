"""Facts of a device that turn out to be otherwise: corrected, with the old ones in the log."""

from dataclasses import replace
from datetime import datetime
from typing import Any

import psycopg
from psycopg import Connection

from devices import registry, store
from devices.errors import SerialTakenError, StaleError
from devices.model import Device
from ledger import log
from ledger.model import Scope

FIELDS = ("model", "serial", "place", "region", "made_on", "bought_on", "installed_on")
_PERSONAL = {
    "place",
    "latitude",
    "longitude",
    "given_latitude",
    "given_longitude",
}  # the log says only that they changed


def amend(
    conn: Connection[Any],
    device: Device,
    changes: dict[str, Any],
    *,
    by: Scope,
    now: datetime,
    expected_version: int | None = None,
) -> Device:
    """`changes`: FIELDS, and a point as `registry.pointed` makes it. Raises StaleError, SerialTakenError."""
    current = registry.locked(conn, device.device_no)
    if expected_version not in (None, current.version):
        raise StaleError(f"device {current.device_id!r}", expected_version or 0, current.version)
    was = {name: getattr(current, name) for name, value in changes.items() if getattr(current, name) != value}
    if not was:
        return current
    amended = replace(current, **changes, version=current.version + 1)
    try:
        with conn.transaction():
            store.save_device(conn, amended)
    except psycopg.errors.UniqueViolation:
        raise SerialTakenError(current.device_id, amended.model, amended.serial) from None
    log.note(conn, "device.amended", current.device_id, by, now, said(was))
    return amended


def said(was: dict[str, Any]) -> dict[str, Any]:
    """As the log keeps it: which facts changed, and what those were that say nothing of a person."""
    kept = {name: str(value) if value else None for name, value in was.items() if name not in _PERSONAL}
    return {"fields": sorted(was), "was": kept}

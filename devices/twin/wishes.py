"""Somebody desires something of a device, and what it says of itself is set beside that."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from psycopg import Connection

from devices import registry
from devices.model import ApplianceClass, Device
from devices.twin import accepts, journal, merge, orders, store
from devices.twin.model import Report, Twin
from ledger.model import Scope


def desire(
    conn: Connection[Any],
    device: Device,
    appliance: ApplianceClass,
    patch: Mapping[str, Any],
    *,
    expected: int,
    by: Scope,
    now: datetime,
) -> Twin:
    """The twin with these settings desired; what must be said for it is noted in the same row. Raises StaleTwinError,
    SettingRefusedError, GoneError."""
    accepts.check_there(registry.held(conn, device.device_no))  # whoever retires or sells it takes his turn
    before = store.lock_twin(conn, device.tenant_id, device.device_no)
    accepts.check(appliance, patch)
    after = merge.desire(before, patch, expected, by=by.actor, now=now)
    if after is not before:
        store.save_desired(conn, after)
        journal.note(conn, "twin.desired", device, by.actor, now, {"version": after.version, "state": dict(patch)})
        store.hint(conn)
    return after


def end(conn: Connection[Any], device: Device, because: str, *, by: Scope, now: datetime) -> None:
    """What its old owner, or whoever had it in service, desired of it and told it holds no longer; the brokers hear it
    by the same row as any wish."""
    before = store.lock_twin(conn, device.tenant_id, device.device_no)
    after = merge.end(before, by=by.actor, now=now)
    if after is not before:
        store.save_desired(conn, after)
        data = {"version": after.version, "state": dict.fromkeys(before.desired), "because": because}
        journal.note(conn, "twin.desired", device, by.actor, now, data)
        store.hint(conn)
    orders.end(conn, device, because, by=by, now=now)


def take_reports(
    conn: Connection[Any],
    device: Device,
    appliance: ApplianceClass | None,
    said: Sequence[tuple[Report, datetime]],
    now: datetime,
) -> Twin:
    """One after the other, each with when the log received it; a line is written where something has changed."""
    twin = store.lock_twin(conn, device.tenant_id, device.device_no)
    known = frozenset(accepts.adjustables_of(appliance)) if appliance is not None else frozenset[str]()
    changed: dict[str, Any] = {}
    left_out = 0
    for report, at in said:
        after = merge.report(twin, report, known, at)
        twin = after.twin
        changed |= after.changed
        left_out += after.left_out
    store.save_reported(conn, twin)
    if changed or left_out:
        data = {"changed": changed, **({"left_out": left_out} if left_out else {})}
        journal.note_reported(conn, device, now, data)
    return twin

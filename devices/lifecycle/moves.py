"""The one way from state to state: a device is claimed, put in service, retired, replaced or resold.

Each takes the row's lock, asks the table, saves, and writes a line of the log; all in the caller's transaction.
"""

from dataclasses import replace as changed
from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg import Connection

from devices import registry, store
from devices.errors import DeviceOwnedError, NoSuccessor, StaleError, SuccessorError, UnknownCustomerError
from devices.lifecycle import transitions
from devices.model import Device, DeviceState
from devices.twin import wishes
from ledger import log
from ledger.model import Scope

S = DeviceState


def claim(conn: Connection[Any], device: Device, customer_id: UUID, *, by: Scope, now: datetime) -> Device:
    """The customer's from now on; said again by the owner, nothing changes. Whether he may is for the caller to know.

    Raises DeviceOwnedError, DeviceTransitionError, UnknownCustomerError.
    """
    device = registry.locked(conn, device.device_no)
    if device.customer_id == customer_id:
        return device
    if device.customer_id is not None:
        raise DeviceOwnedError(device.device_id)
    if registry.customer(conn, device.tenant_id, customer_id) is None:
        raise UnknownCustomerError(customer_id)
    data = {"customer_id": str(customer_id)}
    claimed = _move(conn, device, S.CLAIMED, data, by=by, now=now, customer_id=customer_id)
    store.start_ownership(conn, claimed, customer_id, now)
    return claimed


def activate(
    conn: Connection[Any], device: Device, *, by: Scope, now: datetime, expected_version: int | None = None
) -> Device:
    """Into service, for the first time or again. Raises DeviceTransitionError, StaleError."""
    return _move(conn, _seen(conn, device, expected_version), S.ACTIVE, {}, by=by, now=now)


def retire(
    conn: Connection[Any],
    device: Device,
    *,
    by: Scope,
    now: datetime,
    reason: str = "",
    expected_version: int | None = None,
) -> Device:
    """Out of service: what it says is kept, nobody is asked. Raises DeviceTransitionError, StaleError."""
    return _move(conn, _seen(conn, device, expected_version), S.RETIRED, {"reason": reason}, by=by, now=now)


def resell(
    conn: Connection[Any],
    device: Device,
    *,
    to: UUID | None = None,
    by: Scope,
    now: datetime,
    expected_version: int | None = None,
) -> Device:
    """It leaves its owner, whose access ends here, and goes `to` the next one if he is known.

    Where it stood was the old owner's address: the new one does not see it. Its readings, tickets and the line of the
    log that says this stay. Raises DeviceTransitionError, StaleError, UnknownCustomerError.
    """
    device = _seen(conn, device, expected_version)
    data = {
        "customer_id": str(device.customer_id) if device.customer_id else None,
        "place": device.place,
        "region": device.region,
        "site": device.site,
    }
    nowhere = {"place": "", "region": "", "site": None, "gateway_no": None, **registry.pointed(None)}
    resold = _move(conn, device, S.RESOLD, data, by=by, now=now, customer_id=None, **nowhere)
    store.end_ownership(conn, device.device_no, now)
    return resold if to is None else claim(conn, resold, to, by=by, now=now)


def replace(
    conn: Connection[Any],
    device: Device,
    successor: Device,
    *,
    by: Scope,
    now: datetime,
    expected_version: int | None = None,
) -> tuple[Device, Device]:
    """`successor` stands where `device` stood, under its label, and is its owner's; `device` keeps its history.

    Both labels lead to the successor. Raises DeviceTransitionError, StaleError, SuccessorError.
    """
    for number in sorted({device.device_no, successor.device_no}):  # two who replace at once take turns
        registry.locked(conn, number)
    old, new = _seen(conn, device, expected_version), registry.locked(conn, successor.device_no)
    transitions.check(old, S.REPLACED)
    _refuse_successor(old, new)
    replaced = _move(
        conn,
        old,
        S.REPLACED,
        {"successor": new.device_id},
        by=by,
        now=now,
        gateway_no=None,
        successor_no=new.device_no,
    )
    _exchange_labels(conn, old, new)
    if new.gateway_no is None:
        for device_id, site in store.move_children(conn, old.device_no, new.device_no):
            log.note(conn, "device.placed", device_id, by, now, {"gateway": new.device_id, "site": site})
    return replaced, _stand_in(conn, old, new, by=by, now=now)


def _refuse_successor(old: Device, new: Device) -> None:
    if new.device_no == old.device_no:
        raise SuccessorError(old.device_id, new.device_id, NoSuccessor.ITSELF, "it is the same device")
    if new.state in transitions.OUT_OF_SERVICE:
        raise SuccessorError(old.device_id, new.device_id, NoSuccessor.OUT_OF_SERVICE, f"it is {new.state}")
    if new.customer_id not in (None, old.customer_id):
        raise SuccessorError(old.device_id, new.device_id, NoSuccessor.OWNED, "it belongs to somebody else")


def _exchange_labels(conn: Connection[Any], old: Device, new: Device) -> None:
    """The label stays on the wall; the one that the new device came with leads to it by way of the old one."""
    store.relabel_device(conn, old.device_no, registry.new_label())
    store.relabel_device(conn, new.device_no, old.label_token)
    store.relabel_device(conn, old.device_no, new.label_token)


def _stand_in(conn: Connection[Any], old: Device, new: Device, *, by: Scope, now: datetime) -> Device:
    """Where the old one stood, and whose it was."""
    point = {name: getattr(old, name) for name in registry.pointed(None)}
    gateway_no = old.gateway_no if old.gateway_no != new.device_no else None
    placed = changed(
        new, place=old.place, region=old.region, site=old.site, gateway_no=gateway_no, version=new.version + 1, **point
    )
    store.save_device(conn, placed)
    log.note(conn, "device.installed", new.device_id, by, now, {"replaces": old.device_id})
    if old.customer_id is not None:
        claim(conn, new, old.customer_id, by=by, now=now)
    return registry.locked(conn, new.device_no)


def _seen(conn: Connection[Any], device: Device, expected_version: int | None) -> Device:
    """The device as it is now, locked; refused if it is not what the caller saw."""
    current = registry.locked(conn, device.device_no)
    if expected_version not in (None, current.version):
        raise StaleError(f"device {current.device_id!r}", expected_version or 0, current.version)
    return current


def _move(
    conn: Connection[Any],
    device: Device,
    to: DeviceState,
    data: dict[str, Any],
    *,
    by: Scope,
    now: datetime,
    **changes: Any,
) -> Device:
    transitions.check(device, to)
    moved = changed(device, state=to, version=device.version + 1, **changes)
    store.save_device(conn, moved)
    log.note(conn, transitions.EVENTS[to], device.device_id, by, now, {"from": device.state, **data})
    if to in transitions.LEAVES:
        wishes.end(conn, moved, to, by=by, now=now)
    return moved

"""Who exists: devices are registered once, found by topic, number or label; recordings keep their shift."""

import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg import Connection

from devices import labels, store
from devices.errors import BadIdError, DeviceTakenError, GatewayError, UnknownClassError, UnknownDeviceError
from devices.model import Address, Catalogue, Customer, Device, Recording
from ledger import log, scope
from ledger.ids import uuid7
from ledger.model import Event, Scope

_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
_NOBODY = UUID(int=0)


@dataclass(frozen=True, kw_only=True)
class Owner:
    """What is said of a customer when a device is registered."""

    name: str
    language: str = "en"
    time_zone: str = "UTC"
    email: str | None = None
    phone: str | None = None


@dataclass(frozen=True, kw_only=True)
class Registration:
    """What is said of a device; said again, it must be the same."""

    device_id: str
    class_id: str
    model: str
    serial: str
    place: str = ""
    region: str = ""
    owner: Owner | None = None


@dataclass(frozen=True, kw_only=True)
class Registered:
    device: Device
    created: bool


def register(
    conn: Connection[Any], catalogue: Catalogue, said: Registration, *, by: Scope, now: datetime
) -> Registered:
    """The device of these facts. Raises BadIdError, UnknownClassError, DeviceTakenError when a fact differs."""
    if not _ID.fullmatch(said.device_id):
        raise BadIdError(said.device_id)
    if said.class_id not in catalogue:
        raise UnknownClassError(said.class_id, sorted(catalogue))
    standing = store.find_device(conn, by.tenant_id, said.device_id)
    if standing is None:
        store.settle_tenant(conn, by.tenant_id)
        device = _new_device(conn, said, by, now)
        device_no = store.insert_device(conn, device)
        if device_no is not None:
            _note(conn, "device.registered", device.device_id, by, now, {"class_id": device.class_id})
            return Registered(device=replace(device, device_no=device_no), created=True)
        standing = store.find_device(conn, by.tenant_id, said.device_id)  # somebody was faster, or has the serial
    if standing is None:
        raise DeviceTakenError(said.device_id, "device_id for this serial")
    _refuse_other_facts(conn, standing, said)
    return Registered(device=standing, created=False)


def _new_device(conn: Connection[Any], said: Registration, by: Scope, now: datetime) -> Device:
    return Device(
        device_no=0,
        device_id=said.device_id,
        tenant_id=by.tenant_id,
        class_id=said.class_id,
        model=said.model,
        serial=said.serial,
        customer_id=_settle_customer(conn, said.owner, by, now),
        place=said.place,
        region=said.region,
        label_token=labels.spell(secrets.token_bytes(17)),
        registered_at=now,
    )


def _settle_customer(conn: Connection[Any], owner: Owner | None, by: Scope, now: datetime) -> UUID | None:
    if owner is None:
        return None
    customer = _as_customer(owner, by.tenant_id, uuid7(now))
    known = store.find_same_customer(conn, customer)
    if known is None:
        store.insert_customer(conn, customer)
        _note(conn, "customer.registered", str(customer.customer_id), by, now, {})
    return (known or customer).customer_id


def _as_customer(owner: Owner, tenant_id: str, customer_id: UUID) -> Customer:
    return Customer(
        customer_id=customer_id,
        tenant_id=tenant_id,
        name=owner.name,
        language=owner.language,
        time_zone=owner.time_zone,
        email=owner.email,
        phone=owner.phone,
    )


def _refuse_other_facts(conn: Connection[Any], device: Device, said: Registration) -> None:
    for field in ("class_id", "model", "serial", "place", "region"):
        if getattr(device, field) != getattr(said, field):
            raise DeviceTakenError(device.device_id, field)
    owner = customer_of(conn, device)
    expected = _as_customer(said.owner, device.tenant_id, device.customer_id or _NOBODY) if said.owner else None
    if owner != expected:
        raise DeviceTakenError(device.device_id, "customer")


def settle_tenant(conn: Connection[Any], tenant_id: str) -> None:
    """Whatever a tenant owns needs its row; until tenants are managed, the first who speaks for one makes it."""
    store.settle_tenant(conn, tenant_id)


def find(conn: Connection[Any], tenant_id: str, device_id: str) -> Device:
    """Raises UnknownDeviceError."""
    device = store.find_device(conn, tenant_id, device_id)
    if device is None:
        raise UnknownDeviceError(device_id)
    return device


def place(
    conn: Connection[Any], device: Device, gateway_id: str | None, site: str | None, *, by: Scope, now: datetime
) -> Device:
    """The device, behind that gateway and at that site from now on. Raises UnknownDeviceError, GatewayError."""
    store.lock_devices(conn)
    gateway_no = None if gateway_id is None else _gateway_of(conn, device, gateway_id)
    placed = replace(device, gateway_no=gateway_no, site=site)
    if placed != device:
        store.place_device(conn, placed)
        _note(conn, "device.placed", device.device_id, by, now, {"gateway": gateway_id, "site": site})
    return placed


def _gateway_of(conn: Connection[Any], device: Device, gateway_id: str) -> int:
    found = store.find_gateway(conn, device, gateway_id)
    if found is None:
        raise UnknownDeviceError(gateway_id)
    gateway_no, has_gateway, has_children = found
    if gateway_no == device.device_no:
        raise GatewayError(device.device_id, gateway_id, "it would stand behind itself")
    if has_gateway:
        raise GatewayError(device.device_id, gateway_id, "that one stands behind a gateway itself")
    if has_children:
        raise GatewayError(device.device_id, gateway_id, "it is a gateway itself")
    return gateway_no


def by_no(conn: Connection[Any], device_no: int) -> Device:
    """Raises UnknownDeviceError."""
    device = store.find_device_by_no(conn, device_no)
    if device is None:
        raise UnknownDeviceError(str(device_no))
    return device


def by_label(conn: Connection[Any], label_token: str) -> Device | None:
    """The appliance that wears this label, whichever tenant's it is: before a scope is entered."""
    token_sha256 = labels.sha256(labels.read(label_token))
    scope.show_token(conn, token_sha256)
    return store.find_device_by_label(conn, token_sha256)


def customer(conn: Connection[Any], tenant_id: str, customer_id: UUID) -> Customer | None:
    return store.find_customer(conn, tenant_id, customer_id)


def customer_of(conn: Connection[Any], device: Device) -> Customer | None:
    return store.find_customer(conn, device.tenant_id, device.customer_id) if device.customer_id else None


def listed(conn: Connection[Any], tenant_id: str, *, after: int = 0, limit: int = 100) -> list[Device]:
    """A page in order of `device_no`, beginning after `after`."""
    return store.list_devices(conn, tenant_id, after=after, limit=limit)


def addresses(conn: Connection[Any], keys: Sequence[tuple[str, str]]) -> dict[tuple[str, str], Address]:
    """For (tenant_id, device_id) pairs; those that do not exist are absent."""
    return store.find_addresses(conn, keys)


def keep_recording(
    conn: Connection[Any], device: Device, recording: Recording, *, by: Scope, now: datetime
) -> Recording:
    """The recording as the first run said it; a later one with another shift changes nothing."""
    before = _recording(conn, device, recording.sha256)
    if before is None:
        store.insert_recording(conn, device.tenant_id, recording)
        said = {"sha256": recording.sha256, "shift_ms": recording.shift_ms, "keep_time": recording.keep_time}
        _note(conn, "device.recording_set", device.device_id, by, now, said)
    return before or _recording(conn, device, recording.sha256) or recording


def recordings(conn: Connection[Any], device: Device) -> list[Recording]:
    return store.list_recordings(conn, device.tenant_id, device.device_no)


def _recording(conn: Connection[Any], device: Device, sha256: str) -> Recording | None:
    return next((kept for kept in recordings(conn, device) if kept.sha256 == sha256), None)


def _note(conn: Connection[Any], kind: str, subject_id: str, by: Scope, now: datetime, data: dict[str, Any]) -> None:
    log.record(
        conn,
        Event(
            event_id=uuid7(now),
            tenant_id=by.tenant_id,
            kind=kind,
            subject_id=subject_id,
            at=now,
            actor=by.actor,
            data=data,
        ),
    )

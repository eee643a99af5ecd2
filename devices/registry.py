"""Who exists: devices are registered once, found by topic, number or label."""

import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any
from uuid import UUID

from psycopg import Connection

from devices import labels, store
from devices.datum import Point, to_wgs84
from devices.errors import (
    BadIdError,
    DeviceTakenError,
    SerialTakenError,
    UnknownClassError,
    UnknownDeviceError,
)
from devices.model import (
    Address,
    Catalogue,
    Customer,
    Device,
    DeviceFilter,
    DeviceState,
    Ownership,
)
from ledger import log, scope
from ledger.ids import uuid7
from ledger.model import Scope

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
    made_on: date | None = None
    bought_on: date | None = None
    installed_on: date | None = None
    point: Point | None = None
    owner: Owner | None = None


@dataclass(frozen=True, kw_only=True)
class Registered:
    device: Device
    created: bool


def register(
    conn: Connection[Any], catalogue: Catalogue, said: Registration, *, by: Scope, now: datetime
) -> Registered:
    """The device of these facts. Raises BadIdError, UnknownClassError, SerialTakenError, DeviceTakenError when a fact
    differs."""
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
            device = replace(device, device_no=device_no)
            if device.customer_id is not None:
                store.start_ownership(conn, device, device.customer_id, now)
            log.note(conn, "device.registered", device.device_id, by, now, {"class_id": device.class_id})
            return Registered(device=device, created=True)
        standing = store.find_device(conn, by.tenant_id, said.device_id)  # somebody was faster, or has the serial
    if standing is None:
        raise SerialTakenError(said.device_id, said.model, said.serial)
    _refuse_other_facts(conn, standing, said)
    return Registered(device=standing, created=False)


def _new_device(conn: Connection[Any], said: Registration, by: Scope, now: datetime) -> Device:
    customer_id = _settle_customer(conn, said.owner, by, now)
    return Device(
        device_no=0,
        device_id=said.device_id,
        tenant_id=by.tenant_id,
        class_id=said.class_id,
        model=said.model,
        serial=said.serial,
        customer_id=customer_id,
        place=said.place,
        region=said.region,
        label_token=new_label(),
        registered_at=now,
        state=DeviceState.CLAIMED if customer_id else DeviceState.MADE,
        made_on=said.made_on,
        bought_on=said.bought_on,
        installed_on=said.installed_on,
        **pointed(said.point),
    )


def new_label() -> str:
    return labels.spell(secrets.token_bytes(17))


def pointed(point: Point | None) -> dict[str, Any]:
    """A point as a device's or a site's fields: in WGS-84, and as it was given."""
    wgs84 = to_wgs84(point) if point else None
    return {
        "latitude": wgs84.latitude if wgs84 else None,
        "longitude": wgs84.longitude if wgs84 else None,
        "datum": point.datum if point else None,
        "given_latitude": point.latitude if point else None,
        "given_longitude": point.longitude if point else None,
    }


def _settle_customer(conn: Connection[Any], owner: Owner | None, by: Scope, now: datetime) -> UUID | None:
    if owner is None:
        return None
    customer = _as_customer(owner, by.tenant_id, uuid7(now))
    known = store.find_same_customer(conn, customer)
    if known is None:
        store.insert_customer(conn, customer)
        log.note(conn, "customer.registered", str(customer.customer_id), by, now, {})
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
    for field in ("class_id", "model", "serial", "place", "region", "made_on", "bought_on", "installed_on"):
        if getattr(device, field) != getattr(said, field):
            raise DeviceTakenError(device.device_id, field)
    if any(getattr(device, field) != value for field, value in pointed(said.point).items()):
        raise DeviceTakenError(device.device_id, "point")
    owner = customer_of(conn, device)
    expected = _as_customer(said.owner, device.tenant_id, device.customer_id or _NOBODY) if said.owner else None
    if (replace(owner, version=1) if owner else None) != expected:
        raise DeviceTakenError(device.device_id, "customer")


def settle_tenant(conn: Connection[Any], tenant_id: str) -> None:
    """Whatever a tenant owns needs its row; until tenants are managed, the first who speaks for one makes it."""
    store.settle_tenant(conn, tenant_id)


def tenant_name(conn: Connection[Any], tenant_id: str) -> str:
    """Its id until somebody names it."""
    return store.find_tenant_name(conn, tenant_id) or tenant_id


def name_tenant(conn: Connection[Any], name: str, *, by: Scope, now: datetime) -> None:
    store.settle_tenant(conn, by.tenant_id)
    if store.name_tenant(conn, by.tenant_id, name):
        log.note(conn, "tenant.named", by.tenant_id, by, now, {"name": name})


def find(conn: Connection[Any], tenant_id: str, device_id: str) -> Device:
    """Raises UnknownDeviceError."""
    device = store.find_device(conn, tenant_id, device_id)
    if device is None:
        raise UnknownDeviceError(device_id)
    return device


def locked(conn: Connection[Any], device_no: int) -> Device:
    """As it is now, and stays until the transaction ends. Raises UnknownDeviceError."""
    device = store.lock_device(conn, device_no)
    if device is None:
        raise UnknownDeviceError(str(device_no))
    return device


def held(conn: Connection[Any], device_no: int) -> Device:
    """As it is now; no move comes between until the transaction ends, corrections may. Raises UnknownDeviceError."""
    device = store.hold_device(conn, device_no)
    if device is None:
        raise UnknownDeviceError(str(device_no))
    return device


def by_no(conn: Connection[Any], device_no: int) -> Device:
    """Raises UnknownDeviceError."""
    device = store.find_device_by_no(conn, device_no)
    if device is None:
        raise UnknownDeviceError(str(device_no))
    return device


def by_label(conn: Connection[Any], label_token: str) -> Device | None:
    """The appliance that wears this label, or the one that replaced it, whichever tenant's it is: before a scope is
    entered."""
    token_sha256 = labels.sha256(labels.read(label_token))
    scope.show_token(conn, token_sha256)
    device = store.find_device_by_label(conn, token_sha256)
    if device is None or device.successor_no is None:
        return device
    scope.enter(conn, Scope(tenant_id=device.tenant_id, actor=f"label:{device.device_id}"))
    return store.find_successor(conn, device.device_no)


def by_serial(conn: Connection[Any], tenant_id: str, model: str, serial: str) -> Device | None:
    """The appliance that its maker calls so."""
    device_no = store.find_device_by_serial(conn, tenant_id, model, serial)
    return None if device_no is None else by_no(conn, device_no)


def customer(conn: Connection[Any], tenant_id: str, customer_id: UUID) -> Customer | None:
    return store.find_customer(conn, tenant_id, customer_id)


def customer_of(conn: Connection[Any], device: Device) -> Customer | None:
    return store.find_customer(conn, device.tenant_id, device.customer_id) if device.customer_id else None


def listed(
    conn: Connection[Any], tenant_id: str, asked: DeviceFilter | None = None, *, after: int = 0, limit: int = 100
) -> list[Device]:
    """A page in order of `device_no`, beginning after `after`."""
    return store.list_devices(conn, tenant_id, asked or DeviceFilter(), after=after, limit=limit)


def owners(conn: Connection[Any], device: Device) -> list[Ownership]:
    """Who had it when, the first one first."""
    return store.list_ownership(conn, device.device_no)


def addresses(conn: Connection[Any], keys: Sequence[tuple[str, str]]) -> dict[tuple[str, str], Address]:
    """For (tenant_id, device_id) pairs; those that do not exist are absent."""
    return store.find_addresses(conn, keys)

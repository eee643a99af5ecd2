"""Rows of the devices room and the values they stand for."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import Any
from uuid import UUID

from psycopg import Connection
from psycopg.rows import class_row
from psycopg.types.json import Jsonb

from devices.model import Address, Customer, Device, Recording
from ledger.statements import Statements

_sql = Statements("devices")


def settle_tenant(conn: Connection[Any], tenant_id: str) -> None:
    conn.execute(_sql.settle_tenant, {"tenant_id": tenant_id})


def insert_customer(conn: Connection[Any], customer: Customer) -> None:
    conn.execute(_sql.insert_customer, asdict(customer))


def find_customer(conn: Connection[Any], tenant_id: str, customer_id: UUID) -> Customer | None:
    with conn.cursor(row_factory=class_row(Customer)) as cur:
        return cur.execute(_sql.find_customer, {"tenant_id": tenant_id, "customer_id": customer_id}).fetchone()


def find_same_customer(conn: Connection[Any], customer: Customer) -> Customer | None:
    """One with the same facts and an address of his own; `customer`'s id is not looked at."""
    with conn.cursor(row_factory=class_row(Customer)) as cur:
        return cur.execute(_sql.find_same_customer, asdict(customer)).fetchone()


def insert_device(conn: Connection[Any], device: Device) -> int | None:
    """The number that the database gave; None when the id or the serial is taken."""
    row = conn.execute(_sql.insert_device, asdict(device)).fetchone()
    return row[0] if row else None


def _one(conn: Connection[Any], statement: bytes, names: dict[str, Any]) -> Device | None:
    with conn.cursor(row_factory=class_row(Device)) as cur:
        return cur.execute(statement, names).fetchone()


def find_device(conn: Connection[Any], tenant_id: str, device_id: str) -> Device | None:
    return _one(conn, _sql.find_device, {"tenant_id": tenant_id, "device_id": device_id})


def find_device_by_no(conn: Connection[Any], device_no: int) -> Device | None:
    return _one(conn, _sql.find_device_by_no, {"device_no": device_no})


def find_device_by_label(conn: Connection[Any], label_sha256: bytes) -> Device | None:
    return _one(conn, _sql.find_device_by_label, {"label_sha256": label_sha256.hex()})


def find_devices_by_no(conn: Connection[Any], device_nos: Iterable[int]) -> dict[int, Device]:
    with conn.cursor(row_factory=class_row(Device)) as cur:
        rows = cur.execute(_sql.find_devices_by_no, {"device_nos": sorted(set(device_nos))})
        return {device.device_no: device for device in rows}


def lock_devices(conn: Connection[Any]) -> None:
    conn.execute(_sql.lock_devices)


def find_gateway(conn: Connection[Any], device: Device, gateway_id: str) -> tuple[int, bool, bool] | None:
    """Its number, whether it stands behind a gateway itself, whether others stand behind the device."""
    names = {"tenant_id": device.tenant_id, "gateway_id": gateway_id, "device_no": device.device_no}
    return conn.execute(_sql.find_gateway, names).fetchone()


def place_device(conn: Connection[Any], device: Device) -> None:
    conn.execute(_sql.place_device, asdict(device))


def list_devices(conn: Connection[Any], tenant_id: str, *, after: int, limit: int) -> list[Device]:
    with conn.cursor(row_factory=class_row(Device)) as cur:
        return cur.execute(_sql.list_devices, {"tenant_id": tenant_id, "after": after, "limit": limit}).fetchall()


def count_devices(conn: Connection[Any], tenant_id: str) -> int:
    (count,) = conn.execute(_sql.count_devices, {"tenant_id": tenant_id}).fetchone() or (0,)
    return int(count)


def find_addresses(conn: Connection[Any], keys: Sequence[tuple[str, str]]) -> dict[tuple[str, str], Address]:
    names = {"tenant_ids": [tenant_id for tenant_id, _ in keys], "device_ids": [device_id for _, device_id in keys]}
    rows = conn.execute(_sql.find_addresses, names)
    return {(tenant_id, device_id): Address(device_no, class_id) for tenant_id, device_id, device_no, class_id in rows}


def insert_recording(conn: Connection[Any], tenant_id: str, recording: Recording) -> None:
    names = {**asdict(recording), "tenant_id": tenant_id, "facts": Jsonb(recording.facts)}
    conn.execute(_sql.insert_recording, names)


def list_recordings(conn: Connection[Any], tenant_id: str, device_no: int) -> list[Recording]:
    with conn.cursor(row_factory=class_row(Recording)) as cur:
        return cur.execute(_sql.list_recordings, {"tenant_id": tenant_id, "device_no": device_no}).fetchall()

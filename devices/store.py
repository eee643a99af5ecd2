"""Rows of the devices room and the values they stand for."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg import Connection
from psycopg.rows import class_row, kwargs_row
from psycopg.types.json import Jsonb

from devices.datum import Datum
from devices.model import Address, Customer, Device, DeviceFilter, DeviceState, Ownership, Recording
from ledger.statements import Statements

_sql = Statements("devices")


def _device(**row: Any) -> Device:
    datum = Datum(row["datum"]) if row["datum"] else None
    return Device(**{**row, "state": DeviceState(row["state"]), "datum": datum})


def settle_tenant(conn: Connection[Any], tenant_id: str) -> None:
    conn.execute(_sql.settle_tenant, {"tenant_id": tenant_id})


def find_tenant_name(conn: Connection[Any], tenant_id: str) -> str | None:
    row = conn.execute(_sql.find_tenant_name, {"tenant_id": tenant_id}).fetchone()
    return row[0] if row else None


def name_tenant(conn: Connection[Any], tenant_id: str, name: str) -> bool:
    """False if it was called that."""
    return conn.execute(_sql.name_tenant, {"tenant_id": tenant_id, "name": name}).rowcount == 1


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
    with conn.cursor(row_factory=kwargs_row(_device)) as cur:
        return cur.execute(statement, names).fetchone()


def find_device(conn: Connection[Any], tenant_id: str, device_id: str) -> Device | None:
    return _one(conn, _sql.find_device, {"tenant_id": tenant_id, "device_id": device_id})


def find_device_by_no(conn: Connection[Any], device_no: int) -> Device | None:
    return _one(conn, _sql.find_device_by_no, {"device_no": device_no})


def find_device_by_label(conn: Connection[Any], label_sha256: bytes) -> Device | None:
    return _one(conn, _sql.find_device_by_label, {"label_sha256": label_sha256.hex()})


def find_device_by_serial(conn: Connection[Any], tenant_id: str, model: str, serial: str) -> int | None:
    names = {"tenant_id": tenant_id, "model": model, "serial": serial}
    row = conn.execute(_sql.find_device_by_serial, names).fetchone()
    return row[0] if row else None


def find_devices_by_no(conn: Connection[Any], device_nos: Iterable[int]) -> dict[int, Device]:
    with conn.cursor(row_factory=kwargs_row(_device)) as cur:
        rows = cur.execute(_sql.find_devices_by_no, {"device_nos": sorted(set(device_nos))})
        return {device.device_no: device for device in rows}


def lock_devices(conn: Connection[Any]) -> None:
    conn.execute(_sql.lock_devices)


def find_gateway(conn: Connection[Any], device: Device, gateway_id: str) -> tuple[int, bool, bool] | None:
    """Its number, whether it stands behind a gateway itself, whether others stand behind the device."""
    names = {"tenant_id": device.tenant_id, "gateway_id": gateway_id, "device_no": device.device_no}
    return conn.execute(_sql.find_gateway, names).fetchone()


def lock_device(conn: Connection[Any], device_no: int) -> Device | None:
    return _one(conn, _sql.lock_device, {"device_no": device_no})


def hold_device(conn: Connection[Any], device_no: int) -> Device | None:
    return _one(conn, _sql.hold_device, {"device_no": device_no})


def save_device(conn: Connection[Any], device: Device) -> None:
    conn.execute(_sql.save_device, asdict(device))


def relabel_device(conn: Connection[Any], device_no: int, label_token: str) -> None:
    conn.execute(_sql.relabel_device, {"device_no": device_no, "label_token": label_token})


def move_children(conn: Connection[Any], device_no: int, successor_no: int) -> list[tuple[str, str | None]]:
    """The id and the site of each."""
    names = {"device_no": device_no, "successor_no": successor_no}
    return sorted(conn.execute(_sql.move_children, names).fetchall())


def find_successor(conn: Connection[Any], device_no: int) -> Device | None:
    """The device itself if nothing replaced it."""
    return _one(conn, _sql.find_successor, {"device_no": device_no})


def settle_site(conn: Connection[Any], tenant_id: str, name: str) -> bool:
    """Whether there was none of that name."""
    return conn.execute(_sql.settle_site, {"tenant_id": tenant_id, "name": name}).rowcount == 1


def start_ownership(conn: Connection[Any], device: Device, customer_id: UUID, now: datetime) -> None:
    names = {"device_no": device.device_no, "tenant_id": device.tenant_id, "customer_id": customer_id, "now": now}
    conn.execute(_sql.start_ownership, names)


def end_ownership(conn: Connection[Any], device_no: int, now: datetime) -> None:
    conn.execute(_sql.end_ownership, {"device_no": device_no, "now": now})


def list_ownership(conn: Connection[Any], device_no: int) -> list[Ownership]:
    with conn.cursor(row_factory=class_row(Ownership)) as cur:
        return cur.execute(_sql.list_ownership, {"device_no": device_no}).fetchall()


def list_devices(conn: Connection[Any], tenant_id: str, asked: DeviceFilter, *, after: int, limit: int) -> list[Device]:
    """Planned anew each time: what is asked for decides which index serves."""
    names = {**asdict(asked), "tenant_id": tenant_id, "after": after, "limit": limit}
    with conn.cursor(row_factory=kwargs_row(_device)) as cur:
        return cur.execute(_sql.list_devices, names, prepare=False).fetchall()


def count_devices(conn: Connection[Any], tenant_id: str) -> int:
    (count,) = conn.execute(_sql.count_devices, {"tenant_id": tenant_id}).fetchone() or (0,)
    return int(count)


def find_addresses(conn: Connection[Any], keys: Sequence[tuple[str, str]]) -> dict[tuple[str, str], Address]:
    names = {"tenant_ids": [tenant_id for tenant_id, _ in keys], "device_ids": [device_id for _, device_id in keys]}
    rows = conn.execute(_sql.find_addresses, names)
    return {(tenant_id, device_id): Address(*address) for tenant_id, device_id, *address in rows}


def list_models(conn: Connection[Any], class_ids: Sequence[str]) -> list[tuple[int, str, str, str]]:
    """Number, class, tenant and model of all devices of these classes."""
    return conn.execute(_sql.list_models, {"class_ids": list(class_ids)}).fetchall()


def insert_recording(conn: Connection[Any], tenant_id: str, recording: Recording) -> None:
    names = {**asdict(recording), "tenant_id": tenant_id, "facts": Jsonb(recording.facts)}
    conn.execute(_sql.insert_recording, names)


def list_recordings(conn: Connection[Any], tenant_id: str, device_no: int) -> list[Recording]:
    with conn.cursor(row_factory=class_row(Recording)) as cur:
        return cur.execute(_sql.list_recordings, {"tenant_id": tenant_id, "device_no": device_no}).fetchall()

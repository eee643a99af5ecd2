"""Rows of many devices at once: one statement a batch, arrays in, arrays out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg import Connection
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb

from devices.datum import Datum
from devices.imports.decide import Book
from devices.imports.model import Known, Person, Standing
from devices.model import Customer, Device, DeviceState
from ledger.ids import uuid7
from ledger.model import Scope
from ledger.statements import Statements

_sql = Statements("devices.imports")
_PERSON = ("name", "email", "phone", "language", "time_zone")
_COLUMNS = (
    "model", "serial", "customer_id", "place", "region", "site", "state", "made_on", "bought_on", "installed_on",
    "latitude", "longitude", "datum", "given_latitude", "given_longitude",
)  # fmt: skip


def _standing(row: dict[str, Any]) -> Standing:
    gateway = row.pop("gateway")
    person = {name: row.pop(name) for name in _PERSON}
    row["state"] = DeviceState(row["state"])
    row["datum"] = Datum(row["datum"]) if row["datum"] else None
    owner = Person(**person) if row["customer_id"] else None
    return Standing(device=Device(**row), owner=owner, gateway=gateway)


def analyse(conn: Connection[Any]) -> None:
    conn.execute(_sql.analyse)


def list_standing(conn: Connection[Any], tenant_id: str, device_ids: list[str]) -> dict[str, Standing]:
    with conn.cursor(row_factory=dict_row) as cur:
        rows = cur.execute(_sql.list_standing, {"tenant_id": tenant_id, "device_ids": device_ids}, prepare=False)
        return {row["device_id"]: _standing(row) for row in rows}


def list_all(conn: Connection[Any], tenant_id: str, *, after: int, limit: int) -> list[Standing]:
    with conn.cursor(row_factory=dict_row) as cur:
        rows = cur.execute(_sql.list_all, {"tenant_id": tenant_id, "after": after, "limit": limit})
        return [_standing(row) for row in rows]


def list_serials(conn: Connection[Any], tenant_id: str, pairs: Sequence[tuple[str, str]]) -> dict[tuple[str, str], str]:
    """By model and serial the device's id."""
    names = {"models": [model for model, _ in pairs], "serials": [serial for _, serial in pairs]}
    rows = conn.execute(_sql.list_serials, {**names, "tenant_id": tenant_id}, prepare=False)
    return {(model, serial): device_id for model, serial, device_id in rows}


def read_known(conn: Connection[Any], tenant_id: str, book: Book, emails: list[str], phones: list[str]) -> None:
    names = {"tenant_id": tenant_id, "emails": emails, "phones": phones}
    for customer_id, name, email, phone in conn.execute(_sql.list_known, names):
        book.write(Known(customer_id=customer_id, name=name), email, phone)


def insert_customers(conn: Connection[Any], tenant_id: str, customers: Sequence[Customer]) -> None:
    columns = {name: [getattr(each, name) for each in customers] for name in ("customer_id", *_PERSON)}
    conn.execute(_sql.insert_customers, {**columns, "tenant_id": tenant_id})


def insert_sites(conn: Connection[Any], tenant_id: str, names: list[str]) -> list[str]:
    """Those that were not there."""
    rows = conn.execute(_sql.insert_sites, {"tenant_id": tenant_id, "names": names})
    return [name for (name,) in rows]


def insert_devices(conn: Connection[Any], tenant_id: str, devices: Sequence[Device], now: datetime) -> dict[str, int]:
    """Their numbers by their ids."""
    names = ("device_id", "class_id", "label_token", *_COLUMNS)
    columns = {name: [getattr(each, name) for each in devices] for name in names}
    rows = conn.execute(_sql.insert_devices, {**columns, "tenant_id": tenant_id, "now": now})
    return dict(rows.fetchall())


def update_devices(conn: Connection[Any], devices: Sequence[Device]) -> set[str]:
    """The ids of those that were still as they had been read."""
    columns = {name: [getattr(each, name) for each in devices] for name in ("device_no", "version", *_COLUMNS)}
    return {device_id for (device_id,) in conn.execute(_sql.update_devices, columns)}


def start_ownerships(conn: Connection[Any], tenant_id: str, owners: dict[int, UUID], now: datetime) -> None:
    names = {"device_nos": list(owners), "customer_ids": list(owners.values())}
    conn.execute(_sql.start_ownerships, {**names, "tenant_id": tenant_id, "now": now})


@dataclass(kw_only=True)
class Lines:
    """Lines of the log, gathered for one statement."""

    kinds: list[str] = field(default_factory=list)
    subjects: list[str] = field(default_factory=list)
    data: list[Jsonb] = field(default_factory=list)

    def add(self, kind: str, subject_id: UUID | str, data: dict[str, Any]) -> None:
        self.kinds.append(kind)
        self.subjects.append(str(subject_id))
        self.data.append(Jsonb(data))

    def append(self, conn: Connection[Any], by: Scope, now: datetime) -> None:
        names = {
            "event_id": [uuid7(now) for _ in self.kinds],
            "kind": self.kinds,
            "subject_id": self.subjects,
            "data": self.data,
        }
        conn.execute(_sql.append_events, {**names, "tenant_id": by.tenant_id, "actor": by.actor, "now": now})


def list_gateways(conn: Connection[Any], tenant_id: str, gateway_ids: list[str]) -> dict[str, tuple[int, bool]]:
    """By id the number, and whether it stands behind a gateway itself."""
    rows = conn.execute(_sql.list_gateways, {"tenant_id": tenant_id, "gateway_ids": gateway_ids}, prepare=False)
    return {device_id: (device_no, has_gateway) for device_id, device_no, has_gateway in rows}


def list_parents(conn: Connection[Any], device_nos: list[int]) -> set[int]:
    return {device_no for (device_no,) in conn.execute(_sql.list_parents, {"device_nos": device_nos})}


def place_devices(conn: Connection[Any], placed: Mapping[int, int | None]) -> None:
    """By device its gateway; None: it speaks for itself."""
    conn.execute(_sql.place_devices, {"device_nos": list(placed), "gateway_nos": list(placed.values())})

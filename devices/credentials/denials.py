"""What brokers kept devices from: counted for each device and kind, with the last time and what it was about."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from psycopg import Connection
from psycopg.rows import class_row

from devices.model import Device
from ledger.statements import Statements

_sql = Statements("devices.credentials")


class Kind(StrEnum):
    PUBLISH = "PUBLISH"
    SUBSCRIBE = "SUBSCRIBE"
    SIGN_IN = "SIGN_IN"


@dataclass(frozen=True, kw_only=True)
class Denial:
    """`last_what`: the topic, or from where and why it was not let in."""

    device_id: str
    kind: str
    denied: int
    first_at: datetime
    last_at: datetime
    last_what: str


@dataclass(slots=True, kw_only=True)
class Denied:
    """Some more of one device and kind."""

    tenant_id: str
    device_id: str
    kind: Kind
    times: int
    first_at: datetime
    last_at: datetime
    what: str


def add(conn: Connection[Any], denied: Sequence[Denied]) -> None:
    """Of no device that nobody has registered."""
    columns = ("tenant_id", "device_id", "kind", "times", "first_at", "last_at", "what")
    conn.execute(_sql.add_denials, {name: [getattr(each, name) for each in denied] for name in columns})


def of_device(conn: Connection[Any], device: Device) -> list[Denial]:
    names = {"tenant_id": device.tenant_id, "device_no": device.device_no}
    with conn.cursor(row_factory=class_row(Denial)) as cur:
        return cur.execute(_sql.list_denials_of_device, names).fetchall()


def listed(conn: Connection[Any], tenant_id: str, *, limit: int = 100) -> list[Denial]:
    """The latest first."""
    with conn.cursor(row_factory=class_row(Denial)) as cur:
        return cur.execute(_sql.list_denials, {"tenant_id": tenant_id, "limit": limit}).fetchall()

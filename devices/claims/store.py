"""Rows of claiming and the values they stand for."""

from dataclasses import asdict
from datetime import datetime
from typing import Any

from psycopg import Connection
from psycopg.rows import class_row

from devices.claims.model import Guesses, Secret, Waiting
from devices.model import Device
from ledger.statements import Statements

_sql = Statements("devices.claims")


def _of(device: Device) -> dict[str, Any]:
    return {"tenant_id": device.tenant_id, "device_no": device.device_no}


def put_secret(conn: Connection[Any], device: Device, secret: Secret) -> None:
    conn.execute(_sql.put_secret, {**asdict(secret), **_of(device)})


def find_secret(conn: Connection[Any], device: Device) -> Secret | None:
    with conn.cursor(row_factory=class_row(Secret)) as cur:
        return cur.execute(_sql.find_secret, _of(device)).fetchone()


def spend_secret(conn: Connection[Any], device: Device, now: datetime) -> None:
    conn.execute(_sql.spend_secret, {**_of(device), "now": now})


def insert_waiting(conn: Connection[Any], device: Device, waiting: Waiting) -> None:
    conn.execute(_sql.insert_waiting, {**asdict(waiting), **_of(device)})


def list_waiting(conn: Connection[Any], device: Device, now: datetime) -> list[Waiting]:
    with conn.cursor(row_factory=class_row(Waiting)) as cur:
        return cur.execute(_sql.list_waiting, {**_of(device), "now": now}).fetchall()


def spend_waiting(conn: Connection[Any], device: Device, now: datetime) -> None:
    conn.execute(_sql.spend_waiting, {**_of(device), "now": now})


def forget(conn: Connection[Any], tenant_id: str, *, waited_before: datetime, guessed_before: datetime) -> None:
    names = {"tenant_id": tenant_id, "waited_before": waited_before, "guessed_before": guessed_before}
    conn.execute(_sql.forget_waiting, names)
    conn.execute(_sql.forget_guesses, names)


def lock_guesses(conn: Connection[Any], tenant_id: str, subject: str, now: datetime) -> Guesses:
    """Until the transaction ends nobody else guesses at it."""
    with conn.cursor(row_factory=class_row(Guesses)) as cur:
        names = {"tenant_id": tenant_id, "subject": subject, "now": now}
        return cur.execute(_sql.lock_guesses, names).fetchone() or Guesses()


def find_guesses(conn: Connection[Any], tenant_id: str, subject: str) -> Guesses:
    with conn.cursor(row_factory=class_row(Guesses)) as cur:
        names = {"tenant_id": tenant_id, "subject": subject}
        return cur.execute(_sql.find_guesses, names).fetchone() or Guesses()


def save_guesses(conn: Connection[Any], tenant_id: str, subject: str, guesses: Guesses) -> None:
    conn.execute(_sql.save_guesses, {**asdict(guesses), "tenant_id": tenant_id, "subject": subject})


def note_told(conn: Connection[Any], tenant_id: str, subject: str, now: datetime, before: datetime) -> bool:
    """Whether the owner has not been told since `before`; if so, he is now."""
    names = {"tenant_id": tenant_id, "subject": subject, "now": now, "before": before}
    return conn.execute(_sql.note_told, names).rowcount == 1

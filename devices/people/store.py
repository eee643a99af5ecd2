"""Rows of people and the values they stand for."""

from dataclasses import asdict
from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg import Connection
from psycopg.rows import class_row, kwargs_row

from devices.model import Customer
from devices.people.model import Member
from devices.people.roles import Role
from ledger.statements import Statements

_sql = Statements("devices.people")


def find_part(conn: Connection[Any], device_no: int, customer_id: UUID | None) -> tuple[Role | None, datetime | None]:
    """The person's role in the household, and when an owner last lost the device."""
    row = conn.execute(_sql.find_part, {"device_no": device_no, "customer_id": customer_id}).fetchone()
    role, resold_at = row or (None, None)
    return (Role(role) if role else None), resold_at


def find_by_address(conn: Connection[Any], tenant_id: str, email: str | None, phone: str | None) -> list[Customer]:
    with conn.cursor(row_factory=class_row(Customer)) as cur:
        names = {"tenant_id": tenant_id, "email": email, "phone": phone}
        return cur.execute(_sql.find_by_address, names, prepare=False).fetchall()


def list_customers(
    conn: Connection[Any], tenant_id: str, text: str | None, *, after: UUID | None, limit: int
) -> list[Customer]:
    with conn.cursor(row_factory=class_row(Customer)) as cur:
        names = {"tenant_id": tenant_id, "text": text, "after": after, "limit": limit}
        return cur.execute(_sql.list_customers, names, prepare=False).fetchall()


def lock_customer(conn: Connection[Any], tenant_id: str, customer_id: UUID) -> Customer | None:
    with conn.cursor(row_factory=class_row(Customer)) as cur:
        names = {"tenant_id": tenant_id, "customer_id": customer_id}
        return cur.execute(_sql.lock_customer, names).fetchone()


def save_customer(conn: Connection[Any], customer: Customer) -> None:
    conn.execute(_sql.save_customer, asdict(customer))


def list_members(conn: Connection[Any], tenant_id: str, household_id: UUID) -> list[Member]:
    with conn.cursor(row_factory=kwargs_row(_member)) as cur:
        names = {"tenant_id": tenant_id, "household_id": household_id}
        return cur.execute(_sql.list_members, names).fetchall()


def put_member(
    conn: Connection[Any], tenant_id: str, household_id: UUID, customer_id: UUID, role: Role, now: datetime
) -> bool:
    """False if he had that role already."""
    names = {"tenant_id": tenant_id, "household_id": household_id, "customer_id": customer_id, "role": role}
    return conn.execute(_sql.put_member, {**names, "now": now}).rowcount == 1


def drop_member(conn: Connection[Any], tenant_id: str, household_id: UUID, customer_id: UUID) -> bool:
    names = {"tenant_id": tenant_id, "household_id": household_id, "customer_id": customer_id}
    return conn.execute(_sql.drop_member, names).rowcount == 1


def _member(**row: Any) -> Member:
    return Member(**{**row, "role": Role(row["role"])})

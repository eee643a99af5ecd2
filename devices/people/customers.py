"""Customers: found by what they are reached at, corrected when they move or are called otherwise."""

from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg import Connection

from devices import registry
from devices import store as devices
from devices.errors import StaleError, UnknownCustomerError
from devices.model import Customer
from devices.people import store
from devices.registry import Owner
from ledger import log
from ledger.ids import uuid7
from ledger.model import Scope


def settle(conn: Connection[Any], said: Owner, *, by: Scope, now: datetime) -> Customer:
    """Whoever is reached at this phone number or mail address, else somebody new; a name alone proves nothing."""
    known = store.find_by_address(conn, by.tenant_id, said.email, said.phone)
    if known:
        return known[0]
    return _register(conn, _as_customer(said, by.tenant_id, now), by, now)


def same(conn: Connection[Any], said: Owner, *, by: Scope, now: datetime) -> Customer:
    """Whom these very facts are known of, all of them, else somebody new: who types another's number is not him."""
    customer = _as_customer(said, by.tenant_id, now)
    known = devices.find_same_customer(conn, customer)
    return known or _register(conn, customer, by, now)


def _as_customer(said: Owner, tenant_id: str, now: datetime) -> Customer:
    return Customer(
        customer_id=uuid7(now),
        tenant_id=tenant_id,
        name=said.name,
        language=said.language,
        time_zone=said.time_zone,
        email=said.email,
        phone=said.phone,
    )


def _register(conn: Connection[Any], customer: Customer, by: Scope, now: datetime) -> Customer:
    registry.settle_tenant(conn, by.tenant_id)
    devices.insert_customer(conn, customer)
    log.note(conn, "customer.registered", str(customer.customer_id), by, now, {})
    return customer


def amend(
    conn: Connection[Any],
    customer_id: UUID,
    changes: dict[str, Any],
    *,
    expected_version: int,
    by: Scope,
    now: datetime,
) -> Customer:
    """`changes`: fields of a Customer. The log says which, not what they were.

    Raises UnknownCustomerError, StaleError.
    """
    customer = store.lock_customer(conn, by.tenant_id, customer_id)
    if customer is None:
        raise UnknownCustomerError(customer_id)
    if customer.version != expected_version:
        raise StaleError("the customer", expected_version, customer.version)
    amended = replace(customer, **changes)
    if amended == customer:
        return customer
    amended = replace(amended, version=customer.version + 1)
    store.save_customer(conn, amended)
    fields = sorted(name for name, value in changes.items() if getattr(customer, name) != value)
    log.note(conn, "customer.amended", str(customer_id), by, now, {"fields": fields})
    return amended


def listed(
    conn: Connection[Any], tenant_id: str, text: str | None = None, *, after: UUID | None = None, limit: int = 100
) -> list[Customer]:
    """Those we have known longest first; `text` somewhere in name, mail or phone."""
    return store.list_customers(conn, tenant_id, text, after=after, limit=limit)

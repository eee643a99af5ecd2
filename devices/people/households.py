"""Who lives with whom: a household is named by the customer to whom its devices belong."""

from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg import Connection

from devices import registry
from devices.errors import HouseholdError, UnknownCustomerError
from devices.people import roles, store
from devices.people.model import Member
from devices.people.roles import Role
from ledger import log
from ledger.model import Scope


def members(conn: Connection[Any], tenant_id: str, household_id: UUID) -> list[Member]:
    """The one it is named by, then those who came to it. Raises UnknownCustomerError."""
    found = store.list_members(conn, tenant_id, household_id)
    if not found:
        raise UnknownCustomerError(household_id)
    return found


def join(
    conn: Connection[Any], household_id: UUID, customer_id: UUID, role: Role, *, by: Scope, now: datetime
) -> list[Member]:
    """Said again, nothing changes; another role is a change. Raises UnknownCustomerError, HouseholdError."""
    _refuse_head(household_id, customer_id)
    for each in (household_id, customer_id):
        if registry.customer(conn, by.tenant_id, each) is None:
            raise UnknownCustomerError(each)
    if store.put_member(conn, by.tenant_id, household_id, customer_id, role, now):
        data = {"member": str(customer_id), "role": role}
        log.note(conn, "household.joined", str(household_id), by, now, data)
    return members(conn, by.tenant_id, household_id)


def leave(conn: Connection[Any], household_id: UUID, customer_id: UUID, *, by: Scope, now: datetime) -> None:
    """His links end with that. Raises HouseholdError."""
    _refuse_head(household_id, customer_id)
    if store.drop_member(conn, by.tenant_id, household_id, customer_id):
        log.note(conn, "household.left", str(household_id), by, now, {"member": str(customer_id)})


def role_of(conn: Connection[Any], device_no: int, customer_id: UUID | None) -> Role | None:
    """In the household of the device as it is now."""
    return store.find_part(conn, device_no, customer_id)[0]


def lost_at(conn: Connection[Any], device_no: int) -> datetime | None:
    """When an owner last lost the device."""
    return store.find_part(conn, device_no, None)[1]


def still_opens(conn: Connection[Any], device_no: int, recipient: str, minted_at: datetime) -> bool:
    """Whether a link about the device opens for whom it was made: `customer:{uuid}`, or whoever scanned the label."""
    kind, _, name = recipient.partition(":")
    named = kind == "customer"
    role, resold_at = store.find_part(conn, device_no, UUID(name) if named else None)
    return roles.opens(minted_at=minted_at, resold_at=resold_at, named=named, role=role)


def _refuse_head(household_id: UUID, customer_id: UUID) -> None:
    if household_id == customer_id:
        raise HouseholdError("whoever a household is named by is always an owner of it")

"""Customers and their households, and the tenant whose they are."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Header, Query, Response
from fastapi.encoders import jsonable_encoder
from pydantic import AfterValidator, StringConstraints

from api.http import settling
from api.http.house import Home
from api.http.rest import versions
from api.http.rest.devices import Body, CustomerBody, Word, known_time_zone
from devices import registry
from devices.errors import UnknownCustomerError
from devices.model import Customer
from devices.people import customers, households
from devices.people.model import Member
from devices.people.roles import Role

router = APIRouter(tags=["customers"])


class CustomerChanges(Body):
    """What is left out stays as it is; null takes an address away."""

    name: Word | None = None
    language: Annotated[str, StringConstraints(pattern="^(en|zh)$")] | None = None
    time_zone: Annotated[str, AfterValidator(known_time_zone)] | None = None
    email: Word | None = None
    phone: Word | None = None


class RoleBody(Body):
    role: Role


class TenantBody(Body):
    name: Word


@router.get("/tenant", summary="The firm whose devices these are")
def tenant(home: Home) -> dict[str, str]:
    with home.looking() as conn:
        return {"tenant": home.settings.tenant, "name": registry.tenant_name(conn, home.settings.tenant)}


@router.put("/tenant", summary="Say what the firm is called")
def name_tenant(body: TenantBody, home: Home) -> dict[str, str]:
    with home.acting() as conn:
        registry.name_tenant(conn, body.name, by=home.scope(), now=home.clock())
    return {"tenant": home.settings.tenant, "name": body.name}


@router.get("/customers", summary="Customers, those known longest first, a page at a time")
def customer_list(
    home: Home,
    text: Annotated[str | None, Query(max_length=200, description="somewhere in name, mail or phone")] = None,
    after: Annotated[UUID | None, Query()] = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
) -> dict[str, Any]:
    """`next`: what `after` must be for the next page."""
    with home.looking() as conn:
        found = customers.listed(conn, home.settings.tenant, text, after=after, limit=limit)
    return {
        "customers": jsonable_encoder(found),
        "next": str(found[-1].customer_id) if len(found) == limit else None,
    }


@router.post("/customers", summary="A customer: whoever has this mail address or phone number, else a new one")
def settle(
    body: CustomerBody,
    home: Home,
    response: Response,
    idempotency_key: Annotated[str | None, Header(max_length=200)] = None,
) -> dict[str, Any]:
    """Somebody without mail and phone is new each time, but not under the same Idempotency-Key."""
    return _answer(response, settling.settle(home, body, idempotency_key))


@router.get("/customers/{customer_id}", summary="One customer; the ETag is what a change must carry")
def customer(customer_id: UUID, home: Home, response: Response) -> dict[str, Any]:
    with home.looking() as conn:
        found = registry.customer(conn, home.settings.tenant, customer_id)
    if found is None:
        raise UnknownCustomerError(customer_id)
    return _answer(response, found)


@router.patch("/customers/{customer_id}", summary="Correct a customer; If-Match with the version that you saw")
def amend(
    customer_id: UUID,
    body: CustomerChanges,
    home: Home,
    response: Response,
    if_match: Annotated[str | None, Header()] = None,
) -> dict[str, Any]:
    changes = body.model_dump(exclude_unset=True)
    kept = {name: value for name, value in changes.items() if value is not None or name in ("email", "phone")}
    with home.acting() as conn:
        amended = customers.amend(
            conn,
            customer_id,
            kept,
            expected_version=versions.expected(if_match),
            by=home.scope(),
            now=home.clock(),
        )
    return _answer(response, amended)


@router.get("/customers/{customer_id}/household", summary="Who belongs to a customer's household, in which role")
def household(customer_id: UUID, home: Home) -> dict[str, Any]:
    with home.looking() as conn:
        return _members(households.members(conn, home.settings.tenant, customer_id))


@router.put("/customers/{customer_id}/household/{member_id}", summary="Somebody comes to a household: OWNER or MEMBER")
def join(customer_id: UUID, member_id: UUID, body: RoleBody, home: Home) -> dict[str, Any]:
    """An owner may order a visit that costs money, invite and resell; a member may see, report, answer and confirm."""
    with home.acting() as conn:
        found = households.join(conn, customer_id, member_id, body.role, by=home.scope(), now=home.clock())
    return _members(found)


@router.delete("/customers/{customer_id}/household/{member_id}", summary="Somebody leaves a household", status_code=204)
def leave(customer_id: UUID, member_id: UUID, home: Home) -> None:
    with home.acting() as conn:
        households.leave(conn, customer_id, member_id, by=home.scope(), now=home.clock())


def _answer(response: Response, customer: Customer) -> dict[str, Any]:
    response.headers["ETag"] = versions.etag(customer.version)
    body: dict[str, Any] = jsonable_encoder(customer)
    return body


def _members(found: list[Member]) -> dict[str, Any]:
    return {"members": jsonable_encoder(found)}

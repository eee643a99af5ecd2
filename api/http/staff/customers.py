"""`/desk/customers`: who has appliances, how they are reached, and who lives with them."""

from collections.abc import Mapping
from typing import Annotated, Any
from uuid import UUID, uuid4

from fastapi import APIRouter, Form, Query, Request, Response
from psycopg import Connection
from pydantic import AfterValidator, StringConstraints
from starlette.responses import RedirectResponse

from api.http import moving, pages, settling
from api.http.house import Home, House
from api.http.moving import Move
from api.http.rest.devices import Body, CustomerBody, Word, known_time_zone
from api.http.staff import forms, lists, story
from api.http.staff.forms import Form as Shown
from api.http.staff.forms import Typed
from api.texts import LANGUAGES
from devices import registry
from devices.errors import DeviceOwnedError, UnknownCustomerError, UnknownDeviceError
from devices.model import Customer, DeviceFilter, DeviceState
from devices.people import customers, households
from devices.people.roles import Role

router = APIRouter(prefix="/desk/customers", include_in_schema=False)

FOUND = 20  # that are shown of those who could come to a household
THEIRS = 100  # devices on a customer's page

Text = Annotated[str, Query(max_length=200)]


class Changes(Body):
    """All fields of the form: an empty address is taken away."""

    name: Word
    language: Annotated[str, StringConstraints(pattern="^(en|zh)$")]
    time_zone: Annotated[str, AfterValidator(known_time_zone)]
    email: Word | None = None
    phone: Word | None = None


@router.get("")
def customer_list(
    request: Request,
    home: Home,
    text: Text = "",
    after: Annotated[UUID | None, Query()] = None,
    limit: Annotated[int, Query(ge=1, le=lists.MOST)] = lists.STEP,
) -> Response:
    return _list(request, home, text.strip(), after, limit)


@router.post("")
def add(request: Request, typed: Typed, home: Home) -> Response:
    """Somebody who is reached at that number or address already is shown instead, and it is said."""
    said = forms.check(CustomerBody, typed, pages.language_of(request))
    if isinstance(said, Shown):
        return _list(request, home, adding=said)
    customer = settling.settle(home, said, f"desk:{typed.get('key') or uuid4()}")
    known = "" if customer.name == said.name else "known"
    return _back(request, customer.customer_id, known)


@router.get("/{customer_id}")
def customer_page(customer_id: UUID, request: Request, home: Home, find: Text = "") -> Response:
    with home.looking() as conn:
        return _page(conn, home, request, customer_id, find=find.strip())


@router.post("/{customer_id}")
def amend(customer_id: UUID, request: Request, typed: Typed, home: Home) -> Response:
    said = forms.check(Changes, typed, pages.language_of(request))
    if isinstance(said, Shown):
        with home.looking() as conn:
            return _page(conn, home, request, customer_id, facts=said)
    with home.acting() as conn:
        seen = forms.version(typed)
        changes = said.model_dump()
        customers.amend(conn, customer_id, changes, expected_version=seen, by=home.scope(), now=home.clock())
    return _back(request, customer_id)


@router.post("/{customer_id}/household")
def join(
    customer_id: UUID, request: Request, home: Home, member: Annotated[UUID, Form()], role: Annotated[Role, Form()]
) -> Response:
    """Somebody comes to the household, or has another role there from now on."""
    with home.acting() as conn:
        households.join(conn, customer_id, member, role, by=home.scope(), now=home.clock())
    return _back(request, customer_id, "household")


@router.post("/{customer_id}/household/{member_id}/leave")
def leave(customer_id: UUID, member_id: UUID, request: Request, home: Home) -> Response:
    with home.acting() as conn:
        households.leave(conn, customer_id, member_id, by=home.scope(), now=home.clock())
    return _back(request, customer_id, "household")


@router.post("/{customer_id}/devices")
def give(customer_id: UUID, request: Request, typed: Typed, home: Home) -> Response:
    """A device that is nobody's is this customer's from now on."""
    language = pages.language_of(request)
    try:
        with home.acting() as conn:
            device = registry.find(conn, home.settings.tenant, typed.get("device", "").strip())
            claimed = Move(to=DeviceState.CLAIMED, expected_version=None, customer_id=customer_id)
            moving.move(conn, home, device, claimed)
        return _back(request, customer_id, "devices")
    except UnknownDeviceError:
        giving = forms.wrong(language, typed, "device", "no_device")
    except DeviceOwnedError:
        giving = forms.wrong(language, typed, "device", "owned")
    with home.looking() as conn:
        return _page(conn, home, request, customer_id, giving=giving)


def _list(
    request: Request,
    home: House,
    text: str = "",
    after: UUID | None = None,
    limit: int = lists.STEP,
    *,
    adding: Shown | None = None,
) -> Response:
    with home.looking() as conn:
        found = customers.listed(conn, home.settings.tenant, text or None, after=after, limit=limit)
    address = request.url
    more = str(address.include_query_params(after=found[-1].customer_id)) if len(found) == limit else None
    first = str(address.remove_query_params("after")) if after else None
    language = pages.language_of(request)
    new = {"language": language, "time_zone": "UTC", "key": str(uuid4())}
    return pages.render(
        request,
        "desk_customers.html",
        language=language,
        status=422 if adding else 200,
        word="customers",
        follows=False,
        customers=found,
        text=text,
        adding=adding or Shown(typed=new),
        opened=adding is not None,
        languages=LANGUAGES,
        page=lists.Page(limit=limit, more=more, first=first),
    )


def _page(
    conn: Connection[Any],
    home: House,
    request: Request,
    customer_id: UUID,
    *,
    find: str = "",
    facts: Shown | None = None,
    giving: Shown | None = None,
) -> Response:
    tenant, language = home.settings.tenant, pages.language_of(request)
    customer = registry.customer(conn, tenant, customer_id)
    if customer is None:
        raise UnknownCustomerError(customer_id)
    head, *members = households.members(conn, tenant, customer_id)
    inside = {head.customer_id, *(each.customer_id for each in members)}
    found = customers.listed(conn, tenant, find, limit=FOUND) if find else []
    return pages.render(
        request,
        "desk_customer.html",
        language=language,
        status=422 if facts or giving else 200,
        here=f"/desk/customers/{customer_id}",
        customer=customer,
        facts=facts or Shown(typed=_typed(customer)),
        giving=giving or Shown(typed={}),
        languages=LANGUAGES,
        members=members,
        roles=list(Role),
        find=find,
        found=[each for each in found if each.customer_id not in inside],
        devices=registry.listed(conn, tenant, DeviceFilter(customer_id=customer_id), limit=THEIRS),
        classes=home.catalogue,
        log_lines=story.latest(conn, str(customer_id), language),
        known="known" in request.query_params,
    )


def _typed(customer: Customer) -> Mapping[str, str]:
    names = ("name", "email", "phone", "language", "time_zone")
    return {name: getattr(customer, name) or "" for name in names}


def _back(request: Request, customer_id: UUID, part: str = "") -> Response:
    """To the customer's page; `known` is said there, all else is a part of it."""
    said, part = ("known", "") if part == "known" else ("", part)
    address = pages.back(request, f"/desk/customers/{customer_id}", part)
    return RedirectResponse(f"{address}{'&' if '?' in address else '?'}{said}" if said else address, status_code=303)

"""What the registry knows of a device, for its page: its life with the buttons that move it, owners, warranty."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Form, Request, Response
from psycopg import Connection
from starlette.responses import RedirectResponse

from api.http import moving, pages
from api.http.house import Home, House
from api.http.moving import Move
from api.http.problems import refuse
from api.http.staff import story
from devices import registry
from devices.lifecycle.transitions import ALLOWED
from devices.model import Device, DeviceState
from devices.people import households
from devices.warranty import covers
from ticketing.tickets import repairs

router = APIRouter(prefix="/desk/devices", include_in_schema=False)

# What a button can say by itself; a claim needs a customer, a replacement another device
BUTTONS = (DeviceState.ACTIVE, DeviceState.RESOLD, DeviceState.RETIRED)


@dataclass(frozen=True, kw_only=True)
class Had:
    """Who had the device when."""

    name: str
    since: datetime
    until: datetime | None


def of_device(conn: Connection[Any], home: House, device: Device, zone: ZoneInfo, language: str) -> dict[str, Any]:
    """What the templates device_life.html and device_warranty.html show."""
    repaired = repairs.of_device(conn, device, home.catalogue, zone)
    found = covers.of(home.catalogue, device, home.clock().astimezone(zone).date(), repaired)
    successor = registry.by_no(conn, device.successor_no) if device.successor_no else None
    members = households.members(conn, device.tenant_id, device.customer_id) if device.customer_id else []
    return {
        "may": [state for state in BUTTONS if state in ALLOWED[device.state]],
        "replaceable": DeviceState.REPLACED in ALLOWED[device.state],
        "owners": _owners(conn, device),
        "members": members[1:],
        "successor": successor,
        "covers": found,
        "standing": covers.standing(found),
        "log_lines": story.latest(conn, device.device_id, language),
    }


def _owners(conn: Connection[Any], device: Device) -> list[Had]:
    found = registry.owners(conn, device)
    customers = {each.customer_id: registry.customer(conn, device.tenant_id, each.customer_id) for each in found}
    names = {customer_id: customer.name for customer_id, customer in customers.items() if customer}
    return [Had(name=names.get(each.customer_id, ""), since=each.since, until=each.until) for each in found]


@router.post("/{device_id}/move")
def move(
    device_id: str,
    request: Request,
    home: Home,
    to: Annotated[DeviceState, Form()],
    version: Annotated[int, Form(ge=1)],
) -> Response:
    if to not in BUTTONS:
        raise refuse(422, "not-valid", "There is no such button.")
    with home.acting() as conn:
        device = registry.find(conn, home.settings.tenant, device_id)
        moving.move(conn, home, device, Move(to=to, expected_version=version))
    return RedirectResponse(pages.back(request, f"/desk/devices/{device_id}"), status_code=303)


@router.post("/{device_id}/replace")
def replace(
    device_id: str,
    request: Request,
    home: Home,
    successor: Annotated[str, Form(max_length=64)],
    version: Annotated[int, Form(ge=1)],
) -> Response:
    """Another device takes over its label, its place and its owner."""
    said = Move(to=DeviceState.REPLACED, expected_version=version, successor=successor.strip())
    with home.acting() as conn:
        moving.move(conn, home, registry.find(conn, home.settings.tenant, device_id), said)
    return RedirectResponse(pages.back(request, f"/desk/devices/{device_id}"), status_code=303)

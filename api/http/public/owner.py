"""`/m/{token}`: the page of whoever proved that an appliance is his. His phone keeps the token, so that a scan of the
label leads to the same form."""

from typing import Any
from uuid import UUID

from fastapi import APIRouter, Request, Response
from psycopg import Connection

from api.http.house import Home, House
from api.http.problems import RefusedError
from api.http.public import bearer, form
from api.http.public.form import Scan, Sent
from devices import registry
from devices.model import Customer, Device
from ticketing.links import links
from ticketing.links.model import Purpose

router = APIRouter(include_in_schema=False)


def cookie(device: Device) -> str:
    return f"mine-{device.device_no}"


def of_phone(conn: Connection[Any], home: House, request: Request, device: Device) -> Customer | None:
    """The owner, if it is his phone that scanned: a cookie proves it, a label never does."""
    token = request.cookies.get(cookie(device))
    if not token:
        return None
    link = links.resolve(conn, token[:128], Purpose.APPLIANCE, home.clock())
    if link is None or (link.tenant_id, link.subject_id) != (device.tenant_id, str(device.device_no)):
        return None
    return _still(conn, device, link.recipient) if _stays(conn, device, link) else None


def _stays(conn: Connection[Any], device: Device, link: Any) -> bool:
    try:
        bearer.stay(conn, link, device.device_no)
    except RefusedError:
        return False
    return True


def _still(conn: Connection[Any], device: Device, recipient: str) -> Customer | None:
    """As long as it is his."""
    customer_id = UUID(recipient.removeprefix("customer:"))
    return registry.customer_of(conn, device) if device.customer_id == customer_id else None


def _his(conn: Connection[Any], home: House, token: str) -> Scan:
    link = bearer.enter(conn, home, token, Purpose.APPLIANCE)
    device = registry.by_no(conn, int(link.subject_id))
    bearer.stay(conn, link, device.device_no)
    customer = _still(conn, device, link.recipient)
    if customer is None:
        raise bearer.nothing_here()
    return Scan(device=device, code=device.label_token, channel="link", place=device.place, customer=customer)


@router.get("/m/{token}")
def show(token: str, request: Request, home: Home) -> Response:
    with home.stranger() as conn:
        return form.show(request, home, _his(conn, home, token))


@router.post("/m/{token}")
def send(token: str, request: Request, home: Home, said: Sent) -> Response:
    return form.take(request, home, lambda conn: _his(conn, home, token), said)

"""`/01/{gtin}/21/{serial}`: a GS1 Digital Link leads to the same page. Serials can be guessed, so it shows less than a
label does, at a measured pace, and never says the label's token."""

from typing import Any

from fastapi import APIRouter, Request, Response
from psycopg import Connection

from api.http import pages, product
from api.http.house import Home, House
from api.http.pace import address_of
from api.http.public import form, owner
from api.http.public.form import Scan, Sent
from devices import gs1
from ledger import scope

router = APIRouter(include_in_schema=False)


class _UnknownItemError(Exception):
    """Nothing of ours is called so."""


def named(conn: Connection[Any], home: House, request: Request, gtin: str, serial: str) -> Scan | None:
    """From here on the transaction sees what the house's tenant has."""
    item = gs1.item(gtin, serial)
    scope.enter(conn, home.scope("label:gs1"))
    device = product.find(conn, home, item) if item else None
    if item is None or device is None:
        return None
    scope.enter(conn, home.scope(f"label:{device.device_id}"))
    customer = owner.of_phone(conn, home, request, device)
    channel, place = ("qr", device.place) if customer else ("gs1", "")
    return Scan(device=device, code=item.path[1:], channel=channel, place=place, customer=customer)


@router.get("/01/{gtin}/21/{serial:path}")
def show(gtin: str, serial: str, request: Request, home: Home) -> Response:
    if not home.item_pace.takes(address_of(request)):
        return _nothing(request, "TOO_MANY", 429)
    with home.stranger() as conn:
        scan = named(conn, home, request, gtin, serial)
        return form.show(request, home, scan) if scan else _nothing(request, _why(gtin), 404)


@router.post("/01/{gtin}/21/{serial:path}")
def send(gtin: str, serial: str, request: Request, home: Home, said: Sent) -> Response:
    if not home.item_pace.takes(address_of(request)):
        return _nothing(request, "TOO_MANY", 429)

    def find(conn: Connection[Any]) -> Scan:
        scan = named(conn, home, request, gtin, serial)
        if scan is None:
            raise _UnknownItemError
        return scan

    try:
        return form.take(request, home, find, said)
    except _UnknownItemError:
        return _nothing(request, _why(gtin), 404)


def _why(gtin: str) -> str:
    return "UNKNOWN" if gs1.gtin(gtin) else "MISTYPED"


def _nothing(request: Request, why: str, status: int) -> Response:
    return pages.render(request, "item_unknown.html", language=pages.language_of(request), status=status, why=why)

"""`/r/{label_token}`: the page behind the label; `/r/` for whoever types what stands on it, or sends a photo of it."""

from typing import Annotated, Any

from fastapi import APIRouter, File, Query, Request, Response, UploadFile
from psycopg import Connection
from starlette.responses import RedirectResponse

from api.http import pages, scan
from api.http.guard import PHOTO_BYTES
from api.http.house import Home, House
from api.http.pace import address_of
from api.http.photos import CrowdedError
from api.http.public import bearer, form, owner
from api.http.public.form import Scan, Sent
from api.http.scan import Trouble
from devices import labels, registry
from devices.gs1 import Item
from ledger import scope
from ledger.model import Scope

router = APIRouter(include_in_schema=False)


@router.get("/r/")
def front(request: Request, code: Annotated[str, Query(max_length=64)] = "") -> Response:
    """For who types what stands on the label; looking it up is the next page's matter."""
    token = labels.read(code)
    if token.isalnum() and token.isascii():
        return RedirectResponse(pages.back(request, f"/r/{token}"), status_code=303)
    return _front(request, None)


@router.post("/r/")
def photo(request: Request, home: Home, photo: Annotated[UploadFile | None, File()] = None) -> Response:
    """For whose camera does not open the code: it leads where the code would, and keeps nothing of the photo."""
    if not home.photo_pace.takes(address_of(request)):
        return _front(request, "TOO_MANY", status=429)
    data = photo.file.read(PHOTO_BYTES + 1) if photo is not None else b""
    try:
        found = scan.read(data, home.hosts) if 0 < len(data) <= PHOTO_BYTES else Trouble.UNREADABLE
    except CrowdedError:
        return _front(request, "TOO_MANY", status=429)
    if isinstance(found, Trouble):
        return _front(request, found)
    return RedirectResponse(found.path if isinstance(found, Item) else f"/r/{found}", status_code=303)


def _front(request: Request, trouble: str | None, status: int = 422) -> Response:
    language = pages.language_of(request)
    return pages.render(request, "label.html", language=language, status=status if trouble else 200, trouble=trouble)


def scanned(conn: Connection[Any], home: House, request: Request, label_token: str) -> Scan:
    """From here on the transaction sees what the label's tenant has."""
    device = registry.by_label(conn, label_token[:64])
    if device is None:
        raise bearer.nothing_here()
    scope.enter(conn, Scope(tenant_id=device.tenant_id, actor=f"label:{device.device_id}"))
    customer = owner.of_phone(conn, home, request, device)
    place = device.place if customer else labels.masked(device.place)
    return Scan(device=device, code=label_token, channel="qr", place=place, customer=customer)


@router.get("/r/{label_token}")
def show(label_token: str, request: Request, home: Home) -> Response:
    with home.stranger() as conn:
        return form.show(request, home, scanned(conn, home, request, label_token))


@router.post("/r/{label_token}")
def send(label_token: str, request: Request, home: Home, said: Sent) -> Response:
    return form.take(request, home, lambda conn: scanned(conn, home, request, label_token), said)

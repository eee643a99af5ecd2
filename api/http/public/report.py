"""`/r/{label_token}`: the page behind the label knows the appliance, takes words and a photo, answers with a number."""

import secrets
from typing import Annotated, Any

from fastapi import APIRouter, File, Form, Query, Request, Response, UploadFile
from psycopg import Connection
from starlette.responses import RedirectResponse

from api.http import pages, photos, reporting
from api.http.guard import PHOTO_BYTES
from api.http.house import Home
from api.http.photos import Developed
from api.http.public import bearer
from devices import labels, registry
from devices.model import Device
from ledger import scope
from ledger.model import Scope
from ticketing.errors import ReportRefusedError
from ticketing.intake.model import MAX_CONTACT, MAX_WORDS

router = APIRouter(include_in_schema=False)


def _scanned(conn: Connection[Any], label_token: str) -> Device:
    device = registry.by_label(conn, label_token[:64])
    if device is None:
        raise bearer.nothing_here()
    scope.enter(conn, Scope(tenant_id=device.tenant_id, actor=f"label:{device.device_id}"))
    return device


@router.get("/r/")
def front(request: Request, code: Annotated[str, Query(max_length=64)] = "") -> Response:
    """For who types what stands on the label; looking it up is the next page's matter."""
    token = labels.read(code)
    if token.isalnum() and token.isascii():
        return RedirectResponse(f"/r/{token}", status_code=303)
    return pages.render(request, "label.html", language=pages.language_of(request))


@router.get("/r/{label_token}")
def show(label_token: str, request: Request, home: Home) -> Response:
    with home.stranger() as conn:
        return _form(request, home, _scanned(conn, label_token))


@router.post("/r/{label_token}")
def send(
    label_token: str,
    request: Request,
    home: Home,
    words: Annotated[str, Form(max_length=MAX_WORDS * 2)] = "",
    contact: Annotated[str, Form(max_length=MAX_CONTACT)] = "",
    key: Annotated[str, Form(max_length=64)] = "",
    photo: Annotated[UploadFile | None, File()] = None,
) -> Response:
    """`key` was drawn when the form was shown, so that a second tap is not a second report.

    Whoever goes back and adds something sends the same key with other words: that is another report.
    """
    with home.stranger() as conn:
        device = _scanned(conn, label_token)
    try:
        developed = _photo(photo)  # between the transactions: it takes its time, and only who has a label may take it
    except photos.PhotoError:
        return _form(request, home, device, words=words, contact=contact, refused=["photo"])
    said = reporting.fingerprint(device, words, contact, developed).hex()
    with home.stranger(acts=True) as conn:
        device = _scanned(conn, label_token)
        try:
            answer = reporting.submit(
                conn,
                home,
                device=device,
                words=words,
                contact=contact,
                photo=developed,
                channel="qr",
                actor=f"label:{device.device_id}",
                key=f"form:{key or secrets.token_hex(16)}:{said}",
                waits=True,
            )
        except ReportRefusedError as error:
            return _form(request, home, device, words=words, contact=contact, refused=list(error.codes))
    return pages.render(request, "reported.html", language=pages.language_of(request), answer=answer)


def _photo(photo: UploadFile | None) -> Developed | None:
    data = photo.file.read(PHOTO_BYTES + 1) if photo is not None else b""
    if len(data) > PHOTO_BYTES:
        raise photos.PhotoError(f"more than {PHOTO_BYTES} bytes")
    return photos.develop(data) if data else None


def _form(
    request: Request,
    home: Home,
    device: Device,
    *,
    words: str = "",
    contact: str = "",
    refused: list[str] | None = None,
) -> Response:
    language = pages.language_of(request)
    return pages.render(
        request,
        "report.html",
        language=language,
        status=422 if refused else 200,
        appliance=home.catalogue[device.class_id].title[language],
        model=device.model,
        place=labels.masked(device.place),
        words=words,
        contact=contact,
        refused=refused or [],
        key=secrets.token_hex(16),
    )

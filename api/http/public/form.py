"""The form behind a label, however the appliance was named: it knows the appliance, takes words and a photo, answers
with a number."""

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Depends, File, Form, Request, Response, UploadFile
from psycopg import Connection

from api.http import pages, photos, reporting
from api.http.guard import PHOTO_BYTES
from api.http.house import House
from api.http.pace import address_of
from api.http.photos import Developed
from devices.model import Customer, Device
from ticketing.errors import ReportRefusedError
from ticketing.intake.model import MAX_CONTACT, MAX_WORDS, Report


@dataclass(frozen=True, kw_only=True)
class Scan:
    """An appliance, and how somebody came to it. `code` names it in addresses: the label's token, or the GS1 path."""

    device: Device
    code: str
    channel: str  # `qr` | `gs1` | `link`
    place: str  # so much of it as may be seen
    customer: Customer | None = None  # only before whoever proved to be it

    @property
    def actor(self) -> str:
        return f"customer:{self.customer.customer_id}" if self.customer else f"label:{self.device.device_id}"


Find = Callable[[Connection[Any]], Scan]


@dataclass(frozen=True, kw_only=True)
class Said:
    """What a person sends. `key` was drawn when the form was shown, so that a second tap is not a second report.

    Whoever goes back and adds something sends the same key with other words: that is another report.
    """

    words: str
    contact: str
    key: str
    photo: UploadFile | None


def _said(
    words: Annotated[str, Form(max_length=MAX_WORDS * 2)] = "",
    contact: Annotated[str, Form(max_length=MAX_CONTACT)] = "",
    key: Annotated[str, Form(max_length=64)] = "",
    photo: Annotated[UploadFile | None, File()] = None,
) -> Said:
    return Said(words=words, contact=contact, key=key, photo=photo)


Sent = Annotated[Said, Depends(_said)]


def show(
    request: Request,
    home: House,
    scan: Scan,
    said: Said | None = None,
    refused: list[str] | None = None,
    status: int = 422,
) -> Response:
    customer = scan.customer
    language = pages.language_of(request, customer.language if customer else None)
    known = (customer.phone or customer.email or "") if customer else ""
    return pages.render(
        request,
        "report.html",
        language=language,
        status=status if refused else 200,
        appliance=home.catalogue[scan.device.class_id].title[language],
        model=scan.device.model,
        place=scan.place,
        customer=customer,
        claimed=customer is not None and "claimed" in request.query_params,
        device=scan.device if customer else None,
        claim_path=f"/claim/{scan.code}" if customer is None else None,
        words=said.words if said else "",
        contact=said.contact if said else known,
        refused=refused or [],
        key=secrets.token_hex(16),
    )


def take(request: Request, home: House, find: Find, said: Said) -> Response:
    with home.stranger() as conn:
        scan = find(conn)
    if not home.report_pace.takes(address_of(request)):
        return show(request, home, scan, said, ["many"], status=429)
    try:
        # between the transactions: it takes its time, and only who has a label may take it
        developed = _photo(request, home, said.photo)
    except photos.PhotoError:
        return show(request, home, scan, said, ["photo"])
    except photos.CrowdedError:
        return show(request, home, scan, said, ["photos"], status=429)
    with home.stranger(acts=True) as conn:
        scan = find(conn)
        report = _report(scan, said, developed)
        key = f"form:{said.key or secrets.token_hex(16)}:{reporting.fingerprint(report).hex()}"
        try:
            answer = reporting.submit(conn, home, report, developed, key=key, waits=True)
        except ReportRefusedError as error:
            return show(request, home, scan, said, list(error.codes))
    language = pages.language_of(request, scan.customer.language if scan.customer else None)
    return pages.render(request, "reported.html", language=language, answer=answer)


def _report(scan: Scan, said: Said, developed: Developed | None) -> Report:
    return Report(
        device=scan.device,
        words=said.words,
        contact=said.contact,
        photo=developed.photo if developed else None,
        channel=scan.channel,
        actor=scan.actor,
    )


def _photo(request: Request, home: House, photo: UploadFile | None) -> Developed | None:
    data = photo.file.read(PHOTO_BYTES + 1) if photo is not None else b""
    if data and not home.photo_pace.takes(address_of(request)):
        raise photos.CrowdedError
    if len(data) > PHOTO_BYTES:
        raise photos.PhotoError(f"more than {PHOTO_BYTES} bytes")
    return photos.develop(data) if data else None

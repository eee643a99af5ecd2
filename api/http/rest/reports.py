"""A report by program: the same door, gate and answer as the page behind the label."""

import base64
import binascii
from typing import Annotated, Any

from fastapi import APIRouter, Header
from psycopg import Connection
from pydantic import StringConstraints, model_validator

from api.http import photos, reporting
from api.http.guard import PHOTO_BYTES
from api.http.house import Home
from api.http.photos import Developed
from api.http.problems import refuse
from api.http.rest.devices import Body, Line
from devices import registry
from devices.errors import UnknownDeviceError
from devices.model import Device
from ledger import scope
from ticketing.intake.model import MAX_WORDS, Report

router = APIRouter(tags=["reports"])

_BASE64 = PHOTO_BYTES * 4 // 3 + 4


class ReportBody(Body):
    device_id: Line | None = None
    label_token: Line | None = None
    words: Annotated[str, StringConstraints(max_length=MAX_WORDS)] = ""
    contact: Line = ""
    serial: Line = ""
    photo_base64: Annotated[str, StringConstraints(max_length=_BASE64)] | None = None

    @model_validator(mode="after")
    def _names_one_appliance(self) -> "ReportBody":
        if (self.device_id is None) == (self.label_token is None):
            raise ValueError("say which appliance: either device_id or label_token")
        return self


@router.post(
    "/reports",
    status_code=201,
    summary="Report a fault: opens a ticket or joins the open one; the same Idempotency-Key gets the same answer",
)
def report(
    body: ReportBody,
    home: Home,
    idempotency_key: Annotated[str | None, Header(max_length=250)] = None,
) -> dict[str, Any]:
    if not idempotency_key:
        raise refuse(
            400, "idempotency-key-missing", "Send an Idempotency-Key, so that a repeat is not a second report."
        )
    photo = _photo(body.photo_base64)
    with home.stranger(acts=True) as conn:
        said = Report(
            device=_device(conn, home, body),
            words=body.words,
            contact=body.contact,
            serial=body.serial or None,
            photo=photo.photo if photo else None,
            channel="api",
            actor=home.scope().actor,
        )
        answer = reporting.submit(conn, home, said, photo, key=f"api:{idempotency_key}")
    follow_url = home.settings.base_url.rstrip("/") + answer.follow_path
    return {"ticket_number": answer.ticket_number, "joined": answer.joined, "follow_url": follow_url}


def _device(conn: Connection[Any], home: Home, body: ReportBody) -> Device:
    device = registry.by_label(conn, body.label_token) if body.label_token else None
    scope.enter(conn, home.scope())
    if body.device_id is not None:
        return registry.find(conn, home.settings.tenant, body.device_id)
    if device is None or device.tenant_id != home.settings.tenant:
        raise UnknownDeviceError("behind this label")
    return device


def _photo(text: str | None) -> Developed | None:
    if not text:
        return None
    try:
        return photos.develop(base64.b64decode(text, validate=True))
    except (binascii.Error, ValueError):
        raise refuse(422, "not-a-photo", "photo_base64 is not base64.") from None

"""What a device's page shows of claiming: a new card, printed once, and the button that opens a lock."""

from datetime import datetime
from typing import Any

from fastapi import APIRouter, Request, Response
from psycopg import Connection
from starlette.responses import RedirectResponse

from api.http import pages, sheet, sheet_pdf
from api.http.claiming import owner_path
from api.http.house import Home
from api.http.problems import refuse
from api.http.rest.devices import label_url
from devices import registry
from devices.claims import claiming
from devices.model import Device

router = APIRouter(prefix="/desk/devices", include_in_schema=False)


def of_device(conn: Connection[Any], device: Device, now: datetime) -> dict[str, Any]:
    known = claiming.standing(conn, device, now)
    until = known.guesses.locked_until
    return {"claim": known, "claim_locked": until if until and until > now else None}


@router.post("/{device_id}/claim/secret")
def card(device_id: str, request: Request, home: Home) -> Response:
    """The card itself: the secret stands on it and nowhere else."""
    with home.acting() as conn:
        device = registry.find(conn, home.settings.tenant, device_id)
        secret = claiming.issue_secret(conn, device, by=home.scope(), now=home.clock())
    words = sheet_pdf.card(label_url(home, device), device.model, device.serial, secret, pages.language_of(request))
    return Response(sheet_pdf.draw([words], sheet.PRESETS[sheet.CARDS]), media_type="application/pdf")


@router.post("/{device_id}/claim/link")
def link(device_id: str, home: Home) -> Response:
    """A new link to the owner's page, for one who lost his."""
    with home.acting() as conn:
        device = registry.find(conn, home.settings.tenant, device_id)
        if device.customer_id is None:
            raise refuse(409, "no-owner", "Nobody owns it, so there is no page of an owner.")
        return RedirectResponse(owner_path(conn, home, device, device.customer_id), status_code=303)


@router.post("/{device_id}/claim/unlock")
def unlock(device_id: str, request: Request, home: Home) -> Response:
    with home.acting() as conn:
        device = registry.find(conn, home.settings.tenant, device_id)
        claiming.unlock(conn, device, by=home.scope(), now=home.clock())
    back = f"/desk/devices/{device.device_id}"
    return RedirectResponse(f"{back}?{request.url.query}" if request.url.query else back, status_code=303)

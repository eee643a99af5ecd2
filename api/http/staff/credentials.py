"""What a device's page shows of its credentials, and the button that revokes one."""

from datetime import datetime
from typing import Any

from fastapi import APIRouter, Request, Response
from psycopg import Connection
from starlette.responses import RedirectResponse

from api.http.house import Home, House
from api.texts import say
from devices import registry
from devices.credentials import denials, issuing, store
from devices.credentials.denials import Denial, Kind
from devices.model import Device

router = APIRouter(prefix="/desk/devices", include_in_schema=False)

LATEST = 10


def of_device(conn: Connection[Any], house: House, device: Device, now: datetime, language: str) -> dict[str, Any]:
    known = store.of_device(conn, device)[-LATEST:]
    return {
        "credentials": [(each, each.state(now)) for each in reversed(known)],
        "denials": [(each, _in_words(each, language)) for each in denials.of_device(conn, device)],
        "sign_in": house.settings.device_sign_in,
    }


def _in_words(denial: Denial, language: str) -> str:
    """The topic; of a sign-in from where it came and why it was turned away."""
    if denial.kind != Kind.SIGN_IN:
        return denial.last_what
    address, _, verdict = denial.last_what.rpartition(" ")
    return f"{address}, {say(language, f'verdict.{verdict}')}"


@router.post("/{device_id}/credentials/{n}/revoke")
def revoke(device_id: str, n: int, request: Request, home: Home) -> Response:
    with home.acting() as conn:
        device = registry.find(conn, home.settings.tenant, device_id)
        issuing.revoke(conn, device, n, by=home.scope(), now=home.clock())
    back = f"/desk/devices/{device.device_id}"
    return RedirectResponse(f"{back}?{request.url.query}" if request.url.query else back, status_code=303)

"""What a device's page shows of its credentials, and the buttons that hand one out, rotate it and revoke it."""

from datetime import datetime, timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Form, Request, Response
from psycopg import Connection
from starlette.responses import RedirectResponse

from api.http import pages
from api.http.house import Home, House
from api.http.rest.credentials import maker, where
from api.texts import say
from devices import registry
from devices.credentials import denials, issuing, store
from devices.credentials.denials import Denial, Kind
from devices.credentials.lifecycle import GRACE, LONGEST_GRACE
from devices.credentials.model import Issued, State
from devices.credentials.permissions import permissions
from devices.model import Device

router = APIRouter(prefix="/desk/devices", include_in_schema=False)

LATEST = 10
GRACES_D = (0, 1, GRACE.days, 30, LONGEST_GRACE.days)  # for which the old one may go on


def of_device(conn: Connection[Any], house: House, device: Device, now: datetime, language: str) -> dict[str, Any]:
    known = store.of_device(conn, device)[-LATEST:]
    return {
        "credentials": [(each, each.state(now)) for each in reversed(known)],
        "rotates": any(each.state(now) is State.LIVE for each in known),
        "graces_d": GRACES_D,
        "usual_d": GRACE.days,
        "denials": [(each, _in_words(each, language)) for each in denials.of_device(conn, device)],
        "sign_in": house.settings.device_sign_in,
    }


def _in_words(denial: Denial, language: str) -> str:
    """The topic; of a sign-in from where it came and why it was turned away."""
    if denial.kind != Kind.SIGN_IN:
        return denial.last_what
    address, _, verdict = denial.last_what.rpartition(" ")
    return f"{address}, {say(language, f'verdict.{verdict}')}"


@router.post("/{device_id}/credentials")
def hand_out(device_id: str, request: Request, home: Home) -> Response:
    """The first one, or one after all others ended: with its password, which stands on this page and nowhere else."""
    with home.acting() as conn:
        device = registry.find(conn, home.settings.tenant, device_id)
        issued = issuing.issue(conn, device, by=home.scope(), now=home.clock(), make=maker(home, conn))
    return _shown(request, home, device, issued)


@router.post("/{device_id}/credentials/rotate")
def rotate(
    device_id: str,
    request: Request,
    home: Home,
    grace_d: Annotated[int, Form(ge=0, le=LONGEST_GRACE.days)] = GRACE.days,
) -> Response:
    """Whoever taps twice has two passwords: the second opens, the first, which nobody used, does not any more."""
    with home.acting() as conn:
        device = registry.find(conn, home.settings.tenant, device_id)
        issued = issuing.rotate(
            conn,
            device,
            by=home.scope(),
            now=home.clock(),
            grace=timedelta(days=grace_d),
            make=maker(home, conn),
        )
    return _shown(request, home, device, issued, timedelta(days=grace_d))


def _shown(request: Request, house: House, device: Device, issued: Issued, grace: timedelta | None = None) -> Response:
    now = house.clock()
    return pages.render(
        request,
        "device_credential.html",
        language=pages.language_of(request),
        here=f"/desk/devices/{device.device_id}",
        device=device,
        issued=issued,
        may=permissions(device.tenant_id, device.device_id),
        ends=None if grace is None else now + grace,
        ended=grace == timedelta(),
        **where(house),
    )


@router.post("/{device_id}/credentials/{n}/revoke")
def revoke(device_id: str, n: int, request: Request, home: Home) -> Response:
    with home.acting() as conn:
        device = registry.find(conn, home.settings.tenant, device_id)
        issuing.revoke(conn, device, n, by=home.scope(), now=home.clock())
    back = f"/desk/devices/{device.device_id}"
    return RedirectResponse(f"{back}?{request.url.query}" if request.url.query else back, status_code=303)

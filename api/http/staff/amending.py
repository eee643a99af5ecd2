"""The page on which a device's facts are corrected, and where it stands is said."""

from collections.abc import Mapping
from datetime import date
from typing import Annotated, Any

from fastapi import APIRouter, Request, Response
from psycopg import Connection
from pydantic import Field
from starlette.responses import RedirectResponse

from api.http import pages
from api.http.house import Home, House
from api.http.rest.devices import Body, Line, Word
from api.http.staff import forms, points
from api.http.staff.forms import Form, Typed
from api.http.staff.points import PointFields
from devices import placing, registry
from devices.amend import amend
from devices.errors import GatewayError, SerialTakenError, UnknownDeviceError
from devices.model import ApplianceClass, Device
from devices.sites import sites

router = APIRouter(prefix="/desk/devices", include_in_schema=False)

MOST_SITES = 200  # that are proposed while somebody types


class Facts(Body):
    model: Word
    serial: Word
    made_on: date | None = None
    bought_on: date | None = None
    installed_on: date | None = None


class Place(PointFields):
    place: Line = ""
    region: Line = ""
    site: Annotated[Line, Field(max_length=64)] = ""
    gateway: Line = ""


@router.get("/{device_id}/edit")
def edit(device_id: str, request: Request, home: Home) -> Response:
    with home.looking() as conn:
        return _page(conn, home, request, registry.find(conn, home.settings.tenant, device_id))


@router.post("/{device_id}/facts")
def facts(device_id: str, request: Request, typed: Typed, home: Home) -> Response:
    language = pages.language_of(request)
    said = forms.check(Facts, typed, language)
    if not isinstance(said, Form):
        try:
            with home.acting() as conn:
                device = registry.find(conn, home.settings.tenant, device_id)
                seen = forms.version(typed)
                amend(conn, device, said.model_dump(), by=home.scope(), now=home.clock(), expected_version=seen)
            return _back(request, device_id)
        except SerialTakenError:
            said = forms.wrong(language, typed, "serial", "serial_taken")
    with home.looking() as conn:
        return _page(conn, home, request, registry.find(conn, home.settings.tenant, device_id), facts=said)


@router.post("/{device_id}/place")
def place(device_id: str, request: Request, typed: Typed, home: Home) -> Response:
    language = pages.language_of(request)
    said = points.check(Place, typed, language)
    if not isinstance(said, Form):
        try:
            with home.acting() as conn:
                device = registry.find(conn, home.settings.tenant, device_id)
                _stand(conn, home, device, said, forms.version(typed))
            return _back(request, device_id)
        except UnknownDeviceError:
            said = forms.wrong(language, typed, "gateway", "no_gateway")
        except GatewayError as error:
            said = forms.wrong(language, typed, "gateway", f"behind.{error.because}")
    with home.looking() as conn:
        return _page(conn, home, request, registry.find(conn, home.settings.tenant, device_id), stands=said)


def _stand(conn: Connection[Any], home: House, device: Device, said: Place, seen: int) -> None:
    by, now = home.scope(), home.clock()
    gateway, site = said.gateway or None, said.site or None
    placed = placing.place(conn, device, gateway, site, by=by, now=now, expected_version=seen)
    amend(conn, placed, {"place": said.place, "region": said.region, **registry.pointed(said.point)}, by=by, now=now)


def _page(
    conn: Connection[Any],
    home: House,
    request: Request,
    device: Device,
    *,
    facts: Form | None = None,
    stands: Form | None = None,
) -> Response:
    appliance = home.catalogue[device.class_id]
    return pages.render(
        request,
        "device_edit.html",
        language=pages.language_of(request),
        status=422 if facts or stands else 200,
        here=f"/desk/devices/{device.device_id}/edit",
        device=device,
        appliance=appliance,
        facts=facts or Form(typed=_facts(device)),
        stands=stands or Form(typed=_place(conn, device)),
        models=_models(appliance, device.tenant_id),
        sites=[each.name for each in sites.listed(conn, device.tenant_id, limit=MOST_SITES)],
    )


def _models(appliance: ApplianceClass, tenant_id: str) -> list[str]:
    """Those of the catalogue; a device may be of another."""
    own = appliance.own.get(tenant_id)
    return sorted({*appliance.models, *(own.models if own else ())})


def _facts(device: Device) -> Mapping[str, str]:
    days = {name: getattr(device, name) for name in ("made_on", "bought_on", "installed_on")}
    return {
        "model": device.model,
        "serial": device.serial,
        **{name: day.isoformat() if day else "" for name, day in days.items()},
    }


def _place(conn: Connection[Any], device: Device) -> Mapping[str, str]:
    """The point as it was given, in its datum."""
    gateway = registry.by_no(conn, device.gateway_no) if device.gateway_no else None
    return {
        "place": device.place,
        "region": device.region,
        "site": device.site or "",
        "gateway": gateway.device_id if gateway else "",
        **points.typed_of(device),
    }


def _back(request: Request, device_id: str) -> Response:
    return RedirectResponse(pages.back(request, f"/desk/devices/{device_id}", "facts"), status_code=303)

"""`/desk/devices`: every appliance that may send, and the form that registers one more."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response
from starlette.responses import RedirectResponse

from api.http import pages
from api.http.house import Home, House
from api.http.rest.devices import Body, Line, Word
from api.http.staff import forms, lists
from api.http.staff.forms import Form, Typed
from devices import registry
from devices.errors import BadIdError, DeviceTakenError, SerialTakenError, UnknownClassError
from devices.model import Catalogue, Device, DeviceFilter, DeviceState
from devices.registry import Registration
from devices.settings import models_of
from devices.warranty import covers
from devices.warranty.model import Cover, Repair
from ticketing.tickets import repairs

router = APIRouter(prefix="/desk/devices", include_in_schema=False)

MOST_MODELS = 500  # that are proposed while somebody types
Fact = Annotated[str, Query(max_length=200)]


class Registered(Body):
    device_id: Word
    class_id: Word
    model: Word
    serial: Word
    place: Line = ""
    region: Line = ""
    made_on: date | None = None
    bought_on: date | None = None
    installed_on: date | None = None


def _asked(
    class_id: Annotated[str, Query(alias="class", max_length=200)] = "",
    state: Fact = "",
    model: Fact = "",
    site: Fact = "",
    text: Fact = "",
) -> DeviceFilter:
    """As a form sends it: what was left empty is not asked for."""
    return DeviceFilter(
        class_id=class_id or None,
        state=DeviceState(state) if state in [*DeviceState] else None,
        model=model.strip() or None,
        site=site.strip() or None,
        text=text.strip() or None,
    )


@router.get("")
def device_list(
    request: Request,
    home: Home,
    asked: Annotated[DeviceFilter, Depends(_asked)],
    after: Annotated[int, Query(ge=0)] = 0,
    limit: Annotated[int, Query(ge=1, le=lists.MOST)] = lists.STEP,
) -> Response:
    return _list(request, home, asked, after, limit)


@router.post("")
def register(request: Request, typed: Typed, home: Home) -> Response:
    """To its page; said again with the same facts, nothing changes."""
    language = pages.language_of(request)
    said = forms.check(Registered, typed, language)
    if not isinstance(said, Form):
        try:
            with home.acting() as conn:
                facts = Registration(owner=None, **said.model_dump())
                device = registry.register(conn, home.catalogue, facts, by=home.scope(), now=home.clock()).device
            return RedirectResponse(pages.back(request, f"/desk/devices/{device.device_id}"), status_code=303)
        except BadIdError:
            said = forms.wrong(language, typed, "device_id", "bad_id")
        except DeviceTakenError:
            said = forms.wrong(language, typed, "device_id", "id_taken")
        except UnknownClassError:
            said = forms.wrong(language, typed, "class_id", "class_id")
        except SerialTakenError:
            said = forms.wrong(language, typed, "serial", "serial_taken")
    return _list(request, home, DeviceFilter(), adding=said)


def labels_path(devices: Iterable[Device], language: str) -> str:
    return f"/desk/devices/labels.pdf?devices={','.join(each.device_id for each in devices)}&lang={language}"


def _list(
    request: Request,
    home: House,
    asked: DeviceFilter,
    after: int = 0,
    limit: int = lists.STEP,
    *,
    adding: Form | None = None,
) -> Response:
    with home.looking() as conn:
        found = registry.listed(conn, home.settings.tenant, asked, after=after, limit=limit)
        repaired = repairs.of_devices(conn, home.settings.tenant, found, home.catalogue, lists.ZONE)
    today = home.clock().astimezone(lists.ZONE).date()
    language = pages.language_of(request)
    more = str(request.url.include_query_params(after=found[-1].device_no)) if len(found) == limit else None
    first = str(request.url.remove_query_params("after")) if after else None
    return pages.render(
        request,
        "desk_devices.html",
        language=language,
        status=422 if adding else 200,
        word="devices",
        follows=False,
        devices=[(each, covers.standing(_covers(home, each, today, repaired))) for each in found],
        asked=asked,
        states=list(DeviceState),
        classes=home.catalogue,
        models=_models(home.catalogue, home.settings.tenant),
        adding=adding or Form(typed={}),
        opened=adding is not None,
        page=lists.Page(limit=limit, more=more, first=first),
        labels_path=labels_path(found, language),
    )


def _covers(house: House, device: Device, today: date, repaired: Mapping[int, Sequence[Repair]]) -> Sequence[Cover]:
    return covers.of(house.catalogue, device, today, repaired.get(device.device_no, ()))


def _models(catalogue: Catalogue, tenant_id: str) -> list[str]:
    known = {each.model for row in catalogue.values() for each in models_of(row, tenant_id)}
    return sorted(known)[:MOST_MODELS]

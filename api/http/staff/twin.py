"""The part of a device's page about its twin: desired beside reported, commands, and what may be changed of it."""

from dataclasses import dataclass
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Request, Response
from psycopg import Connection
from starlette.responses import RedirectResponse

from api.http.house import Home
from devices import registry, settings
from devices.adjustables import Adjustable, Kind
from devices.model import ApplianceClass, Device
from devices.twin import accepts, lifecycle, merge, orders, store, wishes
from devices.twin.model import Command, Twin

router = APIRouter(prefix="/desk/devices", include_in_schema=False)

LATEST = 10
_PREFIX = "setting."  # of the form's fields


@dataclass(frozen=True, kw_only=True)
class Row:
    """A setting in the reader's language; None: nobody says anything of it. `field`: how a form calls it."""

    field: str
    title: str
    unit: str
    switch: bool
    hint: str
    desired: Any
    reported: Any
    differs: bool

    @property
    def is_silent(self) -> bool:
        return self.desired is None and self.reported is None


@dataclass(frozen=True, kw_only=True)
class Shown:
    """`strange`: what the device says of settings that its class has not."""

    twin: Twin
    rows: list[Row]
    strange: list[tuple[str, Any]]
    commands: list[Command]
    open: tuple[str, ...] = lifecycle.OPEN


def shown(conn: Connection[Any], device: Device, appliance: ApplianceClass, language: str) -> Shown:
    twin = store.find_twin(conn, device.tenant_id, device.device_no)
    known = accepts.adjustables_of(settings.of(appliance, device.tenant_id, device.model))
    differing = {each.name for each in merge.differences(twin)}
    rows = [
        Row(
            field=_PREFIX + name,
            title=each.title[language],
            unit="" if each.unit == "1" else each.unit,
            switch=each.kind is Kind.SWITCH,
            hint=_hint(each),
            desired=_word(twin.desired.get(name)),
            reported=_word(twin.reported.get(name)),
            differs=name in differing,
        )
        for name, each in known.items()
    ]
    strange = [(name, _word(value)) for name, value in twin.reported.items() if name not in known]
    return Shown(
        twin=twin, rows=rows, strange=strange, commands=store.list_commands(conn, device.device_no, limit=LATEST)
    )


def _hint(setting: Adjustable) -> str:
    if setting.low is None or setting.high is None:
        return ""
    return f"{setting.low:g} … {setting.high:g}"


def _word(value: Any) -> Any:
    return str(value).lower() if isinstance(value, bool) else value


async def _fields(request: Request) -> dict[str, str]:
    """Of a form whose fields are the class's."""
    async with request.form(max_files=0, max_fields=2 * accepts.MOST_SETTINGS) as form:
        return {key: str(value) for key, value in form.items()}


@router.post("/{device_id}/twin")
def desire(device_id: str, said: Annotated[dict[str, str], Depends(_fields)], home: Home) -> Response:
    """All settings of the form; an empty one is desired no more."""
    with home.acting() as conn:
        device = registry.find(conn, home.settings.tenant, device_id)
        appliance = settings.of(home.catalogue[device.class_id], device.tenant_id, device.model)
        texts = {key.removeprefix(_PREFIX): text for key, text in said.items() if key.startswith(_PREFIX)}
        patch = {name: accepts.read(appliance, name, text) for name, text in texts.items()}
        version = said.get("version", "")
        expected = int(version) if version.isdecimal() and len(version) < 19 else -1
        wishes.desire(conn, device, appliance, patch, expected=expected, by=home.scope(), now=home.clock())
    return RedirectResponse(f"/desk/devices/{device.device_id}#twin", status_code=303)


@router.post("/{device_id}/commands/{command_id}/cancel")
def cancel(device_id: str, command_id: UUID, home: Home) -> Response:
    with home.acting() as conn:
        device = registry.find(conn, home.settings.tenant, device_id)
        orders.cancel(conn, device, command_id, by=home.scope(), now=home.clock())
    return RedirectResponse(f"/desk/devices/{device.device_id}#twin", status_code=303)

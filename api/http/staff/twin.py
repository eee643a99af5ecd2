"""The part of a device's page about its twin: desired beside reported, commands, and the forms that say more."""

from collections.abc import Hashable
from dataclasses import dataclass
from typing import Annotated, Any
from uuid import UUID, uuid4

from fastapi import APIRouter, Form, Request, Response
from psycopg import Connection
from starlette.responses import RedirectResponse

from api.http import pages, telling, when
from api.http.house import Home
from api.http.staff import forms, story
from api.http.staff.forms import Typed
from api.http.telling import CommandBody, ExpiresS, Name
from devices import registry, settings
from devices.adjustables import Kind
from devices.model import ApplianceClass, Device
from devices.twin import accepts, arguments, lifecycle, merge, orders, store, wishes
from devices.twin.model import Command, Twin

router = APIRouter(prefix="/desk/devices", include_in_schema=False)

LATEST = 10
SPANS_S = (300, telling.HOUR_S, 86_400, 7 * 86_400)
_PREFIX = "setting."  # of the form's fields


@dataclass(frozen=True, kw_only=True)
class Row:
    """A setting in the reader's language; None: nobody says anything of it. `field`: how a form calls it."""

    field: str
    title: str
    unit: str
    kind: Kind
    low: float | None
    high: float | None
    desired: Any
    reported: Any
    differs: bool

    @property
    def is_silent(self) -> bool:
        return self.desired is None and self.reported is None


@dataclass(frozen=True, kw_only=True)
class Shown:
    """`strange`: what the device says of settings that its class has not. `commands`: with who sent them. `key`: of
    the command that the form sends, so that a form that is sent twice is one command. `spans`: how long it may wait, in
    seconds and in words."""

    twin: Twin
    rows: list[Row]
    strange: list[tuple[str, Any]]
    commands: list[tuple[Command, str]]
    hears: bool
    key: str
    spans: list[tuple[int, str]]
    usual_s: int = telling.HOUR_S
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
            kind=each.kind,
            low=each.low,
            high=each.high,
            desired=_word(twin.desired.get(name)),
            reported=_word(twin.reported.get(name)),
            differs=name in differing,
        )
        for name, each in known.items()
    ]
    told = store.list_commands(conn, device.device_no, limit=LATEST)
    strange = [(name, _word(value)) for name, value in twin.reported.items() if name not in known]
    return Shown(
        twin=twin,
        rows=rows,
        strange=strange,
        commands=[(each, story.who(language, each.queued_by)) for each in told],
        hears=accepts.is_there(device),
        key=str(uuid4()),
        spans=[(span_s, when.span(language, span_s * 1000)) for span_s in SPANS_S],
    )


def version(conn: Connection[Any], device: Device) -> Hashable:
    """Another one where something else is shown."""
    twin = store.find_twin(conn, device.tenant_id, device.device_no)
    commands = store.list_commands(conn, device.device_no, limit=LATEST)
    told = tuple((each.command_id, each.state, each.late is None) for each in commands)
    return twin.version, twin.says, twin.reported_version, twin.reported_at, twin.error, told


def _word(value: Any) -> Any:
    return str(value).lower() if isinstance(value, bool) else value


@router.post("/{device_id}/twin")
def desire(device_id: str, request: Request, said: Typed, home: Home) -> Response:
    """All settings of the form; an empty one is desired no more."""
    with home.acting() as conn:
        device = registry.find(conn, home.settings.tenant, device_id)
        appliance = settings.of(home.catalogue[device.class_id], device.tenant_id, device.model)
        texts = {key.removeprefix(_PREFIX): text for key, text in said.items() if key.startswith(_PREFIX)}
        patch = {name: accepts.read(appliance, name, text) for name, text in texts.items()}
        expected = forms.version(said)
        wishes.desire(conn, device, appliance, patch, expected=expected, by=home.scope(), now=home.clock())
    return _back(device_id, request, "twin")


@router.post("/{device_id}/commands")
def tell(
    device_id: str,
    request: Request,
    home: Home,
    name: Annotated[Name, Form()],
    key: Annotated[str, Form(min_length=1, max_length=200)],
    expires_s: Annotated[ExpiresS, Form()],
    said: Annotated[str, Form(alias="arguments", max_length=orders.ARGUMENTS_BYTES)] = "",
) -> Response:
    """`arguments`: one a line, as `foremend command send` takes them."""
    body = CommandBody(name=name.strip(), arguments=arguments.read(said.splitlines()), expires_s=expires_s)
    telling.tell(home, device_id, body, key)
    return _back(device_id, request, "commands")


@router.post("/{device_id}/commands/{command_id}/cancel")
def cancel(device_id: str, command_id: UUID, request: Request, home: Home) -> Response:
    with home.acting() as conn:
        device = registry.find(conn, home.settings.tenant, device_id)
        orders.cancel(conn, device, command_id, by=home.scope(), now=home.clock())
    return _back(device_id, request, "commands")


def _back(device_id: str, request: Request, part: str) -> Response:
    """To the part of the page where what was done is seen, in the language in which it was read."""
    return RedirectResponse(pages.back(request, f"/desk/devices/{device_id}", part), status_code=303)

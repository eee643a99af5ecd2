"""A device's twin and its commands, for programs."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Header, Query, Response
from psycopg import Connection
from pydantic import Field, StringConstraints
from starlette.responses import JSONResponse

from api.http import telling
from api.http.house import Home
from api.http.problems import refuse
from api.http.rest.devices import Body
from api.http.telling import CommandBody, Name, command_json
from devices import registry, settings
from devices.model import ApplianceClass, Device
from devices.twin import accepts, merge, orders, store, wishes
from devices.twin.errors import UnknownCommandError
from devices.twin.model import CommandState, Twin
from ingest import history

router = APIRouter(tags=["twins"])

Text = Annotated[str, StringConstraints(max_length=accepts.TEXT_CHARS)]
Value = bool | int | float | Text | None


class StateBody(Body):
    """Settings by name; null: nobody wishes anything of it any more. What is left out stays as it is."""

    state: Annotated[dict[Name, Value], Field(min_length=1, max_length=accepts.MOST_SETTINGS)]


@router.get("/devices/{device_id}/twin", summary="What a device shall be like and says it is")
def twin(device_id: str, home: Home, response: Response) -> dict[str, Any]:
    """The ETag is the desired state's version; a change carries it. `lag`: versions that the device has not taken."""
    with home.looking() as conn:
        device = registry.find(conn, home.settings.tenant, device_id)
        found = store.find_twin(conn, device.tenant_id, device.device_no)
        return _answer(conn, _appliance(home, device), device, found, response)


@router.patch("/devices/{device_id}/twin", summary="Desire settings; the version that was seen stands in If-Match")
def desire(
    device_id: str,
    body: StateBody,
    home: Home,
    response: Response,
    if_match: Annotated[str | None, Header()] = None,
) -> dict[str, Any]:
    expected = _expected(if_match)
    with home.acting() as conn:
        device = registry.find(conn, home.settings.tenant, device_id)
        appliance = _appliance(home, device)
        found = wishes.desire(conn, device, appliance, body.state, expected=expected, by=home.scope(), now=home.clock())
        return _answer(conn, appliance, device, found, response)


@router.post(
    "/devices/{device_id}/commands",
    status_code=201,
    summary="Tell a device to do something before it expires; the same Idempotency-Key gets the same answer",
)
def send(
    device_id: str,
    body: CommandBody,
    home: Home,
    idempotency_key: Annotated[str | None, Header(max_length=200)] = None,
) -> Response:
    if not idempotency_key:
        raise refuse(
            400, "idempotency-key-missing", "Send an Idempotency-Key, so that a repeat is not a second command."
        )
    stored = telling.tell(home, device_id, body, idempotency_key)
    return JSONResponse(stored.answer, status_code=stored.status)


@router.get("/devices/{device_id}/commands", summary="A device's commands, newest first, a page at a time")
def commands(
    device_id: str,
    home: Home,
    state: CommandState | None = None,
    before: UUID | None = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 50,
) -> dict[str, Any]:
    with home.looking() as conn:
        device = registry.find(conn, home.settings.tenant, device_id)
        page = store.list_commands(conn, device.device_no, state=state, before=before, limit=limit)
    more = str(page[-1].command_id) if len(page) == limit else None
    return {"commands": [command_json(each) for each in page], "next": more}


@router.get("/devices/{device_id}/commands/{command_id}", summary="One command and what came of it")
def command(device_id: str, command_id: UUID, home: Home) -> dict[str, Any]:
    with home.looking() as conn:
        device = registry.find(conn, home.settings.tenant, device_id)
        found = store.find_command(conn, device.device_no, command_id)
    if found is None:
        raise UnknownCommandError(command_id)
    return command_json(found)


@router.delete("/devices/{device_id}/commands/{command_id}", summary="Cancel a command that is not over")
def cancel(device_id: str, command_id: UUID, home: Home) -> dict[str, Any]:
    """A device that was told may have heard it: what it says of it then is noted as `late`."""
    with home.acting() as conn:
        device = registry.find(conn, home.settings.tenant, device_id)
        return command_json(orders.cancel(conn, device, command_id, by=home.scope(), now=home.clock()))


def _appliance(home: Home, device: Device) -> ApplianceClass:
    """As it is for the device's model."""
    return settings.of(home.catalogue[device.class_id], device.tenant_id, device.model)


def _expected(if_match: str | None) -> int:
    tag = (if_match or "").strip().removeprefix("W/").strip('"')
    if tag.isdecimal() and len(tag) < 19:
        return int(tag)
    raise refuse(428, "version-missing", "Say which desired state you saw: If-Match with the twin's ETag.")


def _answer(
    conn: Connection[Any], appliance: ApplianceClass, device: Device, twin: Twin, response: Response
) -> dict[str, Any]:
    clock = history.clock(conn, appliance, device.device_no)
    response.headers["ETag"] = f'"{twin.version}"'
    return {
        "device_id": device.device_id,
        "version": twin.version,
        "desired": twin.desired,
        "desired_at": twin.desired_at,
        "desired_by": twin.desired_by,
        "reported_version": twin.reported_version,
        "reported": twin.reported,
        "reported_at": twin.reported_at,
        "lag": twin.lag,
        "differences": [
            {"setting": each.name, "desired": each.desired, "reported": each.reported}
            for each in merge.differences(twin)
        ],
        "firmware": twin.firmware,
        "firmware_at": twin.firmware_at,
        "clock": clock.state,
        "clock_offset_ms": clock.offset_ms,
        "says": twin.says,
        "said_at": twin.said_at,
        "say_at": twin.say_at,
        "error": twin.error,
        "adjustables": [
            {"name": each.name, "kind": each.kind, "unit": each.unit, "low": each.low, "high": each.high}
            for each in accepts.adjustables_of(appliance).values()
        ],
    }

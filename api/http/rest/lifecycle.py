"""A device's life: moved from state to state, and who owned it when."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Header, Response
from fastapi.encoders import jsonable_encoder
from pydantic import Field

from api.http import moving
from api.http.house import Home
from api.http.moving import Move
from api.http.problems import refuse
from api.http.rest import versions
from api.http.rest.devices import Body, Line, Word, as_json
from devices import registry
from devices.model import DeviceState
from devices.warranty import covers
from ticketing.questions import local_time
from ticketing.tickets import repairs

router = APIRouter(tags=["devices"])


class MoveBody(Body):
    """`customer`: who claims it or whom it is resold to; `successor`: which device takes over its label."""

    to: DeviceState
    customer: UUID | None = None
    successor: Word | None = None
    reason: Line = ""
    version: Annotated[int, Field(ge=1)] | None = None


@router.post(
    "/devices/{device_id}/transitions",
    summary="Move a device: claimed, in service, retired, replaced under its label, resold; If-Match or `version`",
)
def move(
    device_id: str,
    body: MoveBody,
    home: Home,
    response: Response,
    if_match: Annotated[str | None, Header()] = None,
) -> dict[str, Any]:
    """409 with `allowed` where its life does not go that way. What is resold leaves its owner, whose links end; what is
    out of service raises no question; what is replaced hands its label to `successor`."""
    said = Move(
        to=body.to,
        expected_version=versions.expected(if_match, body.version),
        customer_id=body.customer,
        successor=body.successor,
        reason=body.reason,
    )
    with home.acting() as conn:
        device = registry.find(conn, home.settings.tenant, device_id)
        try:
            moved = moving.move(conn, home, device, said)
        except ValueError as missing:
            raise refuse(422, "not-valid", f"Name the {missing}: `{missing}` in the body.") from None
    response.headers["ETag"] = versions.etag(moved.version)
    return as_json(home, moved)


@router.get("/devices/{device_id}/warranty", summary="What is covered until when, and why; counted, never typed")
def warranty(device_id: str, home: Home) -> dict[str, Any]:
    """By the terms of its class, tenant and model from its dates; `today` is the owner's."""
    with home.looking() as conn:
        device = registry.find(conn, home.settings.tenant, device_id)
        customer = registry.customer_of(conn, device)
        zone = local_time.zone(customer.time_zone if customer else "UTC")
        repaired = repairs.of_device(conn, device, home.catalogue, zone)
    today = home.clock().astimezone(zone).date()
    found = covers.of(home.catalogue, device, today, repaired)
    return {"standing": covers.standing(found), "today": today, "covers": jsonable_encoder(found)}


@router.get("/devices/{device_id}/ownership", summary="Who owned a device when, the first one first")
def ownership(device_id: str, home: Home) -> dict[str, Any]:
    with home.looking() as conn:
        device = registry.find(conn, home.settings.tenant, device_id)
        found = registry.owners(conn, device)
    return {
        "ownership": [{"customer_id": each.customer_id, "since": each.since, "until": each.until} for each in found]
    }

"""Devices, their recordings, and what the record says of them."""

from datetime import datetime
from typing import Annotated, Any
from zoneinfo import available_timezones

from fastapi import APIRouter, Response
from psycopg import Connection
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

from api.http.house import Home, House
from devices import recordings, registry
from devices.model import Device, Recording
from devices.registry import Owner, Registration
from ingest.presence import shown

router = APIRouter(tags=["devices"])

# PostgreSQL keeps no NUL in a text
Line = Annotated[str, StringConstraints(strip_whitespace=True, max_length=200, pattern=r"^[^\x00-\x1f]*$")]
Word = Annotated[Line, StringConstraints(min_length=1)]
Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]


def _known_time_zone(name: str) -> str:
    if name not in available_timezones():
        raise ValueError(f"{name!r} is no time zone of the IANA database, such as Europe/Berlin")
    return name


class Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class CustomerBody(Body):
    name: Word
    language: Annotated[str, StringConstraints(pattern="^(en|zh)$")] = "en"
    time_zone: Annotated[str, AfterValidator(_known_time_zone)] = "UTC"
    email: Word | None = None
    phone: Word | None = None


class DeviceBody(Body):
    class_id: Word
    model: Word
    serial: Word
    place: Line = ""
    region: Line = ""
    customer: CustomerBody | None = None


class RecordingBody(Body):
    shift_ms: Annotated[int, Field(ge=-(2**62), le=2**62)]
    keep_time: bool
    facts: dict[str, Any] = {}


def as_json(house: House, device: Device) -> dict[str, Any]:
    return {
        "device_id": device.device_id,
        "device_no": device.device_no,
        "tenant": device.tenant_id,
        "class_id": device.class_id,
        "model": device.model,
        "serial": device.serial,
        "place": device.place,
        "region": device.region,
        "site": device.site,
        "gateway_no": device.gateway_no,
        "topic": f"fm/{device.tenant_id}/{device.device_id}/up/telemetry",
        "mqtt": f"{house.settings.mqtt_host}:{house.settings.mqtt_port}",
        "label_url": label_url(house, device),
    }


def label_url(house: House, device: Device) -> str:
    return f"{house.settings.base_url.rstrip('/')}/r/{device.label_token}"


@router.put("/devices/{device_id}", summary="Register a device; the same facts again change nothing", status_code=201)
def register(device_id: str, body: DeviceBody, house: Home, response: Response) -> dict[str, Any]:
    facts = body.model_dump(exclude={"customer"})
    owner = Owner(**body.customer.model_dump()) if body.customer else None
    said = Registration(device_id=device_id, owner=owner, **facts)
    with house.acting() as conn:
        registered = registry.register(conn, house.catalogue, said, by=house.scope(), now=house.clock())
    response.status_code = 201 if registered.created else 200
    return as_json(house, registered.device)


@router.get("/devices", summary="Devices in order of their number, a page at a time")
def devices(
    house: Home, after: Annotated[int, Field(ge=0)] = 0, limit: Annotated[int, Field(ge=1, le=500)] = 100
) -> dict[str, Any]:
    with house.looking() as conn:
        page = registry.listed(conn, house.settings.tenant, after=after, limit=limit)
    return {"devices": [as_json(house, device) for device in page], "next": page[-1].device_no if page else None}


@router.get("/devices/{device_id}", summary="One device")
def device(device_id: str, house: Home) -> dict[str, Any]:
    """`presence` is null until it is first heard; `why` says what keeps it away, and then what that stands under."""
    with house.looking() as conn:
        found = registry.find(conn, house.settings.tenant, device_id)
        return {**as_json(house, found), "presence": _presence(conn, found, house.clock())}


@router.put(
    "/devices/{device_id}/recordings/{sha256}",
    summary="Say that a recorded file stands for this device; the first word about its time shift wins",
)
def set_recording(device_id: str, sha256: Sha256, body: RecordingBody, house: Home) -> dict[str, Any]:
    with house.acting() as conn:
        device = registry.find(conn, house.settings.tenant, device_id)
        said = Recording(device_no=device.device_no, sha256=sha256, **body.model_dump())
        kept = recordings.keep(conn, device, said, by=house.scope(), now=house.clock())
    return {"sha256": kept.sha256, "shift_ms": kept.shift_ms, "keep_time": kept.keep_time, "facts": kept.facts}


def _presence(conn: Connection[Any], device: Device, now: datetime) -> dict[str, Any] | None:
    presence = shown.of_device(conn, device.device_no)
    if presence is None:
        return None
    ours = shown.ours(conn, now)
    return {
        "state": presence.state,
        "since": presence.since,
        "cause": presence.cause,
        "asleep_until": presence.until,
        "broker": presence.broker,
        "why": [
            {"kind": outage.kind, "subject": outage.subject, "cause": outage.cause, "since": outage.since}
            for outage in shown.why(conn, device.device_no)
        ],
        "we_do_not_listen_since": ours.since if ours else None,
    }

"""Devices, their recordings, and what the record says of them."""

from datetime import date, datetime
from typing import Annotated, Any
from uuid import UUID
from zoneinfo import available_timezones

from fastapi import APIRouter, Depends, Header, Query, Response
from psycopg import Connection
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

from api.http import product
from api.http.house import Home, House
from api.http.rest import versions
from devices import recordings, registry
from devices.amend import amend
from devices.datum import Datum, Point
from devices.lifecycle.transitions import ALLOWED
from devices.model import Device, DeviceFilter, DeviceState, Recording
from devices.registry import Owner, Registration
from ingest.presence import shown

router = APIRouter(tags=["devices"])

# PostgreSQL keeps no NUL in a text
Line = Annotated[str, StringConstraints(strip_whitespace=True, max_length=200, pattern=r"^[^\x00-\x1f]*$")]
Word = Annotated[Line, StringConstraints(min_length=1)]
Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]


def known_time_zone(name: str) -> str:
    if name not in available_timezones():
        raise ValueError(f"{name!r} is no time zone of the IANA database, such as Europe/Berlin")
    return name


class Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class CustomerBody(Body):
    name: Word
    language: Annotated[str, StringConstraints(pattern="^(en|zh)$")] = "en"
    time_zone: Annotated[str, AfterValidator(known_time_zone)] = "UTC"
    email: Word | None = None
    phone: Word | None = None


class PointBody(Body):
    """In the datum that is named; kept as it is given, and in WGS-84."""

    latitude: Annotated[float, Field(ge=-90, le=90)]
    longitude: Annotated[float, Field(ge=-180, le=180)]
    datum: Datum = Datum.WGS_84


class DeviceBody(Body):
    class_id: Word
    model: Word
    serial: Word
    place: Line = ""
    region: Line = ""
    made_on: date | None = None
    bought_on: date | None = None
    installed_on: date | None = None
    point: PointBody | None = None
    customer: CustomerBody | None = None


class DeviceChanges(Body):
    """What is left out stays as it is; null takes a date or a point away."""

    model: Word | None = None
    serial: Word | None = None
    place: Line | None = None
    region: Line | None = None
    made_on: date | None = None
    bought_on: date | None = None
    installed_on: date | None = None
    point: PointBody | None = None


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
        "state": device.state,
        "allowed": list(ALLOWED[device.state]),
        "successor_no": device.successor_no,
        "customer_id": device.customer_id,
        "made_on": device.made_on,
        "bought_on": device.bought_on,
        "installed_on": device.installed_on,
        "point": _point_json(device),
        "version": device.version,
        "topic": f"fm/{device.tenant_id}/{device.device_id}/up/telemetry",
        "mqtt": f"{house.settings.mqtt_host}:{house.settings.mqtt_port}",
        "sign_in": house.settings.device_sign_in,
        "label_url": label_url(house, device),
        "gs1_url": product.url_of(house, device),
    }


def _point_json(device: Device) -> dict[str, Any] | None:
    """`latitude` and `longitude` are WGS-84 whatever was given."""
    if device.latitude is None:
        return None
    given = {"latitude": device.given_latitude, "longitude": device.given_longitude, "datum": device.datum}
    return {"latitude": device.latitude, "longitude": device.longitude, "given": given}


def point_of(body: PointBody | None) -> Point | None:
    return Point(latitude=body.latitude, longitude=body.longitude, datum=body.datum) if body else None


def label_url(house: House, device: Device) -> str:
    return f"{house.settings.base_url.rstrip('/')}/r/{device.label_token}"


@router.put("/devices/{device_id}", summary="Register a device; the same facts again change nothing", status_code=201)
def register(device_id: str, body: DeviceBody, house: Home, response: Response) -> dict[str, Any]:
    facts = body.model_dump(exclude={"customer", "point"})
    owner = Owner(**body.customer.model_dump()) if body.customer else None
    said = Registration(device_id=device_id, owner=owner, point=point_of(body.point), **facts)
    with house.acting() as conn:
        registered = registry.register(conn, house.catalogue, said, by=house.scope(), now=house.clock())
    response.status_code = 201 if registered.created else 200
    response.headers["ETag"] = versions.etag(registered.device.version)
    return as_json(house, registered.device)


Fact = Annotated[str | None, Query(max_length=200)]


def asked_for(
    class_id: Annotated[str | None, Query(alias="class", max_length=200)] = None,
    model: Fact = None,
    state: Annotated[DeviceState | None, Query()] = None,
    site: Fact = None,
    customer: Annotated[UUID | None, Query()] = None,
    text: Annotated[str | None, Query(max_length=200, description="in id, model, serial or place")] = None,
) -> DeviceFilter:
    return DeviceFilter(class_id=class_id, model=model, state=state, site=site, customer_id=customer, text=text)


Asked = Annotated[DeviceFilter, Depends(asked_for)]


@router.get("/devices", summary="Devices in order of their number, a page at a time")
def devices(
    house: Home,
    asked: Asked,
    after: Annotated[int, Field(ge=0)] = 0,
    limit: Annotated[int, Field(ge=1, le=500)] = 100,
) -> dict[str, Any]:
    """`next`: what `after` must be for the next page."""
    with house.looking() as conn:
        page = registry.listed(conn, house.settings.tenant, asked, after=after, limit=limit)
    return {"devices": [as_json(house, device) for device in page], "next": page[-1].device_no if page else None}


@router.patch("/devices/{device_id}", summary="Correct a device's facts; If-Match with the version that you saw")
def correct(
    device_id: str,
    body: DeviceChanges,
    house: Home,
    response: Response,
    if_match: Annotated[str | None, Header()] = None,
) -> dict[str, Any]:
    said = body.model_dump(exclude_unset=True, exclude={"point"})
    changes = {name: value for name, value in said.items() if value is not None or name.endswith("_on")}
    if "point" in body.model_fields_set:
        changes.update(registry.pointed(point_of(body.point)))
    seen = versions.expected(if_match)
    with house.acting() as conn:
        found = registry.find(conn, house.settings.tenant, device_id)
        amended = amend(conn, found, changes, by=house.scope(), now=house.clock(), expected_version=seen)
    response.headers["ETag"] = versions.etag(amended.version)
    return as_json(house, amended)


@router.get("/devices/{device_id}", summary="One device; the ETag is what a change must carry")
def device(device_id: str, house: Home, response: Response) -> dict[str, Any]:
    """`presence` is null until it is first heard; `why` says what keeps it away, and then what that stands under."""
    with house.looking() as conn:
        found = registry.find(conn, house.settings.tenant, device_id)
        response.headers["ETag"] = versions.etag(found.version)
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

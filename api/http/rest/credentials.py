"""With what devices sign in at the broker: handed out once, rotated, revoked; and what it denied them."""

from datetime import datetime, timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Query
from psycopg import Connection
from pydantic import Field

from api.http.house import Home, House
from api.http.rest.devices import Body
from devices import registry
from devices.credentials import denials, issuing, seeds, store
from devices.credentials.denials import Denial
from devices.credentials.issuing import MakePassword
from devices.credentials.lifecycle import GRACE, LONGEST_GRACE
from devices.credentials.model import Credential, Issued, Username
from devices.credentials.permissions import permissions

router = APIRouter(tags=["credentials"])

Seconds = Annotated[int, Field(ge=0, le=int(LONGEST_GRACE.total_seconds()))]
Limit = Annotated[int, Query(ge=1, le=1000)]


class CredentialBody(Body):
    """`rotate`: beside a live one, which ends when the new one is first used, or after `grace_s`."""

    rotate: bool = False
    grace_s: Seconds = int(GRACE.total_seconds())


class ManyBody(Body):
    after: Annotated[int, Field(ge=0)] = 0
    limit: Annotated[int, Field(ge=1, le=1000)] = 500


def _handed_out(issued: Issued) -> dict[str, Any]:
    name = issued.username
    return {
        "tenant": name.tenant_id,
        "device": name.device_id,
        "client_id": name.client_id,
        "username": str(name),
        "password": issued.password,
    }


def as_json(credential: Credential, now: datetime) -> dict[str, Any]:
    name = Username.read(credential.username)
    return {
        "n": credential.n,
        "device": name.device_id if name else None,
        "username": credential.username,
        "client_id": name.client_id if name else None,
        "state": credential.state(now),
        **{
            at: getattr(credential, at)
            for at in ("issued_at", "expires_at", "revoked_at", "first_used_at", "last_seen_at", "last_address")
        },
    }


def _denial(denial: Denial) -> dict[str, Any]:
    return {
        "device": denial.device_id,
        "kind": denial.kind,
        "times": denial.denied,
        "first_at": denial.first_at,
        "last_at": denial.last_at,
        "last": denial.last_what,
    }


@router.post(
    "/devices/{device_id}/credentials",
    status_code=201,
    summary="Hand out a credential; its password is in this answer and nowhere else, and not in a repeated one",
)
def hand_out(device_id: str, body: CredentialBody, home: Home) -> dict[str, Any]:
    with home.acting() as conn:
        device = registry.find(conn, home.settings.tenant, device_id)
        if body.rotate:
            grace = timedelta(seconds=body.grace_s)
            issued = issuing.rotate(
                conn, device, by=home.scope(), now=home.clock(), grace=grace, make=maker(home, conn)
            )
        else:
            issued = issuing.issue(conn, device, by=home.scope(), now=home.clock(), make=maker(home, conn))
    own = permissions(device.tenant_id, device.device_id)
    said = {"publish": own.publish, "subscribe": own.subscribe}
    return {**_handed_out(issued), "n": issued.username.n, **said, **where(home)}


def maker(house: House, conn: Connection[Any]) -> MakePassword:
    key = house.settings.credential_key
    return seeds.maker(conn, key.get_secret_value().encode() if key else None)


def where(house: House) -> dict[str, Any]:
    settings = house.settings
    broker = f"{settings.mqtt_host}:{settings.mqtt_port}"
    return {"mqtt": broker, "tls": settings.mqtt_tls, "sign_in": settings.device_sign_in}


@router.get("/devices/{device_id}/credentials", summary="A device's credentials, and what the broker denied it")
def of_device(device_id: str, home: Home) -> dict[str, Any]:
    now = home.clock()
    with home.looking() as conn:
        device = registry.find(conn, home.settings.tenant, device_id)
        return {
            "credentials": [as_json(each, now) for each in store.of_device(conn, device)],
            "denied": [_denial(each) for each in denials.of_device(conn, device)],
            **where(home),
        }


@router.delete(
    "/devices/{device_id}/credentials/{n}",
    summary="Revoke one: it opens nothing from now on, and whoever is in by it is dropped within seconds",
)
def revoke(device_id: str, n: int, home: Home) -> dict[str, Any]:
    return _revoke(home, device_id, n)


@router.delete("/devices/{device_id}/credentials", summary="Revoke all that a device has")
def revoke_all(device_id: str, home: Home) -> dict[str, Any]:
    return _revoke(home, device_id, None)


def _revoke(home: House, device_id: str, n: int | None) -> dict[str, Any]:
    with home.acting() as conn:
        device = registry.find(conn, home.settings.tenant, device_id)
        return {"revoked": issuing.revoke(conn, device, n, by=home.scope(), now=home.clock())}


@router.post("/credentials", status_code=201, summary="Hand out one to each of the next devices that have none")
def hand_out_many(body: ManyBody, home: Home) -> dict[str, Any]:
    with home.acting() as conn:
        issued, after = issuing.issue_missing(
            conn, after=body.after, limit=body.limit, by=home.scope(), now=home.clock(), make=maker(home, conn)
        )
    return {"credentials": [_handed_out(each) for each in issued], "next": after}


@router.get("/credentials", summary="Credentials of all devices, a page at a time; go on with `after` = `next`")
def listed(
    home: Home, after: Annotated[str, Query(pattern=r"^\d{1,9}\.\d{1,9}$")] = "0.0", limit: Limit = 500
) -> dict[str, Any]:
    now = home.clock()
    device_no, n = map(int, after.split("."))
    with home.looking() as conn:
        page = store.list_of_tenant(conn, home.settings.tenant, after=(device_no, n), limit=limit)
    last = f"{page[-1].device_no}.{page[-1].n}" if len(page) == limit else None
    return {"credentials": [as_json(each, now) for each in page], "next": last}


@router.get("/denials", summary="Which devices the broker denied something last, and what")
def denied(home: Home, limit: Limit = 100) -> dict[str, Any]:
    with home.looking() as conn:
        return {"denied": [_denial(each) for each in denials.listed(conn, home.settings.tenant, limit=limit)]}

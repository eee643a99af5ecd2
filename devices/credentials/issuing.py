"""Credentials are handed out, rotated and revoked; every change is a line of the log, without the password."""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any

from psycopg import Connection

from devices.credentials import lifecycle, store
from devices.credentials.errors import AlreadyIssuedError, NothingToRotateError, UnknownCredentialError
from devices.credentials.lifecycle import GRACE
from devices.credentials.model import Credential, Issued, Username
from devices.credentials.secret import new_password, sha256
from devices.model import Device
from ledger import log
from ledger.model import Scope

MakePassword = Callable[[Username], str]


def _random(_: Username) -> str:
    return new_password()


def issue(conn: Connection[Any], device: Device, *, by: Scope, now: datetime, make: MakePassword = _random) -> Issued:
    """The device's first credential, or one after all others ended. Raises AlreadyIssuedError."""
    store.lock_device(conn, device.device_no)
    known = store.of_device(conn, device)
    if standing := lifecycle.live(known, now):
        raise AlreadyIssuedError(device.device_id, standing[-1].n)
    return _hand_out(conn, device.device_no, device.device_id, lifecycle.next_n(known), by, now, make)


def issue_missing(
    conn: Connection[Any], *, after: int, limit: int, by: Scope, now: datetime, make: MakePassword = _random
) -> tuple[list[Issued], int | None]:
    """For the next devices without a live one, and after which device_no to go on; None: there are no more."""
    without = store.list_without(conn, by.tenant_id, now, after=after, limit=limit)
    issued = [_hand_out(conn, device_no, device_id, n, by, now, make) for device_no, device_id, n in without]
    return issued, without[-1][0] if len(without) == limit else None


def rotate(
    conn: Connection[Any],
    device: Device,
    *,
    by: Scope,
    now: datetime,
    grace: timedelta = GRACE,
    make: MakePassword = _random,
) -> Issued:
    """A new credential beside the old one, which ends when the new one is first used, or after `grace`. Raises
    NothingToRotateError."""
    store.lock_device(conn, device.device_no)
    rotation = lifecycle.rotate(store.of_device(conn, device), now, grace)
    if rotation is None:
        raise NothingToRotateError(device.device_id)
    for n, expires_at in rotation.ends.items():
        store.end(conn, device, n, expires_at)
    ends = {str(n): until.isoformat() for n, until in rotation.ends.items()}
    return _hand_out(conn, device.device_no, device.device_id, rotation.n, by, now, make, ends)


def came_in(conn: Connection[Any], used: dict[str, tuple[datetime, str]], now: datetime) -> list[str]:
    """`used`: username -> when and from where it was let in. Returns the older ones that end by it: the device itself
    ends them."""
    ended = store.note_used(conn, used, now)
    for name in filter(None, map(Username.read, ended)):
        by = Scope(tenant_id=name.tenant_id, actor=f"device:{name.device_id}")
        log.note(conn, "credential.ended", name.device_id, by, now, {"n": name.n})
    return ended


def revoke(conn: Connection[Any], device: Device, n: int | None, *, by: Scope, now: datetime) -> list[int]:
    """One credential, or with None all of them, from this moment on; those that were not revoked before. Raises
    UnknownCredentialError."""
    store.lock_device(conn, device.device_no)
    if n is not None and n not in {each.n for each in store.of_device(conn, device)}:
        raise UnknownCredentialError(device.device_id, n)
    revoked = store.revoke(conn, device, n, now)
    for number in revoked:
        log.note(conn, "credential.revoked", device.device_id, by, now, {"n": number})
    store.tell_of_change(conn)
    return revoked


def _hand_out(
    conn: Connection[Any],
    device_no: int,
    device_id: str,
    n: int,
    by: Scope,
    now: datetime,
    make: MakePassword,
    ends: Mapping[str, str] = MappingProxyType({}),
) -> Issued:
    """`ends`: until when older ones still open."""
    username = Username(by.tenant_id, device_id, n)
    issued = Issued(username=username, password=make(username))
    credential = Credential(
        device_no=device_no,
        n=n,
        tenant_id=by.tenant_id,
        username=str(username),
        password_sha256=sha256(issued.password),
        issued_at=now,
    )
    store.insert(conn, [credential])
    log.note(conn, "credential.issued", device_id, by, now, {"n": n, **({"ends": dict(ends)} if ends else {})})
    store.tell_of_change(conn)
    return issued

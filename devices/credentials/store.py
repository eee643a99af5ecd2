"""Rows of credentials and the values they stand for."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from psycopg import Connection
from psycopg.rows import class_row

from devices.credentials.model import Credential, Username
from devices.model import Device
from ledger.statements import Statements

_sql = Statements("devices.credentials")


def _listed(conn: Connection[Any], statement: bytes, names: dict[str, Any]) -> list[Credential]:
    with conn.cursor(row_factory=class_row(Credential)) as cur:
        return cur.execute(statement, names).fetchall()


def lock_device(conn: Connection[Any], device_no: int) -> None:
    conn.execute(_sql.lock_device, {"device_no": device_no})


def of_device(conn: Connection[Any], device: Device) -> list[Credential]:
    return _listed(conn, _sql.list_of_device, {"tenant_id": device.tenant_id, "device_no": device.device_no})


def find_by_usernames(conn: Connection[Any], usernames: Iterable[str]) -> dict[str, Credential]:
    found = _listed(conn, _sql.find_by_usernames, {"usernames": list(usernames)})
    return {credential.username: credential for credential in found}


def list_live(
    conn: Connection[Any], now: datetime, *, after: tuple[int, int] = (0, 0), limit: int = 10_000
) -> list[Credential]:
    """Of all tenants, in order of (device_no, n)."""
    names = {"now": now, "after_device_no": after[0], "after_n": after[1], "limit": limit}
    return _listed(conn, _sql.list_live, names)


def list_of_tenant(
    conn: Connection[Any], tenant_id: str, *, after: tuple[int, int] = (0, 0), limit: int = 500
) -> list[Credential]:
    names = {"tenant_id": tenant_id, "after_device_no": after[0], "after_n": after[1], "limit": limit}
    return _listed(conn, _sql.list_of_tenant, names)


def insert(conn: Connection[Any], credentials: Sequence[Credential]) -> None:
    with conn.cursor() as cur:
        cur.executemany(_sql.insert_credential, [asdict(each) for each in credentials])


def end(conn: Connection[Any], device: Device, n: int, expires_at: datetime) -> None:
    names = {"tenant_id": device.tenant_id, "device_no": device.device_no, "n": n, "expires_at": expires_at}
    conn.execute(_sql.end_credential, names)


def revoke(conn: Connection[Any], device: Device, n: int | None, now: datetime) -> list[int]:
    """Which were live or at least not revoked before; None: all of them."""
    names = {"tenant_id": device.tenant_id, "device_no": device.device_no, "n": n, "now": now}
    return sorted(number for (number,) in conn.execute(_sql.revoke_credentials, names))


def list_without(
    conn: Connection[Any], tenant_id: str, now: datetime, *, after: int, limit: int
) -> list[tuple[int, str, int]]:
    """device_no, device_id and the next n of devices without a live one, locked."""
    names = {"tenant_id": tenant_id, "now": now, "after": after, "limit": limit}
    return conn.execute(_sql.list_without, names).fetchall()


def note_used(conn: Connection[Any], used: dict[str, tuple[datetime, str]], now: datetime) -> list[str]:
    """`used`: username -> when and from where it was let in. Returns the older ones that end by it."""
    ats, addresses = [at for at, _ in used.values()], [address for _, address in used.values()]
    conn.execute(_sql.note_used, {"usernames": list(used), "ats": ats, "addresses": addresses})
    return [username for (username,) in conn.execute(_sql.end_older, {"usernames": list(used), "now": now})]


def list_ended(conn: Connection[Any], now: datetime, *, but: Sequence[str] = (), limit: int = 1000) -> list[str]:
    names = {"now": now, "but": list(but), "limit": limit}
    return [username for (username,) in conn.execute(_sql.list_ended, names)]


def mark_dropped(conn: Connection[Any], usernames: Sequence[str], now: datetime) -> None:
    conn.execute(_sql.mark_dropped, {"usernames": list(usernames), "now": now})


def tell_of_change(conn: Connection[Any]) -> None:
    conn.execute(_sql.tell_of_change)


def listen_for_change(conn: Connection[Any]) -> None:
    conn.execute(_sql.listen_for_change)


def insert_seed(conn: Connection[Any], username: Username, seed: bytes) -> None:
    conn.execute(_sql.insert_seed, {"username": str(username), "tenant_id": username.tenant_id, "seed": seed})


def list_seeded(conn: Connection[Any], now: datetime) -> dict[str, str]:
    """Usernames of live ones whose passwords can be computed, and the mark of each."""
    return dict(conn.execute(_sql.list_seeded, {"now": now}).fetchall())


def find_seeds(conn: Connection[Any], usernames: Sequence[str]) -> list[tuple[str, bytes, bytes]]:
    """Username, seed, sha256 of the password."""
    return conn.execute(_sql.find_seeds, {"usernames": list(usernames)}).fetchall()


def count_unseeded(conn: Connection[Any], now: datetime) -> int:
    (count,) = conn.execute(_sql.count_unseeded, {"now": now}).fetchone() or (0,)
    return int(count)


def forget_seeds(conn: Connection[Any], now: datetime) -> int:
    return conn.execute(_sql.forget_seeds, {"now": now}).rowcount

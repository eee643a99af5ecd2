"""Rows of sites and the values they stand for."""

from dataclasses import asdict
from typing import Any

from psycopg import Connection
from psycopg.rows import kwargs_row

from devices.datum import Datum
from devices.sites.model import Site
from ledger.statements import Statements

_sql = Statements("devices.sites")


def _site(**row: Any) -> Site:
    return Site(**{**row, "datum": Datum(row["datum"]) if row["datum"] else None})


def find(conn: Connection[Any], tenant_id: str, name: str) -> Site | None:
    with conn.cursor(row_factory=kwargs_row(_site)) as cur:
        return cur.execute(_sql.find_site, {"tenant_id": tenant_id, "name": name}).fetchone()


def lock(conn: Connection[Any], tenant_id: str, name: str) -> Site | None:
    with conn.cursor(row_factory=kwargs_row(_site)) as cur:
        return cur.execute(_sql.lock_site, {"tenant_id": tenant_id, "name": name}).fetchone()


def listed(conn: Connection[Any], tenant_id: str, *, after: str, limit: int) -> list[Site]:
    with conn.cursor(row_factory=kwargs_row(_site)) as cur:
        return cur.execute(_sql.list_sites, {"tenant_id": tenant_id, "after": after, "limit": limit}).fetchall()


def insert(conn: Connection[Any], site: Site) -> bool:
    return conn.execute(_sql.insert_site, asdict(site)).rowcount == 1


def save(conn: Connection[Any], site: Site) -> None:
    conn.execute(_sql.save_site, asdict(site))

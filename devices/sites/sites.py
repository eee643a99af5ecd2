"""Which sites there are. Placing a device at one that nobody described makes it, with its name alone."""

from dataclasses import asdict, replace
from datetime import datetime
from typing import Any

from psycopg import Connection

from devices import registry
from devices.errors import StaleError, UnknownSiteError
from devices.sites import store
from devices.sites.model import Site
from ledger import log
from ledger.model import Scope


def find(conn: Connection[Any], tenant_id: str, name: str) -> Site:
    """Raises UnknownSiteError."""
    site = store.find(conn, tenant_id, name)
    if site is None:
        raise UnknownSiteError(name)
    return site


def listed(conn: Connection[Any], tenant_id: str, *, after: str = "", limit: int = 100) -> list[Site]:
    """A page by name, beginning after `after`."""
    return store.listed(conn, tenant_id, after=after, limit=limit)


def named(conn: Connection[Any], name: str, *, by: Scope, now: datetime) -> Site:
    """The site of that name, with its name alone where there was none."""
    registry.settle_tenant(conn, by.tenant_id)
    site = Site(tenant_id=by.tenant_id, name=name)
    if not store.insert(conn, site):
        return find(conn, by.tenant_id, name)
    log.note(conn, "site.registered", name, by, now, {})
    return site


def put(
    conn: Connection[Any], said: Site, *, expected_version: int | None, by: Scope, now: datetime
) -> tuple[Site, bool]:
    """The site as it is said, and whether it is new. `expected_version`: of one that there is; None only for a new one
    or where nothing differs. Raises StaleError."""
    registry.settle_tenant(conn, by.tenant_id)
    said = replace(said, tenant_id=by.tenant_id, version=1)
    if store.insert(conn, said):
        log.note(conn, "site.registered", said.name, by, now, {})
        return said, True
    standing = store.lock(conn, by.tenant_id, said.name)
    assert standing is not None  # there is one of that name, and sites are never taken away
    if replace(standing, version=1) == said:
        return standing, False
    if expected_version != standing.version:
        raise StaleError(f"site {said.name!r}", expected_version or 0, standing.version)
    after = replace(said, version=standing.version + 1)
    store.save(conn, after)
    was = asdict(replace(standing, version=after.version))
    fields = sorted(name for name, value in asdict(after).items() if was[name] != value)
    log.note(conn, "site.amended", said.name, by, now, {"fields": fields})
    return after, False

"""Presence and outages as people and programs see them, of the transaction's tenant and of ourselves; and how they are
forgotten."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from psycopg import Connection
from psycopg.rows import class_row

from ingest.presence import store
from ingest.presence.model import Cause, Kind, Outage, Presence
from ledger.statements import Statements

KEPT = timedelta(days=366)  # so that the same month a year ago can be compared
BRIDGE_KEPT = timedelta(days=30)
_sql = Statements("ingest.presence")


@dataclass(frozen=True, kw_only=True)
class OutageFilter:
    """None: whichever. `top`: only what stands under nothing."""

    lasts: bool | None = None
    kind: Kind | None = None
    device_no: int | None = None
    parent_id: UUID | None = None
    top: bool = False


def of_device(conn: Connection[Any], device_no: int) -> Presence | None:
    """None: it was never heard."""
    row = conn.execute(_sql.find_presence, {"device_no": device_no}).fetchone()
    if row is None:
        return None
    number, state, since, cause, until, broker = row
    said = Cause(cause) if cause else None
    return Presence(device_no=number, state=state, since=since, cause=said, until=until, broker=broker)


def why(conn: Connection[Any], device_no: int) -> list[Outage]:
    """What keeps it away, then what that stands under; empty while it is there."""
    return _outages(conn, _sql.find_outage_of, {"device_no": device_no})


def listed(conn: Connection[Any], asked: OutageFilter, *, limit: int, older_than: UUID | None = None) -> list[Outage]:
    return _outages(conn, _sql.list_outages, {**vars(asked), "limit": limit, "older_than": older_than})


def children(conn: Connection[Any], outages: Sequence[Outage], each: int) -> dict[UUID, list[Outage]]:
    """The first of those under each."""
    ids = [outage.outage_id for outage in outages if outage.children]
    found: dict[UUID, list[Outage]] = defaultdict(list)
    for child in _outages(conn, _sql.list_children, {"outage_ids": ids, "each": each}) if ids else []:
        if child.parent_id is not None:
            found[child.parent_id].append(child)
    return found


def ours(conn: Connection[Any], since: datetime) -> Outage | None:
    """The newest time at which we did not listen, if it ended after `since` or lasts."""
    newest = listed(conn, OutageFilter(kind=Kind.OURSELVES), limit=1)
    return newest[0] if newest and (newest[0].until is None or newest[0].until > since) else None


def forget(conn: Connection[Any], now: datetime, limit: int) -> None:
    """A bounded number of them."""
    store.lock_outages(conn)
    conn.execute(_sql.forget_outages, {"before": now - KEPT, "limit": limit})
    conn.execute(_sql.forget_bridges, {"before": now - BRIDGE_KEPT})
    ended = [outage_id for (outage_id,) in conn.execute(_sql.end_bridgeless, {"now": now})]
    if ended:
        store.release_children(conn, ended)
    conn.execute(_sql.forget_listening)


def _outages(conn: Connection[Any], statement: bytes, names: dict[str, Any]) -> list[Outage]:
    with conn.cursor(row_factory=class_row(_outage)) as cur:  # type: ignore[arg-type]
        return cur.execute(statement, names).fetchall()


def _outage(*, kind: str, cause: str, **more: Any) -> Outage:
    return Outage(kind=Kind(kind), cause=Cause(cause), **more)

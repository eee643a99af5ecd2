"""The append-only log and what follows from a line of it: an event and its deliveries, in the caller's transaction."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from psycopg import Connection
from psycopg.types.json import Jsonb

from ledger import ids
from ledger.ids import uuid7
from ledger.model import Event, Scope
from ledger.statements import Statements

_sql = Statements("ledger")


def note(
    conn: Connection[Any],
    kind: str,
    subject_id: str,
    by: Scope,
    now: datetime,
    data: Mapping[str, Any] | None = None,
    destinations: Iterable[str] = (),
) -> Event:
    """Append what was done to a subject, by whom and when, and one pending delivery for each destination, ordered after
    earlier ones of the same subject."""
    event = Event(
        event_id=uuid7(now),
        tenant_id=by.tenant_id,
        kind=kind,
        subject_id=subject_id,
        at=now,
        actor=by.actor,
        data=dict(data or {}),
    )
    conn.execute(
        _sql.append_event,
        {
            "event_id": event.event_id,
            "tenant_id": event.tenant_id,
            "kind": event.kind,
            "subject_id": event.subject_id,
            "at": event.at,
            "actor": event.actor,
            "data": Jsonb(event.data),
        },
    )
    for destination in destinations:
        conn.execute(
            _sql.append_delivery,
            {
                "delivery_id": uuid7(event.at),
                "tenant_id": event.tenant_id,
                "event_id": event.event_id,
                "destination": destination,
                "lane": event.subject_id,
                "next_at": event.at,
            },
        )
    return event


def count_since(
    conn: Connection[Any], kind: str, subject_id: str, tenant_id: str, since: datetime, *, most: int
) -> int:
    """How many lines of a kind there are about a subject since then; no more than `most` are counted."""
    names = {"kind": kind, "subject_id": subject_id, "tenant_id": tenant_id, "since": ids.before(since), "most": most}
    (found,) = conn.execute(_sql.count_events_since, names).fetchone() or (0,)
    return int(found)

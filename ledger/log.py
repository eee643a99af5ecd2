"""The append-only log and what follows from a line of it: an event and its deliveries, in the caller's transaction."""

from collections.abc import Iterable
from typing import Any

from psycopg import Connection
from psycopg.types.json import Jsonb

from ledger.ids import uuid7
from ledger.model import Event
from ledger.statements import Statements

_sql = Statements("ledger")


def record(conn: Connection[Any], event: Event, destinations: Iterable[str] = ()) -> None:
    """Append `event`, and one pending delivery for each destination, ordered after earlier ones of the same subject."""
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

"""The outbox read back: what is due, what came of it, what a person sends again."""

from collections.abc import Collection
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from psycopg import Connection
from psycopg.rows import dict_row

from ledger.ids import uuid7
from ledger.model import Delivery, DeliveryState, Event
from ledger.statements import Statements

KEPT = timedelta(days=366)
_sql = Statements("ledger")
_EVENT = ("event_id", "kind", "subject_id", "at", "actor", "data")


def _delivery(row: dict[str, Any]) -> Delivery:
    event = Event(tenant_id=row["tenant_id"], **{name: row.pop(name) for name in _EVENT})
    return Delivery(**{**row, "state": DeliveryState(row["state"])}, event=event)


def lease_due(
    conn: Connection[Any],
    now: datetime,
    *,
    limit: int,
    lease: timedelta,
    channels: Collection[str],
    busy: Collection[str] = (),
) -> list[Delivery]:
    """Take what is due, at most one for each destination; none by another channel (the word before the colon of a
    destination), none to a destination that is `busy`, so that a dead one holds nobody else up.

    Each counts as attempted (`attempts` includes this one), and is due again after `lease` if nobody settles it.
    """
    names = {"now": now, "limit": limit, "channels": list(channels), "busy": list(busy)}
    with conn.cursor(row_factory=dict_row) as cur:
        due = [_delivery(row) for row in cur.execute(_sql.claim_due, names)]
    for delivery in due:
        conn.execute(_sql.lease_delivery, {"delivery_id": delivery.delivery_id, "until": now + lease})
    return [replace(delivery, attempts=delivery.attempts + 1) for delivery in due]


def settle(
    conn: Connection[Any],
    delivery_id: UUID,
    state: DeliveryState,
    *,
    now: datetime,
    next_at: datetime,
    error: str | None,
) -> None:
    delivered_at = now if state is DeliveryState.DELIVERED else None
    conn.execute(
        _sql.settle_delivery,
        {
            "delivery_id": delivery_id,
            "state": state,
            "next_at": next_at,
            "last_error": error,
            "delivered_at": delivered_at,
        },
    )


def replay(conn: Connection[Any], delivery_id: UUID, now: datetime) -> bool:
    """Make a dead letter pending again, by the scope's actor; False if it is not dead."""
    names = {"delivery_id": delivery_id, "now": now, "event_id": uuid7(now)}
    return conn.execute(_sql.replay_delivery, names).rowcount == 1


def listed(conn: Connection[Any], *, state: DeliveryState | None = None, limit: int = 200) -> list[Delivery]:
    with conn.cursor(row_factory=dict_row) as cur:
        return [_delivery(row) for row in cur.execute(_sql.list_deliveries, {"state": state, "limit": limit})]


def latest(conn: Connection[Any], subject_id: str, *, before: UUID | None = None, limit: int = 50) -> list[Event]:
    """Lines of the log about one subject, newest first."""
    names = {"subject_id": subject_id, "before": before, "limit": limit}
    with conn.cursor(row_factory=dict_row) as cur:
        return [Event(**row) for row in cur.execute(_sql.list_latest_events, names)]


def history(conn: Connection[Any], subject_id: str, *, limit: int = 500) -> list[Event]:
    """Every line of the log about one subject, oldest first."""
    with conn.cursor(row_factory=dict_row) as cur:
        return [Event(**row) for row in cur.execute(_sql.list_events, {"subject_id": subject_id, "limit": limit})]


def forget(conn: Connection[Any], now: datetime, limit: int) -> int:
    """Deliveries that arrived or were given up long ago, at most `limit`: how many. What waits is kept."""
    return conn.execute(_sql.forget_deliveries, {"before": now - KEPT, "limit": limit}).rowcount

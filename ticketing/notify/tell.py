"""An event of ticketing enters the log, with a delivery for everybody who should hear of it."""

from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg import Connection

from ledger import log
from ledger.model import Event, Scope
from ledger.statements import Statements
from ticketing.notify.model import Channel

_sql = Statements("ticketing.notify")

# What is worth a letter to the customer; everything else is on the page that the letter leads to.
CUSTOMER_HEARS = frozenset(
    {
        "question.asked",
        "question.withdrawn",
        "ticket.opened",
        "ticket.dispatched",
        "visit.en_route",
        "ticket.pending_confirmation",
        "ticket.cancelled",
    }
)


def tell(
    conn: Connection[Any],
    kind: str,
    *,
    tenant_id: str,
    subject_id: UUID,
    actor: str,
    now: datetime,
    data: dict[str, Any],
    customer_id: UUID | None = None,
) -> Event:
    rows = conn.execute(_sql.list_subscribers, {"tenant_id": tenant_id, "kind": kind})
    destinations = [f"{Channel.WEBHOOK}:{webhook_id}" for (webhook_id,) in rows]
    if customer_id is not None and kind in CUSTOMER_HEARS:
        destinations.append(f"{Channel.EMAIL}:{customer_id}")
    by = Scope(tenant_id=tenant_id, actor=actor)
    return log.note(conn, kind, str(subject_id), by, now, data, destinations)

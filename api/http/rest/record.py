"""What the record says, counted from it and from nothing else."""

from contextlib import closing
from datetime import UTC, datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query

from api.http import counts
from api.http.house import Home
from devices import registry
from ingest import adapter_log, history
from ingest.adapter_wire import Wire
from ledger import outbox

router = APIRouter(tags=["record"])

Moment = Annotated[int | None, Query(ge=0, le=253_402_300_799_999)]  # epoch ms, up to the year 9999


def _iso(ms: int | None) -> str | None:
    return None if ms is None else datetime.fromtimestamp(ms / 1000, tz=UTC).isoformat()


@router.get("/devices/{device_id}/ledger", summary="What became of everything that this device sent")
def ledger(device_id: str, home: Home, from_ms: Moment = None, to_ms: Moment = None) -> dict[str, Any]:
    """`committed`, `from` and `to` are of the readings in [from_ms, to_ms]; without them of all."""
    with home.looking() as conn:
        device = registry.find(conn, home.settings.tenant, device_id)
        kept = history.counts(conn, home.catalogue[device.class_id], device.device_no, from_ms, to_ms)
        came_of_it = counts.of_device(conn, device.device_no)
    return {
        "committed": kept.readings,
        "refused": kept.refused,
        "refused_metrics": kept.refused_metrics,
        "replayed": kept.replayed,
        **came_of_it,
        "from": _iso(kept.from_ms),
        "to": _iso(kept.to_ms),
    }


@router.get("/devices/{device_id}/clock", summary="How far this device's clock is from the log's")
def clock(device_id: str, home: Home) -> dict[str, Any]:
    """Learned from its last messages. `offset_ms`: device minus log, null while it is not known."""
    with home.looking() as conn:
        device = registry.find(conn, home.settings.tenant, device_id)
        found = history.clock(conn, home.catalogue[device.class_id], device.device_no)
    return {"state": found.state, "offset_ms": found.offset_ms, "messages": found.messages}


@router.get("/events", summary="Lines of the log about one subject, the latest first: who did what, and when")
def events(
    home: Home,
    subject: Annotated[str, Query(min_length=1, max_length=200, description="a device's id, or a customer's, ...")],
    before: UUID | None = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 50,
) -> dict[str, Any]:
    """`next`: what `before` must be for the next page."""
    with home.looking() as conn:
        found = outbox.latest(conn, subject, before=before, limit=limit)
    lines = [
        {"id": each.event_id, "at": each.at, "kind": each.kind, "actor": each.actor, "data": each.data}
        for each in found
    ]
    return {"events": lines, "next": found[-1].event_id if len(found) == limit else None}


@router.get("/log", summary="How long the log is and how far it was read: equal means that everything was kept")
def log(home: Home) -> dict[str, int]:
    with home.looking() as conn:
        cursor = counts.cursor(conn)
    with closing(Wire(home.settings.nats_url.get_secret_value())) as wire:
        head = adapter_log.head(wire)
    return {"head": head.last_seq, "first": head.first_seq, "bytes": head.bytes, "cursor": cursor}

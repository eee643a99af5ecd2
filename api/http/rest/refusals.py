"""What could not be kept as a reading, and its way back through the front door."""

from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Query, Response
from pydantic import Field

from api.http import again, refused
from api.http.house import Home
from api.http.problems import refuse
from api.http.refused import Asked, Before, DeviceId, Number, Part, Since, Why
from api.http.rest.devices import Body
from ingest import refusals
from ingest.model import RefusalFilter, StoredRefusal

router = APIRouter(tags=["refusals"])


class ReplayBody(Body):
    """Which refusals; and of those a page, as the answer to the one before says it."""

    reason: Why = None
    device: DeviceId = None
    topic: Part = None
    since: Annotated[Since, Field(alias="from")] = None
    before: Annotated[Before, Field(alias="to")] = None
    refusal_no: Number | None = None
    after: Number = 0
    up_to: Number | None = None
    limit: Annotated[int, Field(ge=1, le=again.AT_ONCE)] = again.AT_ONCE
    dry_run: bool = False


@router.get("/refusals", summary="What could not be kept as a reading, newest first")
def refusal_list(
    home: Home,
    asked: Asked,
    older_than: Annotated[Number | None, Query()] = None,
    limit: Annotated[int, Query(ge=1, le=refused.MOST)] = refused.STEP,
) -> dict[str, Any]:
    """`text` shows the first bytes of the payload; the whole of it has an address of its own. `next`: what
    `older_than` must be for the next page."""
    with home.looking() as conn:
        found = refusals.listed(conn, asked, limit=limit, older_than=older_than)
    return {
        "refusals": [_as_json(each) for each in found],
        "next": found[-1].refusal_no if len(found) == limit else None,
    }


@router.get("/refusals/{refusal_no}/payload", summary="The bytes as they came, at most 64 KiB of them")
def payload(refusal_no: Number, home: Home) -> Response:
    with home.looking() as conn:
        found = refusals.listed(conn, RefusalFilter(refusal_no=refusal_no), limit=1)
    if not found:
        raise refuse(404, "not-found", "There is no such refusal; they are kept for 30 days.")
    named = {"Content-Disposition": f'attachment; filename="refusal-{refusal_no}.bin"'}
    return Response(bytes(found[0].payload), media_type="application/octet-stream", headers=named)


@router.post("/refusals/replay", summary="Send their bytes through the front door again, a page at a time")
def replay(body: ReplayBody, home: Home) -> dict[str, Any]:
    """In the log's order, on the device's own topic, judged by the time at which the log first received them. Those
    that were sent already and not refused again since are left out. `dry_run` sends nothing and says what would be
    refused again."""
    asked = RefusalFilter(
        reason=body.reason,
        device_id=body.device,
        topic=body.topic,
        since=body.since,
        before=body.before,
        refusal_no=body.refusal_no,
    )
    page = again.Page(asked=asked, after=body.after, up_to=body.up_to, limit=body.limit)
    return asdict(again.trial(home, page) if body.dry_run else again.replay(home, page))


def _as_json(refusal: StoredRefusal) -> dict[str, Any]:
    row = refused.row(refusal)
    return {
        "refusal_no": refusal.refusal_no,
        "device_id": refusal.device_id or None,
        "device_no": refusal.device_no,
        "topic": row.topic,
        "reason": refusal.reason,
        "detail": row.detail,
        "metric": row.metric or None,
        "ts": refusal.ts,
        "seq": refusal.seq,
        "received_at": refusal.received_at,
        "seen": refusal.seen,
        "last_seen_at": refusal.last_seen_at,
        "replayed": refusal.replayed,
        "replayed_at": refusal.replayed_at,
        "replayed_by": refusal.replayed_by,
        "bytes": row.size,
        "text": row.text,
    }

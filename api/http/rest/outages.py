"""Where devices stand, and what is or was out: facts, each with what stands under it."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import Field

from api.http.house import Home
from api.http.refused import DeviceId
from api.http.rest.devices import Body, Word, as_json
from devices import placing, registry
from ingest.presence import shown
from ingest.presence.model import Kind, Outage
from ingest.presence.shown import OutageFilter

router = APIRouter(tags=["outages"])
STEP, MOST = 50, 500


class PlaceBody(Body):
    """null: behind none, at none."""

    gateway: Word | None = None
    site: Annotated[Word, Field(max_length=64)] | None = None


@router.get("/outages", summary="What is or was out, newest first; ours have no tenant")
def outages(
    home: Home,
    lasts: Annotated[bool | None, Query(description="only what lasts, or only what is over")] = None,
    kind: Annotated[Kind | None, Query()] = None,
    device: Annotated[DeviceId, Query()] = None,
    under: Annotated[UUID | None, Query(description="what stands under this one")] = None,
    top: Annotated[bool, Query(description="only what stands under nothing")] = False,  # noqa: FBT002
    older_than: Annotated[UUID | None, Query()] = None,
    limit: Annotated[int, Query(ge=1, le=MOST)] = STEP,
) -> dict[str, Any]:
    """`next`: what `older_than` must be for the next page."""
    with home.looking() as conn:
        device_no = registry.find(conn, home.settings.tenant, device).device_no if device else None
        asked = OutageFilter(lasts=lasts, kind=kind, device_no=device_no, parent_id=under, top=top)
        found = shown.listed(conn, asked, limit=limit, older_than=older_than)
    return {
        "outages": [outage_json(each) for each in found],
        "next": found[-1].outage_id if len(found) == limit else None,
    }


@router.put("/devices/{device_id}/place", summary="Say behind which gateway and at which site a device stands")
def place(device_id: str, body: PlaceBody, house: Home) -> dict[str, Any]:
    with house.acting() as conn:
        device = registry.find(conn, house.settings.tenant, device_id)
        placed = placing.place(conn, device, body.gateway, body.site, by=house.scope(), now=house.clock())
    return {**as_json(house, placed), "gateway": body.gateway}


def outage_json(outage: Outage) -> dict[str, Any]:
    return {
        "outage_id": outage.outage_id,
        "kind": outage.kind,
        "subject": outage.subject,
        "ours": outage.kind is Kind.OURSELVES,
        "device_no": outage.device_no,
        "cause": outage.cause,
        "since": outage.since,
        "noticed_at": outage.noticed_at,
        "until": outage.until,
        "patience_s": None if outage.patience_ms is None else outage.patience_ms / 1000,
        "under": outage.parent_id,
        "children": outage.children,
    }

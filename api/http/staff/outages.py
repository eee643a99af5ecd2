"""`/desk/outages`: what is out now, as one fact with what stands under it, and what was out lately."""

from datetime import timedelta
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response

from api.http import pages, when
from api.http.house import Home
from api.http.staff import lists
from ingest.presence import shown
from ingest.presence.model import Outage
from ingest.presence.shown import OutageFilter

router = APIRouter(prefix="/desk/outages", include_in_schema=False)

CHILDREN, ENDED = 50, 20  # shown under each; that are over


@router.get("")
def outage_list(
    request: Request,
    home: Home,
    older_than: Annotated[UUID | None, Query()] = None,
    limit: Annotated[int, Query(ge=1, le=lists.MOST)] = lists.STEP,
) -> Response:
    language, now = pages.language_of(request), home.clock()
    with home.looking() as conn:
        found = shown.listed(conn, OutageFilter(lasts=True, top=True), limit=limit, older_than=older_than)
        ended = shown.listed(conn, OutageFilter(lasts=False, top=True), limit=ENDED)
        children = shown.children(conn, [*found, *ended], CHILDREN)

    def lasted(outage: Outage) -> str:
        span = (outage.until or now) - outage.since
        return when.span(language, max(span, timedelta()) // timedelta(milliseconds=1))

    older = {"older_than": str(found[-1].outage_id)} if len(found) == limit else None
    return pages.render(
        request,
        "desk_outages.html",
        language=language,
        word="outages",
        follows=False,
        outages=found,
        ended=[] if older_than else ended,
        children=children,
        lasted=lasted,
        page=lists.Page(
            limit=limit,
            more=str(request.url.include_query_params(**older)) if older else None,
            first=request.url.path if older_than else None,
        ),
    )

"""`/desk/refusals`: what could not be kept as a reading, with its bytes, and the button that sends them again."""

from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Form, Query, Request, Response
from starlette.responses import RedirectResponse

from api.http import again, pages, refused
from api.http.house import Home
from api.http.refused import Asked, Before, DeviceId, Number, Part, Since, Why
from api.http.staff import lists
from ingest import refusals
from ingest.model import Reason, RefusalFilter

router = APIRouter(prefix="/desk/refusals", include_in_schema=False)

FILTERS = ("reason", "device", "topic", "from", "to", "lang")


@router.get("")
def refusal_list(
    request: Request,
    home: Home,
    asked: Asked,
    older_than: Annotated[Number | None, Query()] = None,
    limit: Annotated[int, Query(ge=1, le=refused.MOST)] = refused.STEP,
) -> Response:
    with home.looking() as conn:
        found = refusals.listed(conn, asked, limit=limit, older_than=older_than)
        replayable, _ = refusals.count_replayable(conn, asked, after=0, up_to=None)
    older = {"older_than": found[-1].refusal_no} if len(found) == limit else None
    filters = {name: request.query_params.get(name, "") for name in FILTERS}
    same = urlencode({name: value for name, value in filters.items() if value})
    return pages.render(
        request,
        "desk_refusals.html",
        language=pages.language_of(request),
        word="refusals",
        follows=False,
        refusals=[refused.row(each) for each in found],
        reasons=list(Reason),
        asked=filters,
        same=same,
        replayable=replayable,
        at_once=min(replayable, again.AT_ONCE),
        page=lists.Page(
            limit=limit,
            more=str(request.url.include_query_params(**older)) if older else None,
            first=f"{request.url.path}?{same}" if older_than else None,
        ),
    )


@router.post("/replay")
def replay(
    home: Home,
    reason: Annotated[Why, Form()] = None,
    device: Annotated[DeviceId, Form()] = None,
    topic: Annotated[Part, Form()] = None,
    since: Annotated[Since, Form(alias="from")] = None,
    before: Annotated[Before, Form(alias="to")] = None,
    refusal_no: Annotated[Number | None, Form()] = None,
    back: Annotated[str, Form(max_length=1000)] = "",
) -> Response:
    """The oldest of those that the form's filter asks for, or the one."""
    asked = RefusalFilter(
        reason=reason, device_id=device, topic=topic, since=since, before=before, refusal_no=refusal_no
    )
    again.replay(home, again.Page(asked=asked))
    return RedirectResponse(f"/desk/refusals?{back}", status_code=303)

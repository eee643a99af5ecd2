"""Sites: where devices share power and network."""

from typing import Annotated, Any

from fastapi import APIRouter, Header, Path, Query, Response
from fastapi.encoders import jsonable_encoder
from pydantic import AfterValidator

from api.http.house import Home
from api.http.rest import versions
from api.http.rest.devices import Body, Line, PointBody, known_time_zone, point_of
from devices import registry
from devices.sites import sites
from devices.sites.model import Site

router = APIRouter(tags=["sites"])

Name = Annotated[str, Path(min_length=1, max_length=64, pattern=r"^[^\x00-\x1f]*$")]


class SiteBody(Body):
    address: Line = ""
    time_zone: Annotated[str, AfterValidator(known_time_zone)] = "UTC"
    point: PointBody | None = None


@router.get("/sites", summary="Sites by name, a page at a time")
def site_list(
    home: Home,
    after: Annotated[str, Query(max_length=64)] = "",
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
) -> dict[str, Any]:
    """`next`: what `after` must be for the next page."""
    with home.looking() as conn:
        found = sites.listed(conn, home.settings.tenant, after=after, limit=limit)
    return {"sites": [_as_json(each) for each in found], "next": found[-1].name if len(found) == limit else None}


@router.get("/sites/{site:path}", summary="One site; the ETag is what a change must carry")
def one(site: Name, home: Home, response: Response) -> dict[str, Any]:
    with home.looking() as conn:
        found = sites.find(conn, home.settings.tenant, site)
    response.headers["ETag"] = versions.etag(found.version)
    return _as_json(found)


@router.put("/sites/{site:path}", summary="Say where a site is; If-Match where there is one of that name")
def put(
    site: Name, body: SiteBody, home: Home, response: Response, if_match: Annotated[str | None, Header()] = None
) -> dict[str, Any]:
    said = Site(
        tenant_id=home.settings.tenant,
        name=site,
        address=body.address,
        time_zone=body.time_zone,
        **registry.pointed(point_of(body.point)),
    )
    with home.acting() as conn:
        put, created = sites.put(
            conn, said, expected_version=versions.if_any(if_match), by=home.scope(), now=home.clock()
        )
    response.status_code = 201 if created else 200
    response.headers["ETag"] = versions.etag(put.version)
    return _as_json(put)


def _as_json(site: Site) -> dict[str, Any]:
    body: dict[str, Any] = jsonable_encoder(site)
    return body

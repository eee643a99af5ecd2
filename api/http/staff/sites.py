"""`/desk/sites`: where devices share power and network, and where that is."""

from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from psycopg import Connection
from pydantic import AfterValidator, Field
from starlette.responses import RedirectResponse

from api.http import pages
from api.http.house import Home, House
from api.http.rest.devices import Body, Line, known_time_zone
from api.http.rest.sites import Name
from api.http.staff import forms, lists, points
from api.http.staff.forms import Form, Typed
from api.http.staff.points import PointFields
from devices import registry
from devices.model import DeviceFilter
from devices.sites import sites
from devices.sites.model import Site

router = APIRouter(prefix="/desk/sites", include_in_schema=False)

THERE = 100  # devices on a site's page


class Added(Body):
    name: Annotated[Line, Field(min_length=1, max_length=64)]


class Described(PointFields):
    address: Line = ""
    time_zone: Annotated[str, AfterValidator(known_time_zone)]


@router.get("")
def site_list(
    request: Request,
    home: Home,
    after: Annotated[str, Query(max_length=64)] = "",
    limit: Annotated[int, Query(ge=1, le=lists.MOST)] = lists.STEP,
) -> Response:
    return _list(request, home, after, limit)


@router.post("")
def add(request: Request, typed: Typed, home: Home) -> Response:
    """To the page of that name; what is there already stays as it is."""
    said = forms.check(Added, typed, pages.language_of(request))
    if isinstance(said, Form):
        return _list(request, home, adding=said)
    with home.acting() as conn:
        site = sites.named(conn, said.name, by=home.scope(), now=home.clock())
    return _back(request, site.name)


@router.get("/{site:path}")
def site_page(site: Name, request: Request, home: Home) -> Response:
    with home.looking() as conn:
        return _page(conn, home, request, sites.find(conn, home.settings.tenant, site))


@router.post("/{site:path}")
def describe(site: Name, request: Request, typed: Typed, home: Home) -> Response:
    language = pages.language_of(request)
    said = points.check(Described, typed, language)
    if isinstance(said, Form):
        with home.looking() as conn:
            return _page(conn, home, request, sites.find(conn, home.settings.tenant, site), said)
    with home.acting() as conn:
        standing = sites.find(conn, home.settings.tenant, site)
        point = registry.pointed(said.point)
        after = Site(tenant_id=standing.tenant_id, name=site, address=said.address, time_zone=said.time_zone, **point)
        sites.put(conn, after, expected_version=forms.version(typed), by=home.scope(), now=home.clock())
    return _back(request, site)


def _list(
    request: Request, home: House, after: str = "", limit: int = lists.STEP, *, adding: Form | None = None
) -> Response:
    with home.looking() as conn:
        found = sites.listed(conn, home.settings.tenant, after=after, limit=limit)
    more = str(request.url.include_query_params(after=found[-1].name)) if len(found) == limit else None
    first = str(request.url.remove_query_params("after")) if after else None
    return pages.render(
        request,
        "desk_sites.html",
        language=pages.language_of(request),
        status=422 if adding else 200,
        word="sites",
        follows=False,
        sites=found,
        adding=adding or Form(typed={}),
        page=lists.Page(limit=limit, more=more, first=first),
    )


def _page(conn: Connection[Any], home: House, request: Request, site: Site, shown: Form | None = None) -> Response:
    return pages.render(
        request,
        "desk_site.html",
        language=pages.language_of(request),
        status=422 if shown else 200,
        site=site,
        form=shown or Form(typed=_typed(site)),
        devices=registry.listed(conn, site.tenant_id, DeviceFilter(site=site.name), limit=THERE),
        classes=home.catalogue,
    )


def _typed(site: Site) -> Mapping[str, str]:
    return {"address": site.address, "time_zone": site.time_zone, **points.typed_of(site)}


def _back(request: Request, name: str) -> Response:
    return RedirectResponse(pages.back(request, f"/desk/sites/{name}"), status_code=303)

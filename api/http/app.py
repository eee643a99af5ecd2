"""The two applications: everything for this machine, and the public pages for whoever holds a link."""

from collections.abc import Iterable

from fastapi import APIRouter, FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.responses import RedirectResponse, Response

from api.http import lan, pages, problems, static
from api.http.guard import Guard
from api.http.house import House
from api.http.meter import Meter
from api.http.public import claim, following, item, owner, question, report
from api.http.rest import (
    catalogue,
    claims,
    credentials,
    customers,
    devices,
    edges,
    health,
    imports,
    lifecycle,
    record,
    reports,
    sites,
    tickets,
    webhooks,
)
from api.http.rest import outages as rest_outages
from api.http.rest import refusals as rest_refusals
from api.http.rest import twins as rest_twins
from api.http.staff import amending, desk, device, outages, refusals, registering, work
from api.http.staff import claims as staff_claims
from api.http.staff import credentials as staff_credentials
from api.http.staff import customers as staff_customers
from api.http.staff import imports as staff_imports
from api.http.staff import registry as staff_registry
from api.http.staff import sites as staff_sites
from api.http.staff import twin as staff_twin
from api.watch import exposition
from api.watch.watch import Watch

PUBLIC = (question.router, following.router, report.router, item.router, claim.router, owner.router)
STAFF = (
    desk.router,
    registering.router,
    device.router,
    amending.router,
    staff_imports.router,
    staff_customers.router,
    staff_sites.router,
    staff_registry.router,
    staff_credentials.router,
    staff_claims.router,
    staff_twin.router,
    outages.router,
    refusals.router,
    work.router,
)
REST = (
    catalogue.router,
    claims.router,
    credentials.router,
    devices.router,
    lifecycle.router,
    imports.router,
    customers.router,
    sites.router,
    edges.router,
    record.router,
    rest_outages.router,
    rest_refusals.router,
    reports.router,
    tickets.router,
    rest_twins.router,
    webhooks.router,
)


def staff_app(house: House, hosts: frozenset[str] = lan.HERE) -> FastAPI:
    """Staff pages and the REST interface, beside the public pages: for loopback only, until sign-in exists."""
    app = _app(house, hosts, (*STAFF, *PUBLIC, health.router))
    app.state.watch = Watch.of(house.settings, house.pool)
    app.state.registry = exposition.registry_of(app.state.watch, house.meters)
    app.add_api_route("/", _front_door, include_in_schema=False)
    for router in REST:
        app.include_router(router, prefix="/api")
    return app


def _front_door() -> Response:
    return RedirectResponse("/desk/")


def public_app(house: House, hosts: frozenset[str]) -> FastAPI:
    """`/q/ /t/ /r/ /01/ /claim/ /m/` and what they are drawn with; nothing else exists here."""
    return _app(house, hosts, PUBLIC, openapi_url=None)


def _app(
    house: House, hosts: frozenset[str], routers: Iterable[APIRouter], openapi_url: str | None = "/api/openapi.json"
) -> FastAPI:
    app = FastAPI(
        title="Foremend",
        summary="Appliances say they are getting ill; people agree on a repair.",
        openapi_url=openapi_url,
        docs_url=None,  # its page loads scripts from elsewhere
        redoc_url=None,
        middleware=[Middleware(Meter, meters=house.meters), Middleware(Guard, hosts=hosts, page=pages.problem_page)],
    )
    app.state.house = house
    answer = problems.answerer(pages.problem_page)
    for kind in (*problems.KNOWN, problems.RefusedError, HTTPException, RequestValidationError, Exception):
        app.add_exception_handler(kind, answer)
    static.mount(app)
    for router in routers:
        app.include_router(router)
    return app

"""Requests counted and timed, by the route's own pattern: an address with a token never becomes a label."""

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from prometheus_client import Counter, Histogram
from prometheus_client.core import Metric
from prometheus_client.registry import Collector
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}
_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)
_API = "/api/"
NO_ROUTE = "none"  # turned away at the door, or nothing there


class Meters(Collector):
    """What this process' applications count together."""

    def __init__(self) -> None:
        self.requests = Counter(
            "foremend_http_requests", "Requests answered.", ["method", "route", "status"], registry=None
        )
        self.seconds = Histogram(
            "foremend_http_request_seconds",
            "From a request to the first byte of its answer.",
            ["route"],
            buckets=_SECONDS,
            registry=None,
        )

        self.claims = Counter(
            "foremend_claims", "Claims of appliances, by what came of them.", ["verdict"], registry=None
        )
        self.lockouts = Counter(
            "foremend_claim_lockouts",
            "Locks that wrong secrets closed, or kept closed for longer.",
            ["of"],
            registry=None,
        )

        self.imported = Counter(
            "foremend_imported_rows", "Rows of files of devices, dry runs left out.", ["outcome"], registry=None
        )

    def collect(self) -> Iterator[Metric]:
        for each in (self.requests, self.seconds, self.claims, self.lockouts, self.imported):
            yield from each.collect()

    def claimed(self, verdict: str, locks: Iterable[str]) -> None:
        self.claims.labels(verdict).inc()
        for of in locks:
            self.lockouts.labels(of).inc()

    def answered(self, scope: Scope, status: int, seconds: float) -> None:
        route = pattern(scope)
        method = scope["method"] if scope["method"] in _METHODS else "OTHER"
        self.requests.labels(method, route, str(status)).inc()
        self.seconds.labels(route).observe(seconds)


def pattern(scope: Scope) -> str:
    """As the route was declared; FastAPI leaves out under which prefix its router was included."""
    route = str(getattr(scope.get("route"), "path", NO_ROUTE))
    inside = scope["path"].startswith(_API) and route != NO_ROUTE and not route.startswith(_API)
    return f"{_API}{route[1:]}" if inside else route


@dataclass(frozen=True)
class Meter:
    """ASGI middleware, outermost."""

    app: ASGIApp
    meters: Meters

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        begun = time.perf_counter()

        async def counted(message: Message) -> None:
            if message["type"] == "http.response.start":
                self.meters.answered(scope, int(message["status"]), time.perf_counter() - begun)
            await send(message)

        await self.app(scope, receive, counted)

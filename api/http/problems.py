"""Errors become answers in one place: problem+json (RFC 9457) for programs, a friendly page for people."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import psycopg
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from api.http.photos import CrowdedError, PhotoError
from devices import errors as devices
from devices.credentials import errors as credentials
from devices.imports.model import MeanwhileError
from devices.twin import errors as twins
from ingest.errors import LogError
from ledger import errors as ledger
from ticketing import errors as ticketing


@dataclass(frozen=True, kw_only=True)
class Problem:
    """RFC 9457. `slug` names the kind of problem, `detail` is its sentence for whoever writes programs. A person reads
    words of his own language instead (api/http/excuses.py), which may name what is in `named`."""

    status: int
    slug: str
    detail: str
    more: dict[str, Any] = field(default_factory=dict)
    named: dict[str, Any] = field(default_factory=dict)

    def body(self) -> dict[str, Any]:
        title = self.slug.replace("-", " ").capitalize()
        kind = f"urn:foremend:problem:{self.slug}"
        return {"type": kind, "title": title, "status": self.status, "detail": self.detail, **self.more}


class RefusedError(Exception):
    """A route says no in its own words."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.detail)
        self.problem = problem


def refuse(status: int, slug: str, detail: str, **more: Any) -> RefusedError:
    return RefusedError(Problem(status=status, slug=slug, detail=detail, more=more, named=more))


# error -> status, slug; the detail is the error's own sentence
KNOWN: dict[type[Exception], tuple[int, str]] = {
    devices.UnknownDeviceError: (404, "unknown-device"),
    devices.UnknownClassError: (422, "unknown-class"),
    devices.BadIdError: (422, "bad-id"),
    devices.DeviceTakenError: (409, "device-taken"),
    devices.SerialTakenError: (409, "device-taken"),
    devices.DeviceTransitionError: (409, "illegal-transition"),
    devices.DeviceOwnedError: (409, "device-owned"),
    devices.SuccessorError: (409, "not-a-successor"),
    devices.StaleError: (412, "stale-version"),
    devices.UnknownCustomerError: (404, "unknown-customer"),
    devices.UnknownSiteError: (404, "unknown-site"),
    devices.HouseholdError: (409, "household-refused"),
    credentials.AlreadyIssuedError: (409, "credential-issued"),
    credentials.NothingToRotateError: (409, "nothing-to-rotate"),
    credentials.UnknownCredentialError: (404, "unknown-credential"),
    MeanwhileError: (409, "changed-meanwhile"),
    ledger.IdempotencyConflictError: (422, "idempotency-key-reused"),
    ledger.IdempotencyInFlightError: (409, "idempotency-key-in-flight"),
    ticketing.NotFoundError: (404, "not-found"),
    ticketing.StaleVersionError: (412, "stale-version"),
    ticketing.IllegalTransitionError: (409, "illegal-transition"),
    ticketing.AlreadyOpenError: (409, "already-open"),
    ticketing.NoEngineerError: (422, "no-engineer"),
    ticketing.BadAnswerError: (422, "bad-answer"),
    ticketing.ReportRefusedError: (422, "report-refused"),
    PhotoError: (422, "not-a-photo"),
    CrowdedError: (429, "many-photos"),
    devices.GatewayError: (409, "gateway-refused"),
    twins.SettingRefusedError: (422, "setting-refused"),
    twins.StaleTwinError: (412, "stale-version"),
    twins.UnknownCommandError: (404, "unknown-command"),
    twins.BadCommandError: (422, "bad-command"),
    twins.TooManyCommandsError: (429, "too-many-commands"),
    twins.GoneError: (409, "device-gone"),
    twins.CommandOverError: (409, "command-over"),
    LogError: (503, "log-not-reachable"),
    psycopg.DataError: (422, "not-storable"),
    psycopg.OperationalError: (503, "record-not-reachable"),
}
_OWN_WORDS: dict[type[Exception], str] = {  # what a server says of itself is for its operator
    LogError: "The log cannot be reached just now; please try again.",
    psycopg.DataError: "The record cannot keep one of these values, such as a NUL in a text.",
    psycopg.OperationalError: "The record cannot be reached just now. Nothing was changed; please try again.",
}


def _pointer(where: Sequence[Any]) -> dict[str, str]:
    place, *path = where or ("body",)
    if place == "body":
        return {"pointer": "#" + "".join(f"/{str(step).replace('~', '~0').replace('/', '~1')}" for step in path)}
    return {"parameter": ".".join(str(step) for step in path)}


def problem_of(error: Exception) -> Problem:
    """The one place where an error is given its status."""
    if isinstance(error, RefusedError):
        return error.problem
    if isinstance(error, RequestValidationError):
        errors = [{**_pointer(each["loc"]), "detail": each["msg"]} for each in error.errors()]
        return Problem(status=422, slug="not-valid", detail="The request is not valid.", more={"errors": errors})
    if isinstance(error, HTTPException):
        return Problem(status=error.status_code, slug=_slug(error.status_code), detail=str(error.detail))
    for kind, (status, slug) in KNOWN.items():
        if isinstance(error, kind):
            detail = _OWN_WORDS.get(kind, str(error))
            return Problem(status=status, slug=slug, detail=detail, more=_more(error), named=dict(vars(error)))
    return Problem(status=500, slug="broken", detail="Something broke on our side. Nothing was changed.")


def _slug(status: int) -> str:
    return {404: "not-found", 405: "method-not-allowed", 413: "too-large"}.get(status, "refused")


def _more(error: Exception) -> dict[str, Any]:
    """What a program can act on: what would have been allowed, why a report was refused."""
    if isinstance(error, ticketing.IllegalTransitionError | devices.DeviceTransitionError):
        return {"allowed": [str(state) for state in error.allowed]}
    if isinstance(error, ticketing.ReportRefusedError):
        return {"codes": list(error.codes)}
    if isinstance(error, twins.SettingRefusedError):
        return {"setting": error.name}
    if isinstance(error, twins.CommandOverError):
        return {"state": error.state}
    return {}


def as_json(problem: Problem) -> Response:
    return JSONResponse(problem.body(), status_code=problem.status, media_type="application/problem+json")


Page = Callable[[Request, Problem], Response]


def answerer(page: Page) -> Callable[[Request, Exception], Response]:
    """An exception handler."""
    return lambda request, error: answered(request, problem_of(error), page)


def answered(request: Request, problem: Problem, page: Page) -> Response:
    """Programs are those that call /api/."""
    return as_json(problem) if request.url.path.startswith("/api/") else page(request, problem)

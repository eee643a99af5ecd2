"""`/claim/{code}`: whoever has the card that was packed with an appliance, or stands before it, makes it his.

`code` is a label's token, or `01/{gtin}/21/{serial}`: a serial can be guessed, so by it only the secret proves a thing.
"""

import secrets
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Form, Query, Request, Response
from psycopg import Connection
from starlette.responses import RedirectResponse

from api.http import claiming, pages
from api.http.claiming import Done, Proof
from api.http.house import Home, House
from api.http.pace import address_of
from api.http.public import bearer, item, owner, report
from api.http.public.form import Scan
from devices.claims import claiming as claims
from devices.claims.model import Claimant, Outcome, Verdict
from devices.model import Device
from devices.registry import Owner
from ticketing.links.model import APPLIANCE_FOR

router = APIRouter(include_in_schema=False)

_CLOSED = (Verdict.OWNED, Verdict.GONE)
_STATUS = {Verdict.OWNED: 409, Verdict.GONE: 409, Verdict.LOCKED: 429}


def _scanned(conn: Connection[Any], home: House, request: Request, code: str) -> Scan:
    if not code.startswith("01/"):
        return report.scanned(conn, home, request, code)
    if not home.item_pace.takes(address_of(request)):
        raise bearer.too_many()
    gtin, _, serial = code.removeprefix("01/").partition("/21/")
    scan = item.named(conn, home, request, gtin, serial)
    if scan is None:
        raise bearer.nothing_here()
    return scan


@dataclass(frozen=True, kw_only=True)
class Typed:
    """What stands in the form, to be shown again."""

    secret: str = ""
    name: str = ""
    contact: str = ""
    place: str = ""
    bought_on: str = ""

    def lacks(self, today: date) -> list[str]:
        missing = [name for name in ("name", "contact") if not getattr(self, name).strip()]
        try:
            late = bool(self.bought_on) and date.fromisoformat(self.bought_on) > today
        except ValueError:
            late = True
        return [*missing, *(["bought_on"] if late else [])]

    def claimant(self, language: str, time_zone: str) -> Claimant:
        contact = self.contact.strip()
        reached = {"email": contact} if "@" in contact else {"phone": contact}
        said = Owner(name=self.name.strip(), language=language, time_zone=time_zone, **reached)
        bought_on = date.fromisoformat(self.bought_on) if self.bought_on else None
        return Claimant(owner=said, place=self.place.strip(), bought_on=bought_on)


@router.get("/claim/{code:path}")
def show(code: str, request: Request, home: Home, press: Annotated[str, Query(max_length=64)] = "") -> Response:
    with home.stranger() as conn:
        scan = _scanned(conn, home, request, code)
        waiting = claims.waiting_for(conn, scan.device, press, home.clock()) if press else None
        if press and waiting is None:
            return _page(request, home, scan, Typed(), trouble=Verdict.EXPIRED)
        return _page(request, home, scan, Typed(), token=press)


# What a person may type: a line without control characters, as the registry keeps it
Line = Annotated[str, Form(max_length=200, pattern=r"^[^\x00-\x1f]*$")]


@router.post("/claim/{code:path}")
def claim(
    code: str,
    request: Request,
    home: Home,
    do: Annotated[str, Form(pattern="^(secret|begin|pressed)$")],
    secret: Line = "",
    token: Line = "",
    name: Line = "",
    contact: Line = "",
    place: Line = "",
    bought_on: Line = "",
    key: Annotated[str, Form(max_length=64)] = "",
) -> Response:
    address = address_of(request)
    typed = Typed(secret=secret, name=name, contact=contact, place=place, bought_on=bought_on)
    with home.stranger(acts=True) as conn:
        scan = _scanned(conn, home, request, code)
        if do == "begin":
            return _begin(conn, request, home, scan, address)
        if lacks := typed.lacks(home.clock().date()):
            return _page(request, home, scan, typed, token=token, trouble="LACKS", lacks=lacks)
        done = claiming.finish(
            conn,
            home,
            scan.device,
            typed.claimant(pages.language_of(request), home.settings.time_zone),
            Proof(secret=secret) if do == "secret" else Proof(token=token),
            address=address,
            actor=scan.actor,
            key=key or secrets.token_hex(16),
        )
        return _answer(request, home, scan, typed, token, done)


def _begin(conn: Connection[Any], request: Request, home: House, scan: Scan, address: str) -> Response:
    if scan.channel == "gs1":
        raise bearer.nothing_here()
    if not home.claim_pace.takes(address):
        return _page(request, home, scan, Typed(), trouble="TOO_MANY", status=429)
    begun = claiming.begin(conn, home, scan.device, address=address, actor=scan.actor)
    if isinstance(begun, Outcome):
        return _closed(request, begun.verdict)
    language = request.query_params.get("lang")
    more = f"&lang={language}" if language in ("en", "zh") else ""
    return RedirectResponse(f"/claim/{scan.code}?press={begun.token}{more}", status_code=303)


def _answer(request: Request, home: House, scan: Scan, typed: Typed, token: str, done: Done) -> Response:
    outcome = done.outcome
    if outcome.verdict in _CLOSED:
        return _closed(request, outcome.verdict)
    if done.owner_path is None:
        return _page(request, home, scan, typed, token=token, trouble=outcome.verdict, outcome=outcome)
    language = request.query_params.get("lang")
    more = f"&lang={language}" if language in ("en", "zh") else ""
    answer = RedirectResponse(f"{done.owner_path}?claimed=1{more}", status_code=303)
    _remember(answer, home, scan.device, done.owner_path)
    return answer


def _remember(answer: Response, home: House, device: Device, owner_path: str) -> None:
    """This phone's scans of the label lead to its owner's form from now on."""
    answer.set_cookie(
        owner.cookie(device),
        owner_path.rpartition("/")[2],
        max_age=int(APPLIANCE_FOR.total_seconds()),
        secure=home.settings.base_url.startswith("https:"),
        httponly=True,
        samesite="lax",
    )


def _closed(request: Request, verdict: Verdict) -> Response:
    return pages.render(
        request, "claim_closed.html", language=pages.language_of(request), status=_STATUS[verdict], verdict=verdict
    )


def _page(
    request: Request,
    home: House,
    scan: Scan,
    typed: Typed,
    *,
    token: str = "",
    trouble: str | None = None,
    lacks: list[str] | None = None,
    outcome: Outcome | None = None,
    status: int = 422,
) -> Response:
    language = pages.language_of(request)
    if outcome is not None:
        status = _STATUS.get(outcome.verdict, 422)
    return pages.render(
        request,
        "claim.html",
        language=language,
        zone=ZoneInfo(home.settings.time_zone),
        status=status if trouble else 200,
        appliance=home.catalogue[scan.device.class_id].title[language],
        model=scan.device.model,
        code=scan.code,
        by_press=scan.channel != "gs1",
        token="" if trouble == Verdict.EXPIRED else token,
        typed=typed,
        trouble=trouble,
        lacks=lacks or [],
        until=outcome.until if outcome else None,
        key=secrets.token_hex(16),
        today=home.clock().date().isoformat(),
    )

"""Claiming by program: how it stands with a device, secrets for its card, and the claim itself, as the page does it."""

from datetime import date, timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Header, Request, Response
from pydantic import Field, model_validator

from api.http import claiming
from api.http.claiming import Proof
from api.http.house import Home
from api.http.pace import address_of
from api.http.problems import refuse
from api.http.rest.devices import Body, CustomerBody, Line, Word, as_json
from devices import registry
from devices.claims import claiming as claims
from devices.claims.model import Claimant, Outcome, Verdict
from devices.registry import Owner

router = APIRouter(tags=["claims"])

_SAYS = {
    Verdict.OWNED: (409, "owned", "The appliance belongs to somebody, who is told; it changes hands by being resold."),
    Verdict.GONE: (409, "out-of-service", "The appliance is out of service."),
    Verdict.WRONG: (422, "wrong-secret", "The secret is not the one on this appliance's card."),
    Verdict.EXPIRED: (422, "expired", "The secret or the claim has expired: ask for a new card, or begin again."),
    Verdict.LOCKED: (429, "locked", "Too many wrong secrets; `until` says when the next one is looked at."),
    Verdict.NOT_PRESSED: (409, "not-pressed", "The appliance has not reported a press of its button yet."),
    Verdict.CONTESTED: (409, "contested", "Somebody else waited for the same press: begin again, or use the secret."),
}


class SecretBody(Body):
    valid_days: Annotated[int, Field(ge=1, le=3650)] = claims.SECRET_FOR.days


class ClaimBody(Body):
    secret: Word | None = None
    token: Word | None = None
    customer: CustomerBody
    place: Line = ""
    bought_on: date | None = None
    address: Line = ""  # from which network address the customer asks, if a program asks for many

    @model_validator(mode="after")
    def _proves_it_one_way(self) -> "ClaimBody":
        if (self.secret is None) == (self.token is None):
            raise ValueError("prove it: either secret, or the token of a claim that waits for a press")
        return self


@router.get("/devices/{device_id}/claim", summary="How claiming stands: its secret, wrong ones, whether it is locked")
def standing(device_id: str, home: Home) -> dict[str, Any]:
    with home.looking() as conn:
        device = registry.find(conn, home.settings.tenant, device_id)
        known = claims.standing(conn, device, home.clock())
    secret = known.secret
    return {
        "state": device.state,
        "secret": {"issued_at": secret.issued_at, "expires_at": secret.expires_at, "spent_at": secret.spent_at}
        if secret
        else None,
        "wrong_secrets": known.guesses.failures,
        "locked_until": known.guesses.locked_until,
        "waiting_for_a_press": known.waiting,
    }


@router.post("/devices/{device_id}/claim/secret", status_code=201, summary="A new secret for its card, shown this once")
def secret(device_id: str, home: Home, body: SecretBody | None = None) -> dict[str, Any]:
    valid_for = timedelta(days=(body or SecretBody()).valid_days)
    with home.acting() as conn:
        device = registry.find(conn, home.settings.tenant, device_id)
        made = claims.issue_secret(conn, device, by=home.scope(), now=home.clock(), valid_for=valid_for)
    return {**as_json(home, device), "secret": made, "expires_at": home.clock() + valid_for}


@router.post("/devices/{device_id}/claim/unlock", summary="Open a device's lock after wrong secrets")
def unlock(device_id: str, home: Home) -> dict[str, Any]:
    with home.acting() as conn:
        claims.unlock(conn, registry.find(conn, home.settings.tenant, device_id), by=home.scope(), now=home.clock())
    return standing(device_id, home)


@router.post(
    "/devices/{device_id}/claim/press", status_code=202, summary="Begin a claim that a press of the button proves"
)
def press(device_id: str, request: Request, home: Home) -> dict[str, Any]:
    """Then the appliance reports `"button": 1` by `press_by`, and `token` finishes the claim."""
    with home.acting() as conn:
        device = registry.find(conn, home.settings.tenant, device_id)
        begun = claiming.begin(conn, home, device, address=address_of(request), actor=home.scope().actor)
    if isinstance(begun, Outcome):
        raise _refusal(begun)
    return {"token": begun.token, "press_by": begun.press_by}


@router.post("/devices/{device_id}/claim", summary="Claim a device for a customer, by its secret or by a press")
def claim(
    device_id: str,
    body: ClaimBody,
    request: Request,
    response: Response,
    home: Home,
    idempotency_key: Annotated[str | None, Header(max_length=180)] = None,
) -> dict[str, Any]:
    """`owner_url` is the customer's page with the report form filled in: whoever has it is taken for him."""
    if not idempotency_key:
        raise refuse(400, "idempotency-key-missing", "Send an Idempotency-Key, so that a repeat gets the same answer.")
    said = Claimant(owner=Owner(**body.customer.model_dump()), place=body.place, bought_on=body.bought_on)
    with home.acting() as conn:
        device = registry.find(conn, home.settings.tenant, device_id)
        done = claiming.finish(
            conn,
            home,
            device,
            said,
            Proof(secret=body.secret, token=body.token),
            address=body.address or address_of(request),
            actor=home.scope().actor,
            key=idempotency_key,
        )
    if done.owner_path is None:  # after the commit: a wrong secret has been counted
        raise _refusal(done.outcome)
    response.status_code = 201
    customer = done.outcome.customer
    return {
        "customer_id": customer.customer_id if customer else None,
        "owner_url": home.settings.base_url.rstrip("/") + done.owner_path,
    }


def _refusal(outcome: Outcome) -> Exception:
    status, slug, detail = _SAYS[outcome.verdict]
    more = {"until": outcome.until.isoformat()} if outcome.until else {}
    return refuse(status, slug, detail, **more)

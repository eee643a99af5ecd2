"""A claim from whichever door: judged once per key, counted, and answered with a link to the appliance's own page."""

import hashlib
import json
from dataclasses import asdict, dataclass
from typing import Any
from uuid import UUID

from psycopg import Connection

from api.http.house import House
from devices import registry
from devices.claims import claiming
from devices.claims.model import Begun, Claimant, Outcome, Verdict
from devices.model import Device
from ingest import history
from ledger import idempotency
from ledger.idempotency import StoredAnswer
from ledger.model import Scope
from ticketing.links import links
from ticketing.links.model import APPLIANCE_FOR, Purpose


@dataclass(frozen=True, kw_only=True)
class Proof:
    """Either the secret on the card, or the token of a claim that waits for a press."""

    secret: str | None = None
    token: str | None = None


@dataclass(frozen=True, kw_only=True)
class Done:
    outcome: Outcome
    owner_path: str | None = None  # the token in it exists nowhere else


def finish(
    conn: Connection[Any],
    house: House,
    device: Device,
    said: Claimant,
    proof: Proof,
    *,
    address: str,
    actor: str,
    key: str,
) -> Done:
    """The same key and words get the same answer; only the link is made anew. The caller commits, whatever came of it:
    a wrong secret counts."""
    by, now = Scope(tenant_id=device.tenant_id, actor=actor), house.clock()
    words = [device.device_id, asdict(proof), asdict(said)]
    sha256 = hashlib.sha256(json.dumps(words, default=str).encode()).digest()
    key = f"claim:{key}:{sha256.hex()}"
    stored = idempotency.find(conn, device.tenant_id, key, sha256, waits=True)
    if stored is not None:
        customer_id, device = UUID(stored.answer["customer_id"]), registry.by_no(conn, device.device_no)
        if device.customer_id != customer_id:  # he sold it since
            return Done(outcome=Outcome(verdict=Verdict.EXPIRED, device=device))
        customer = registry.customer(conn, device.tenant_id, customer_id)
        outcome = Outcome(verdict=Verdict.BOUND, device=device, customer=customer)
        return Done(outcome=outcome, owner_path=owner_path(conn, house, device, customer_id))
    outcome = (
        claiming.by_secret(conn, device, proof.secret, said, address=address, by=by, now=now)
        if proof.secret is not None
        else _by_press(conn, house, device, proof.token or "", said, by)
    )
    house.meters.claimed(outcome.verdict, outcome.locks)
    if outcome.customer is None:
        return Done(outcome=outcome)
    customer_id = outcome.customer.customer_id
    answer = StoredAnswer(status=201, answer={"customer_id": str(customer_id)})
    idempotency.keep(conn, device.tenant_id, key, sha256, answer, now)
    return Done(outcome=outcome, owner_path=owner_path(conn, house, device, customer_id))


def begin(conn: Connection[Any], house: House, device: Device, *, address: str, actor: str) -> Begun | Outcome:
    by = Scope(tenant_id=device.tenant_id, actor=actor)
    begun = claiming.begin(conn, device, address=address, by=by, now=house.clock())
    house.meters.claimed(begun.verdict if isinstance(begun, Outcome) else "BEGUN", ())
    return begun


def _by_press(conn: Connection[Any], house: House, device: Device, token: str, said: Claimant, by: Scope) -> Outcome:
    now, pressed = house.clock(), []
    waiting = claiming.waiting_for(conn, device, token, now)
    if waiting is not None:
        until = min(waiting.press_by, now)
        appliance = house.catalogue[device.class_id]
        pressed = history.presses(conn, appliance, device.device_no, waiting.begun_at, until)
    return claiming.by_press(conn, device, token, pressed, said, by=by, now=now)


def owner_path(conn: Connection[Any], house: House, device: Device, customer_id: UUID) -> str:
    token = links.mint(
        conn,
        tenant_id=device.tenant_id,
        purpose=Purpose.APPLIANCE,
        subject_id=str(device.device_no),
        recipient=f"customer:{customer_id}",
        now=house.clock(),
        ttl=APPLIANCE_FOR,
    )
    return f"/m/{token}"

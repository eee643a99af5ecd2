"""An appliance is claimed: by its secret, or by a press of its button that the appliance itself reports."""

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from psycopg import Connection

from devices import amend, registry
from devices.claims import lockout, proof, store
from devices.claims.model import Begun, Claimant, Guesses, Outcome, Secret, Standing, Verdict, Waiting
from devices.lifecycle import moves
from devices.model import Customer, Device
from devices.people import customers, households
from ledger import log
from ledger.ids import uuid7
from ledger.model import Scope

PRESS_WITHIN = timedelta(minutes=5)
FILL_IN_WITHIN = timedelta(minutes=30)  # the form, after the press
SECRET_FOR = timedelta(days=3 * 365)  # a card lies in its box, in a warehouse, in a shop
TOLD_EVERY = timedelta(days=1)


def issue_secret(
    conn: Connection[Any], device: Device, *, by: Scope, now: datetime, valid_for: timedelta = SECRET_FOR
) -> str:
    """A new one, which exists nowhere else; the one before opens nothing any more."""
    secret = proof.spell(secrets.token_bytes(10))
    kept = Secret(
        secret_sha256=proof.sha256(device.device_no, secret), issued_at=now, expires_at=now + valid_for, spent_at=None
    )
    store.put_secret(conn, device, kept)
    log.note(conn, "device.claim_secret_issued", device.device_id, by, now, {"until": kept.expires_at.isoformat()})
    return secret


def by_secret(
    conn: Connection[Any], device: Device, typed: str, said: Claimant, *, address: str, by: Scope, now: datetime
) -> Outcome:
    """A wrong one counts, so the caller commits whatever the verdict is."""
    subjects = {"address": _address(device.tenant_id, address), "device": _subject(device)}
    policies = {"address": lockout.ADDRESS, "device": lockout.DEVICE}
    device = registry.locked(conn, device.device_no)
    known = {  # in one order for all, so that two never wait for each other
        of: lockout.standing(store.lock_guesses(conn, device.tenant_id, subject, now), policies[of], now)
        for of, subject in subjects.items()
    }
    if closed := proof.open_to_claims(device):
        return _closed(conn, device, closed, by, now)
    if until := lockout.until(now, *known.values()):
        return Outcome(verdict=Verdict.LOCKED, device=device, until=until)
    secret, lost_at = store.find_secret(conn, device), households.lost_at(conn, device.device_no)
    verdict = proof.by_secret(secret, proof.sha256(device.device_no, typed), now, lost_at)
    if verdict is Verdict.BOUND:
        store.save_guesses(conn, device.tenant_id, subjects["device"], Guesses())
        return _bind(conn, device, said, "secret", by, now)
    if verdict is not Verdict.WRONG:
        return Outcome(verdict=verdict, device=device)
    after = {of: lockout.failed(guesses, policies[of], now) for of, guesses in known.items()}
    for of, guesses in after.items():
        store.save_guesses(conn, device.tenant_id, subjects[of], guesses)
    store.forget(conn, device.tenant_id, waited_before=now, guessed_before=now - lockout.ADDRESS.forgotten)
    locks = tuple(of for of, guesses in after.items() if guesses.locked_until is not None)
    if "device" in locks:
        until_text = str(after["device"].locked_until)
        log.note(conn, "device.claim_locked", device.device_id, by, now, {"until": until_text})
    return Outcome(verdict=verdict, device=device, until=lockout.until(now, *after.values()), locks=locks)


def begin(conn: Connection[Any], device: Device, *, address: str, by: Scope, now: datetime) -> Begun | Outcome:
    """From now on a press is waited for. No lock of wrong secrets stands in this door."""
    device = registry.locked(conn, device.device_no)
    if closed := proof.open_to_claims(device):
        return _closed(conn, device, closed, by, now)
    store.forget(conn, device.tenant_id, waited_before=now, guessed_before=now - lockout.ADDRESS.forgotten)
    token = secrets.token_urlsafe(24)
    waiting = Waiting(
        claim_id=uuid7(now),
        token_sha256=_sha256(token),
        address_sha256=_sha256(f"{device.label_token}:{address}"),
        begun_at=now,
        press_by=now + PRESS_WITHIN,
        expires_at=now + FILL_IN_WITHIN,
        spent_at=None,
    )
    store.insert_waiting(conn, device, waiting)
    log.note(conn, "device.claim_begun", device.device_id, by, now, {})
    return Begun(token=token, press_by=waiting.press_by)


def waiting_for(conn: Connection[Any], device: Device, token: str, now: datetime) -> Waiting | None:
    """The claim that this token began, while it can still be finished."""
    found = store.list_waiting(conn, device, now)
    return next((each for each in found if each.token_sha256 == _sha256(token)), None)


def by_press(
    conn: Connection[Any],
    device: Device,
    token: str,
    pressed: Sequence[datetime],
    said: Claimant,
    *,
    by: Scope,
    now: datetime,
) -> Outcome:
    """`pressed`: when the log received what the appliance reported of its button."""
    device = registry.locked(conn, device.device_no)
    if closed := proof.open_to_claims(device):
        return _closed(conn, device, closed, by, now)
    verdict = proof.by_press(store.list_waiting(conn, device, now), _sha256(token), pressed, now)
    return (
        _bind(conn, device, said, "press", by, now)
        if verdict is Verdict.BOUND
        else Outcome(verdict=verdict, device=device)
    )


def unlock(conn: Connection[Any], device: Device, *, by: Scope, now: datetime) -> None:
    """Staff open a device's lock; an address's opens by itself."""
    store.save_guesses(conn, device.tenant_id, _subject(device), Guesses())
    log.note(conn, "device.claim_unlocked", device.device_id, by, now, {})


def standing(conn: Connection[Any], device: Device, now: datetime) -> Standing:
    guesses = store.find_guesses(conn, device.tenant_id, _subject(device))
    return Standing(
        secret=store.find_secret(conn, device),
        guesses=lockout.standing(guesses, lockout.DEVICE, now),
        waiting=len(store.list_waiting(conn, device, now)),
    )


def _bind(conn: Connection[Any], device: Device, said: Claimant, proved_by: str, by: Scope, now: datetime) -> Outcome:
    customer = customers.same(conn, said.owner, by=by, now=now)
    by = replace(by, actor=f"customer:{customer.customer_id}")
    claimed = moves.claim(conn, device, customer.customer_id, by=by, now=now)
    changes = {"place": said.place, "bought_on": said.bought_on}
    claimed = amend.amend(conn, claimed, {name: value for name, value in changes.items() if value}, by=by, now=now)
    store.spend_secret(conn, device, now)
    store.spend_waiting(conn, device, now)
    _tell(conn, "device.claim_proved", claimed, customer, {"by": proved_by}, by, now)
    return Outcome(verdict=Verdict.BOUND, device=claimed, customer=customer)


def _closed(conn: Connection[Any], device: Device, verdict: Verdict, by: Scope, now: datetime) -> Outcome:
    owner: Customer | None = registry.customer_of(conn, device) if verdict is Verdict.OWNED else None
    if owner and store.note_told(conn, device.tenant_id, _subject(device), now, now - TOLD_EVERY):
        _tell(conn, "device.claim_refused", device, owner, {}, by, now)
    return Outcome(verdict=verdict, device=device)


def _tell(
    conn: Connection[Any], kind: str, device: Device, owner: Customer, data: dict[str, Any], by: Scope, now: datetime
) -> None:
    """A line of the log, and a letter to the owner if he has an address for one."""
    log.note(conn, kind, device.device_id, by, now, data, [f"email:{owner.customer_id}"] if owner.email else [])


def _subject(device: Device) -> str:
    return f"device:{device.device_no}"


def _address(tenant_id: str, address: str) -> str:
    """An address is somebody's: its hash is enough to know it again."""
    return f"address:{_sha256(f'{tenant_id}:{address}').hex()}"


def _sha256(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()

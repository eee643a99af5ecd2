"""A customer is added, by a program or on a page: one way in, and a repeat is not a second customer."""

import hashlib
from uuid import UUID

from api.http.house import House
from api.http.rest.devices import CustomerBody
from devices import registry
from devices.model import Customer
from devices.people import customers
from devices.registry import Owner
from ledger import idempotency
from ledger.idempotency import StoredAnswer


def settle(house: House, said: CustomerBody, key: str | None) -> Customer:
    """Whoever has this mail address or phone number, else somebody new; whoever the same key found before. Raises what
    ledger.idempotency.find raises."""
    tenant, now, stored_under = house.settings.tenant, house.clock(), f"customer:{key}"
    digest = hashlib.sha256(said.model_dump_json().encode()).digest()
    with house.acting() as conn:
        stored = idempotency.find(conn, tenant, stored_under, digest) if key else None
        known = registry.customer(conn, tenant, UUID(stored.answer["customer_id"])) if stored else None
        customer = known or customers.settle(conn, Owner(**said.model_dump()), by=house.scope(), now=now)
        if key and stored is None:
            answer = StoredAnswer(status=200, answer={"customer_id": str(customer.customer_id)})
            idempotency.keep(conn, tenant, stored_under, digest, answer, now)
    return customer

"""A registry on a fresh database, as HTTP's role in one tenant."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import psycopg
import pytest

from devices import catalogue, registry
from devices.model import Device
from devices.people import customers
from devices.registry import Owner, Registration
from ledger import outbox, scope
from ledger.model import Scope
from tests.conftest import Database

NOW = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
BY = Scope(tenant_id="demo", actor="staff:desk")
CLASSES = catalogue.load()


@dataclass
class Firm:
    """One tenant's registry; everything in one transaction."""

    conn: psycopg.Connection[Any]
    by: Scope = BY
    now: datetime = field(default=NOW)

    def device(self, device_id: str = "fridge-1", **facts: Any) -> Device:
        said = {"class_id": "refrigerator", "model": "F-200", "serial": device_id, **facts}
        registered = registry.register(
            self.conn, CLASSES, Registration(device_id=device_id, **said), by=self.by, now=self.now
        )
        return registered.device

    def customer(self, name: str = "Ann", **facts: Any) -> UUID:
        return customers.settle(self.conn, Owner(name=name, **facts), by=self.by, now=self.now).customer_id

    def kinds(self, subject_id: str) -> list[str]:
        return [event.kind for event in outbox.history(self.conn, subject_id)]

    def found(self, device_id: str) -> Device:
        return registry.find(self.conn, self.by.tenant_id, device_id)


@pytest.fixture
def firm(database: Database) -> Iterator[Firm]:
    with database.connect("foremend_api", autocommit=False) as conn:
        scope.enter(conn, BY)
        yield Firm(conn=conn)

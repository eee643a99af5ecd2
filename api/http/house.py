"""What every route is handed: settings, catalogue, clock, and transactions that either look or act."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import Depends
from psycopg import Connection
from psycopg_pool import ConnectionPool
from starlette.requests import HTTPConnection

from api import database
from api.http import lan
from api.http.meter import Meters
from api.http.pace import Pace
from api.settings import Settings
from devices.model import Catalogue
from ledger import scope
from ledger.model import Scope

DESK = "staff:desk"  # until sign-in exists, whoever sits at this machine


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, kw_only=True)
class House:
    settings: Settings
    pool: ConnectionPool[Connection[Any]]
    catalogue: Catalogue
    clock: Callable[[], datetime] = _now
    stopping: threading.Event = field(default_factory=threading.Event)
    meters: Meters = field(default_factory=Meters)
    item_pace: Pace = field(default_factory=lambda: Pace(per_minute=10, burst=30))  # serials can be guessed
    claim_pace: Pace = field(default_factory=lambda: Pace(per_minute=0.2, burst=5))  # claims that wait for a press
    report_pace: Pace = field(default_factory=lambda: Pace(per_minute=10, burst=30))  # each answer is a new link
    photo_pace: Pace = field(default_factory=lambda: Pace(per_minute=6, burst=10))  # photos cost time

    def scope(self, actor: str = DESK) -> Scope:
        return Scope(tenant_id=self.settings.tenant, actor=actor)

    @property
    def hosts(self) -> frozenset[str]:
        """Names in addresses that are ours: of the links that we send out, and of this machine."""
        return lan.names(self.settings) | lan.HERE

    @contextmanager
    def acting(self, by: Scope | None = None) -> Iterator[Connection[Any]]:
        """A transaction that may change things; committed when the block ends, undone when it raises."""
        with database.transaction(self.pool, by or self.scope()) as conn:
            yield conn

    @contextmanager
    def looking(self, by: Scope | None = None) -> Iterator[Connection[Any]]:
        """A transaction that the database itself keeps from changing anything: a GET never acts."""
        with self.acting(by) as conn:
            scope.refuse_writes(conn)
            yield conn

    @contextmanager
    def stranger(self, *, acts: bool = False) -> Iterator[Connection[Any]]:
        """For whoever brings a token: nothing is visible until the token has shown its row."""
        nobody = Scope(tenant_id="", actor="public")
        with self.acting(nobody) if acts else self.looking(nobody) as conn:
            yield conn


def _house(connection: HTTPConnection) -> House:
    house = connection.app.state.house
    assert isinstance(house, House)
    return house


Home = Annotated[House, Depends(_house)]

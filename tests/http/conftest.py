"""A house with its HTTP face, on a fresh database, with a clock that tests move."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from fastapi.routing import APIRoute
from psycopg_pool import ConnectionPool
from starlette.testclient import TestClient

from api import database as roof
from api.http.app import PUBLIC, REST, STAFF, staff_app
from api.http.house import House
from api.http.pace import Pace
from api.http.rest import health
from api.settings import Settings
from api.watch import standing, watch
from devices import catalogue
from tests.conftest import Database

BASE = "http://127.0.0.1:8080"


@dataclass
class Clock:
    now: datetime = field(default_factory=lambda: datetime(2026, 11, 20, 9, 0, tzinfo=UTC))

    def __call__(self) -> datetime:
        return self.now

    def forward(self, **span: float) -> None:
        self.now += timedelta(**span)


@pytest.fixture(autouse=True)
def unhurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Record and log have time to answer who asks how the house stands."""
    for module in (watch, standing):
        monkeypatch.setattr(module, "PATIENCE_S", 60.0)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def house(database: Database, clock: Clock, tmp_path: Path) -> Iterator[House]:
    settings = database.settings(data=tmp_path)
    with roof.pool(settings, "foremend_api", max_size=4) as pool:
        made = House(settings=settings, pool=pool, catalogue=catalogue.load(), clock=clock)
        yield _patient(made)


def _patient(house: House) -> House:
    """To who asks it too often no time passes, however long a test takes."""
    paces = {name: replace(pace, clock=lambda: 0.0) for name, pace in vars(house).items() if isinstance(pace, Pace)}
    return replace(house, **paces)


@pytest.fixture
def client(house: House) -> Iterator[TestClient]:
    with TestClient(staff_app(house), base_url=BASE, follow_redirects=False) as client:
        yield client


@pytest.fixture
def doorway() -> Iterator[TestClient]:
    """The application without a record behind it: for what is decided before anything is read."""
    house = House(settings=Settings(dsn=""), pool=ConnectionPool(open=False), catalogue=catalogue.load())
    with TestClient(staff_app(_patient(house)), base_url=BASE, raise_server_exceptions=False) as client:
        yield client


def get_paths() -> list[str]:
    """Every path that answers a GET, as it was declared."""
    groups = (("", (*STAFF, *PUBLIC, health.router)), ("/api", REST))
    routes = [(prefix, route) for prefix, routers in groups for router in routers for route in router.routes]
    return [
        f"{prefix}{route.path}" for prefix, route in routes if isinstance(route, APIRoute) and "GET" in route.methods
    ]


def a_device_body(**facts: Any) -> dict[str, Any]:
    customer = {"name": "Ann", "language": "en", "time_zone": "Europe/Berlin", "email": "ann@example.org"}
    body = {"class_id": "refrigerator", "model": "F-200", "serial": "S1", "place": "12 Canal Street", "region": "north"}
    return {**body, "customer": customer, **facts}

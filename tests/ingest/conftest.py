"""The record on both engines: embedded PostgreSQL, and TimescaleDB for everything that touches class tables; a worker's
hands to write into it, and a whole house around it."""

from collections.abc import Iterator
from contextlib import AbstractContextManager
from typing import Any, Protocol

import psycopg
import pytest

from api.worker.batch import Intake
from tests.conftest import Database, NatsServer, need
from tests.ingest.house import House, a_house
from tests.ingest.record import an_intake, register
from tests.timescale import harness


class Record(Protocol):
    def connect(self, role: str = "postgres", *, autocommit: bool = True) -> AbstractContextManager[Any]: ...


@pytest.fixture(scope="session")
def timescale_server() -> Iterator[harness.Timescale]:
    reason = harness.missing()
    need(reason is None, reason or "")
    with harness.served() as database:
        yield database


@pytest.fixture(params=["postgresql", pytest.param("timescale", marks=pytest.mark.timescale)])
def record(request: pytest.FixtureRequest) -> Record:
    """An empty record; open one connection at a time."""
    if request.param == "postgresql":
        database: Record = request.getfixturevalue("database")
        return database
    timescale: harness.Timescale = request.getfixturevalue("timescale_server")
    timescale.clear()
    return timescale


def is_timescale(conn: psycopg.Connection[Any]) -> bool:
    return conn.execute("SELECT 1 FROM pg_extension WHERE extname = 'timescaledb'").fetchone() is not None


@pytest.fixture
def intake(database: Database) -> Iterator[Intake]:
    """A worker's hands, one refrigerator's messages to take."""
    with database.connect() as conn:
        register(conn, ("demo", "d1", "refrigerator"))
    with database.connect("foremend_worker", autocommit=False) as conn:
        yield an_intake(conn)


@pytest.fixture
def house(database: Database, nats_server: NatsServer) -> Iterator[House]:
    nats_server.clear()
    with a_house(database, nats_server) as made:
        yield made


@pytest.fixture
def conn(house: House) -> Iterator[psycopg.Connection[Any]]:
    with house.database.connect("foremend_worker", autocommit=False) as opened:
        yield opened

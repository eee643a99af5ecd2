"""The record on both engines: embedded PostgreSQL, and TimescaleDB for everything that touches class tables."""

from collections.abc import Iterator
from contextlib import AbstractContextManager
from typing import Any, Protocol

import psycopg
import pytest

from tests.conftest import need
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

"""The devices' door, once for all tests that knock at it."""

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from api.engines.nats import Nats
from api.engines.ports import free_port
from api.engines.postgres import Postgres
from api.settings import SignIn
from tests.conftest import _TEMPLATE, Database, _named
from tests.engines.doorway import Doorway


@pytest.fixture(scope="session")
def shut(engines_folder: Path, postgres_server: Postgres) -> Iterator[Doorway]:
    """One NATS and one record for all of them; nobody answers yet."""
    nats = Nats(engines_folder / "door", port=free_port(), mqtt_port=free_port(), sign_in=SignIn.REQUIRED)
    nats.start()
    name = sql.Identifier("foremend_door")
    with psycopg.connect(postgres_server.dsn, user="postgres", autocommit=True) as conn:
        conn.execute(sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(name, sql.Identifier(_TEMPLATE)))
        yield Doorway(nats=nats, database=Database(dsn=_named(postgres_server.dsn, "foremend_door")))
        conn.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(name))
    nats.stop()


@pytest.fixture(scope="session")
def door(shut: Doorway) -> Iterator[Doorway]:
    with shut.answering():
        shut.issue("neighbour")
        shut.issue("fridge-1", "other")
        yield shut

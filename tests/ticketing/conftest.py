"""One database for the room, emptied after each test: cloning one takes ten times as long."""

from collections.abc import Iterator

import psycopg
import pytest
from psycopg import sql

from api.engines.postgres import Postgres
from tests.conftest import _TEMPLATE, Database, _named
from tests.ticketing.builders import Firm

_NAME = "foremend_ticketing"
_KEPT = ("partition", "schema_version")


@pytest.fixture(scope="session")
def room_database(postgres_server: Postgres) -> Database:
    with psycopg.connect(postgres_server.dsn, user="postgres", autocommit=True) as conn:
        conn.execute(sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(*map(sql.Identifier, (_NAME, _TEMPLATE))))
    return Database(dsn=_named(postgres_server.dsn, _NAME))


@pytest.fixture
def firm(room_database: Database) -> Iterator[Firm]:
    yield Firm(database=room_database)
    with room_database.connect(autocommit=False) as conn:
        conn.execute("SET LOCAL session_replication_role = replica")  # snapshots refuse even this otherwise
        rows = conn.execute(
            "SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename <> ALL(%s)", [list(_KEPT)]
        )
        tables = sql.SQL(", ").join(sql.Identifier(name) for (name,) in rows)
        conn.execute(sql.SQL("TRUNCATE {} RESTART IDENTITY").format(tables))

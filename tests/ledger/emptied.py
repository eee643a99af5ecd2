"""A database that tests share, emptied after each of them: cloning one takes ten times as long."""

import psycopg
from psycopg import sql

from api.engines.postgres import Postgres
from tests.conftest import _TEMPLATE, Database, _named

_KEPT = ["partition", "schema_version"]


def share(server: Postgres, name: str) -> Database:
    with psycopg.connect(server.dsn, user="postgres", autocommit=True) as conn:
        conn.execute(sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(*map(sql.Identifier, (name, _TEMPLATE))))
    return Database(dsn=_named(server.dsn, name))


def empty(database: Database) -> None:
    with database.connect(autocommit=False) as conn:
        conn.execute("SET LOCAL session_replication_role = replica")  # snapshots refuse even this otherwise
        rows = conn.execute(
            "SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename <> ALL(%s)", [_KEPT]
        )
        for (name,) in rows.fetchall():
            conn.execute(sql.SQL("DELETE FROM {}").format(sql.Identifier(name)))  # few rows: TRUNCATE takes longer

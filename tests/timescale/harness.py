"""Real TimescaleDB for tests: native where FOREMEND_TEST_TIMESCALE_DSN names one, else in WASM behind a socket.

The WASM one takes one connection at a time, any password, and knows neither COPY nor LISTEN; so a test opens one
connection, closes it, and opens the next. Behind all of them is one session of the server, which `connect` cleans.
"""

import fcntl
import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from psycopg.conninfo import make_conninfo

from api import schema
from devices import catalogue
from ingest import layout, layout_aggregates

HERE = Path(__file__).parent
NATIVE = os.environ.get("FOREMEND_TEST_TIMESCALE_DSN")


def missing() -> str | None:
    """What keeps the tests from running here."""
    if NATIVE or (shutil.which("node") and shutil.which("npm")):
        return None
    return "TimescaleDB needs node and npm, or FOREMEND_TEST_TIMESCALE_DSN"


@dataclass(frozen=True, kw_only=True)
class Timescale:
    """One database with the schema applied; `clear` empties it between tests."""

    dsn: str

    @contextmanager
    def connect(self, role: str = "postgres", *, autocommit: bool = True) -> Iterator[psycopg.Connection[Any]]:
        with psycopg.connect(self.dsn, autocommit=True, options="-c timezone=UTC") as conn:
            for text in ("ROLLBACK", "RESET ROLE", "DEALLOCATE ALL"):
                conn.execute(text)
            conn.execute("SET timezone = 'UTC'")
            if role != "postgres":
                conn.execute(f"SET ROLE {role}")
            conn.autocommit = autocommit
            yield conn

    def clear(self) -> None:
        with self.connect() as conn:
            for name in [*map(layout.table, catalogue.load()), *layout_aggregates.tables(catalogue.load())]:
                conn.execute(f"TRUNCATE {name}")
            for table in (
                "stale_hour",
                "refusal",
                "refusal_day",
                "finding",
                "outage",
                "presence",
                "device",
                "customer",
                "tenant",
            ):
                conn.execute(f"DELETE FROM {table}")


@contextmanager
def served() -> Iterator[Timescale]:
    if NATIVE:
        with native(NATIVE) as database:
            yield database
        return
    _install()
    process = subprocess.Popen(["node", "serve.mjs"], cwd=HERE, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        assert process.stdout is not None
        port = json.loads(process.stdout.readline())["port"]
        dsn = f"host=127.0.0.1 port={port} user=postgres password=any dbname=postgres sslmode=disable"
        yield _with_schema(dsn)
    finally:
        process.kill()
        process.communicate()


def _install() -> None:
    """One at a time: whoever comes while somebody installs would begin by removing what is there."""
    with (HERE / "package-lock.json").open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (HERE / "node_modules" / ".package-lock.json").exists():
            subprocess.run(["npm", "ci", "--silent"], cwd=HERE, check=True, timeout=280)


@contextmanager
def native(dsn: str) -> Iterator[Timescale]:
    """Of those who test side by side each has its own."""
    name = f"foremend_test_{os.environ.get('PYTEST_XDIST_WORKER', 'alone')}"
    with psycopg.connect(dsn, autocommit=True) as conn:
        conn.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        conn.execute(f"CREATE DATABASE {name}")
    yield _with_schema(make_conninfo(dsn, dbname=name))
    with psycopg.connect(dsn, autocommit=True) as conn:
        conn.execute(f"DROP DATABASE {name} WITH (FORCE)")


def _with_schema(dsn: str) -> Timescale:
    with psycopg.connect(dsn, autocommit=True) as conn:
        schema.apply(conn, catalogue.load())
    return Timescale(dsn=dsn)

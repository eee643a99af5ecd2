"""Workers and bridges that a test starts and kills, each in a process of its own."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from pydantic import SecretStr

from api.bridge import run as bridge
from api.cli import _process
from api.settings import Settings
from benchmarks.faults.hands import Hand, Worker
from ingest.bridge.versions import Protocol
from tests.conftest import Database
from tests.ingest.bridging import an_order

LONG = os.environ.get("FOREMEND_FAULTS") == "long"


class Bridge(Hand):
    """As `foremend bridge` runs it, with topics as they are."""

    def __init__(self, url: str, nats_url: str, asked: str, client_id: str, protocol: Protocol = Protocol.AUTO) -> None:
        super().__init__(_bridge, url, nats_url, asked, client_id, protocol)


def _bridge(url: str, nats_url: str, asked: str, client_id: str, protocol: Protocol) -> None:
    settings = Settings(dsn="", nats_url=SecretStr(nats_url), log_file=os.devnull)
    order = an_order(url, asked, maps=(), client_id=client_id, protocol=protocol)
    _process.run("bridge", lambda settings, stop: bridge.run(settings, stop, order), settings)


def a_worker(dsn: str, nats_url: str, lease_s: float | None = None) -> Worker:
    """With a checkpoint every few messages, for deaths around it."""
    told = {"FOREMEND_DSN": dsn, "FOREMEND_NATS_URL": nats_url, "FOREMEND_LOG_FILE": os.devnull}
    return Worker(told, often=True, lease_s=lease_s)


@contextmanager
def working(dsn: str, nats_url: str) -> Iterator[Worker]:
    running = a_worker(dsn, nats_url)
    try:
        yield running
    finally:
        running.stop()


def cursor_of(database: Database) -> int:
    with database.connect() as conn:
        row = conn.execute("SELECT cursor FROM partition").fetchone()
        assert row is not None
        return int(row[0])


def now_of(database: Database) -> datetime:
    with database.connect() as conn:
        (now,) = conn.execute("SELECT clock_timestamp()").fetchone() or (None,)
    assert isinstance(now, datetime)
    return now


def looks_again(database: Database, since: datetime) -> bool:
    """Whether a worker that has come again since then has asked for the partition: it does every second."""
    with database.connect() as conn:
        rows = conn.execute(
            "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND usename = 'foremend_worker'"
            " AND backend_start > %s AND state_change > backend_start + interval '1.5 s'",
            [since],
        )
        return rows.fetchone() is not None

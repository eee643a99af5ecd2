"""Worker processes that a test starts and kills, and what they must have left behind."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from tests.conftest import Database

LONG = os.environ.get("FOREMEND_FAULTS") == "long"


def wait_for(true: Callable[[], Any], seconds: float = 60, pause_s: float = 0.01) -> None:
    until = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < until, "it did not come"
        time.sleep(pause_s)


def a_worker(dsn: str, nats_url: str) -> subprocess.Popen[bytes]:
    """The worker as `foremend up` starts it."""
    environment = {**os.environ, "FOREMEND_DSN": dsn, "FOREMEND_NATS_URL": nats_url}
    return subprocess.Popen([sys.executable, "-m", "api.cli", "worker"], env=environment, stderr=subprocess.DEVNULL)


@contextmanager
def working(dsn: str, nats_url: str) -> Iterator[subprocess.Popen[bytes]]:
    worker = a_worker(dsn, nats_url)
    try:
        yield worker
    finally:
        worker.terminate()
        worker.wait(30)


def cursor_of(database: Database) -> int:
    with database.connect() as conn:
        row = conn.execute("SELECT cursor FROM partition").fetchone()
        assert row is not None
        return int(row[0])

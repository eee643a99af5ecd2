"""Worker processes that a test starts and kills, and what they must have left behind."""

import multiprocessing
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from api import checkpoint, worker
from api.cli import _process
from tests.conftest import Database

LONG = os.environ.get("FOREMEND_FAULTS") == "long"


def wait_for(true: Callable[[], Any], seconds: float = 60, pause_s: float = 0.01) -> None:
    until = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < until, "it did not come"
        time.sleep(pause_s)


_processes = multiprocessing.get_context("forkserver")
_processes.set_forkserver_preload(["api.cli._process", "api.worker"])


class Worker:
    """The worker as `foremend worker` runs it, in a process of its own; forked from a server that has imported it
    already, so that a start costs milliseconds."""

    def __init__(self, dsn: str, nats_url: str) -> None:
        environment = {"FOREMEND_DSN": dsn, "FOREMEND_NATS_URL": nats_url, "FOREMEND_LOG_FILE": os.devnull}
        self._process = _processes.Process(target=_work, args=(environment,))
        self._process.start()

    def kill(self) -> None:
        """SIGKILL."""
        self._process.kill()
        self._process.join()

    def stop(self) -> None:
        self._process.terminate()
        self._process.join(30)


def _work(environment: dict[str, str]) -> None:
    os.environ.update(environment)
    checkpoint.EVERY_S, checkpoint._FEW, checkpoint._SHARE = 0.02, 10, 1.0  # often, for deaths around it
    _process.run("worker", worker.run)


@contextmanager
def working(dsn: str, nats_url: str) -> Iterator[Worker]:
    running = Worker(dsn, nats_url)
    try:
        yield running
    finally:
        running.stop()


def cursor_of(database: Database) -> int:
    with database.connect() as conn:
        row = conn.execute("SELECT cursor FROM partition").fetchone()
        assert row is not None
        return int(row[0])

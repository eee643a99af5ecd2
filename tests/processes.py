"""Processes of the house, each in a thread of the test; and what a test does meanwhile: it waits."""

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from datetime import timedelta
from types import ModuleType
from typing import Any
from unittest.mock import patch

from pydantic import SecretStr

from api.bridge import run as bridge
from api.relay import run as relay
from api.settings import Settings
from api.watch.pulse import LOOPS, Pulse
from api.worker import run as worker
from devices.credentials import store as credentials
from ingest import partition
from tests.conftest import Database

Running = AbstractContextManager[Future[None]]
_FOR_THE_TEST = timedelta(minutes=10)


def wait_for(true: Callable[[], Any], seconds: float = 120, pause_s: float = 0.02) -> None:
    """`seconds`: against hanging; it ends as soon as it can."""
    until = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < until, "it did not come"
        time.sleep(pause_s)


def working(settings: Settings) -> Running:
    return _turning(worker.run, settings)


def relaying(settings: Settings) -> Running:
    return _turning(relay.run, settings)


def bridging(nats_url: str, order: bridge.Order) -> Running:
    return _turning(bridge.run, Settings(dsn="", nats_url=SecretStr(nats_url)), order)


@contextmanager
def only_when_told(loop: ModuleType, database: Database) -> Iterator[None]:
    """A loop that waits for changed credentials looks again when the record tells of one, and not by itself."""
    try:
        with patch.object(loop, "POLL_S", 600.0):
            yield
    finally:
        with database.connect() as conn:
            credentials.tell_of_change(conn)


@contextmanager
def _turning(run: Callable[..., None], settings: Settings, *more: Any) -> Iterator[Future[None]]:
    """What it raises is raised at the end."""
    stop = threading.Event()
    with ThreadPoolExecutor(1) as threads:
        running = threads.submit(run, settings, stop, *more)
        try:
            yield running
        finally:
            stop.set()
        running.result(60)


@contextmanager
def as_if_all_lived(database: Database, last_seq: int) -> Iterator[None]:
    """What worker and relay leave in the record while they live; all up to `last_seq` of the log is committed. It holds
    for as long as a test takes."""
    with (
        patch.object(partition, "LEASE", _FOR_THE_TEST),
        database.connect("foremend_worker", autocommit=False) as worker_,
        database.connect("foremend_relay") as relay_,
    ):
        claim = partition.take(worker_, "test:1")
        assert claim is not None
        partition.place(worker_, claim, last_seq, "now")
        worker_.commit()
        for loop in LOOPS:
            Pulse(loop).beat(relay_)
        relay_.execute("UPDATE pulse SET at = at + %s", [_FOR_THE_TEST])
        yield

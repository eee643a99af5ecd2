"""The small port of worker and relay: what only they know, and whether their loops turn."""

import socket
import threading
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psycopg
import pytest
from prometheus_client import CollectorRegistry

from api.relay import run as relay
from api.settings import Settings
from api.watch import port
from api.watch.port import SILENT_S, Turns
from api.watch.pulse import LOOPS
from api.worker.batch import Counts
from api.worker.meters import WorkerMeters
from ingest.model import Reason
from tests.conftest import Database
from tests.processes import wait_for


def get(number: int, path: str) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{number}{path}", timeout=60) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()


OPEN = Settings(dsn="", metrics_port=0)


def test_without_a_port_nothing_listens() -> None:
    with port.opened(Settings(dsn=""), CollectorRegistry(), Turns("read")) as number:
        assert number is None


def test_the_workers_figures_are_what_was_committed() -> None:
    meters = WorkerMeters()
    meters.counts.messages += 40
    meters.counts.refused[Reason.CONFLICT] += 3
    meters.took(40, 0.0031)
    meters.waits.labels("LogError").inc()
    meters.counts.steps.seconds["keep"] = 2.5
    with port.opened(OPEN, meters.registry, Turns("read")) as number:
        assert number is not None
        status, text = get(number, "/metrics")
    assert status == 200
    lines = set(text.splitlines())
    assert {
        "foremend_messages_committed_total 40.0",
        "foremend_readings_committed_total 0.0",
        'foremend_refusals_total{reason="CONFLICT"} 3.0',
        'foremend_refusals_total{reason="NOT_JSON"} 0.0',
        'foremend_batch_messages_bucket{le="20.0"} 0.0',
        'foremend_batch_messages_bucket{le="50.0"} 1.0',
        'foremend_batch_seconds_bucket{le="0.005"} 1.0',
        'foremend_worker_waits_total{kind="LogError"} 1.0',
        'foremend_worker_seconds_total{step="keep"} 2.5',
        'foremend_worker_seconds_total{step="commit"} 0.0',
    } <= lines
    assert any(line.startswith("process_resident_memory_bytes") for line in lines)


def test_a_loop_that_hangs_is_not_alive() -> None:
    turns = Turns("read", "write")
    with port.opened(OPEN, CollectorRegistry(), turns) as number:
        assert number is not None
        assert get(number, "/livez") == (200, "ok\n")
        for loop in ("read", "write"):
            turns._at_s[loop] -= SILENT_S + 1  # so long ago; the clock is that of every other thread, too
        turns.mark("write")
        assert get(number, "/livez") == (503, "silent: read\n")
        assert get(number, "/other")[0] == 404


def test_every_reason_is_there_before_it_happens() -> None:
    assert set(Counts().refused) == set(Reason)


def test_who_ends_by_an_error_closes_it_too() -> None:
    before = set(threading.enumerate())
    with pytest.raises(ZeroDivisionError), port.opened(OPEN, CollectorRegistry(), Turns("read")) as number:
        raise ZeroDivisionError
    assert set(threading.enumerate()) <= before
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", number or 0))


def test_the_relay_opens_it_and_closes_it(database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stop, opened = threading.Event(), []
    loops = relay._run_loops

    def look(settings: Settings, stopping: threading.Event, turns: Turns, registry: CollectorRegistry) -> None:
        loops(settings, stopping, turns, registry)
        opened.append(turns.silent())

    monkeypatch.setattr(relay, "_run_loops", look)
    monkeypatch.setattr(relay, "POLL_S", 0.05)  # a test has less time than a house
    with ThreadPoolExecutor(1) as threads:
        running = threads.submit(relay.run, database.settings(metrics_port=0, data=tmp_path), stop)
        try:
            with database.connect() as conn:
                wait_for(lambda: running.done() or _turned(conn) == set(LOOPS))
        finally:
            stop.set()
    running.result(0)
    assert opened == [[]]


def _turned(conn: psycopg.Connection[Any]) -> set[str]:
    return {loop for (loop,) in conn.execute("SELECT loop FROM pulse WHERE turns > 0")}

"""Presence on real engines, with time that runs fast: wills, silence, a gateway, and our own outages."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from itertools import count
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import paho.mqtt.client as mqtt
import pytest
from pydantic import SecretStr

from api.engines.nats import Nats
from api.engines.nats_request import request
from api.engines.nats_streams import STREAM
from api.engines.ports import free_port
from api.settings import Settings
from api.worker import forget, presence
from api.worker import run as worker
from api.worker.presence import Presence
from ingest.adapter_wire import Wire
from ingest.errors import LogError
from tests.conftest import Database
from tests.ingest.record import register
from tests.presence.town import TOO_LONG_S, Looks, ask, away_since, crowd, hurry, lasting, learn, states
from tests.processes import wait_for, working

pytestmark = pytest.mark.engines
NAMES = ("gw", "c1", "c2", "c3", "lone")
_numbers = count(1)


@pytest.fixture(scope="module")
def nats(engines_folder: Path) -> Iterator[Nats]:
    """One that a test may kill. Each has a log of its own: a worker of xdist may begin this module twice."""
    server = Nats(engines_folder / f"presence-{next(_numbers)}", port=free_port(), mqtt_port=free_port())
    server.start()
    try:
        yield server
    finally:
        server.stop()


@pytest.fixture
def looks(monkeypatch: pytest.MonkeyPatch) -> Looks:
    return hurry(monkeypatch)


@pytest.fixture
def settings(database: Database, nats: Nats, looks: Looks) -> Settings:
    with database.connect() as conn:
        register(conn, *(("demo", name, "refrigerator") for name in NAMES))
        conn.execute("UPDATE device SET gateway_no = 1 WHERE device_no IN (2, 3, 4)")
    return database.settings(nats_url=nats.url)


def a_client_with_a_will(mqtt_port: int, device: str) -> mqtt.Client:
    """As docs/reference/mqtt.md shows it."""
    client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, client_id=device)
    client.will_set(f"fm/demo/{device}/up/presence", '{"online": false}', qos=1, retain=True)
    client.connect("127.0.0.1", mqtt_port, keepalive=60)
    client.loop_start()
    wait_for(client.is_connected)
    client.publish(f"fm/demo/{device}/up/presence", '{"online": true}', qos=1, retain=True).wait_for_publish(60)
    return client


def die(client: mqtt.Client) -> None:
    """Without a word."""
    raw = client.socket()
    assert isinstance(raw, socket.socket)
    client.loop_stop()
    raw.close()


def test_a_client_that_dies_without_a_word_is_offline_by_its_will_and_online_when_it_is_back(
    settings: Settings, nats: Nats, database: Database
) -> None:
    port = free_port()
    with working(settings.model_copy(update={"metrics_port": port})):
        client = a_client_with_a_will(nats.mqtt_port, "lone")
        wait_for(lambda: states(database) == {"lone": "ONLINE"})
        die(client)
        wait_for(lambda: lasting(database) == {"lone": ("DEVICE", "LAST_WILL", None)})
        assert states(database) == {"lone": "OFFLINE"}
        again = a_client_with_a_will(nats.mqtt_port, "lone")
        wait_for(lambda: states(database) == {"lone": "ONLINE"})
        assert lasting(database) == {}
        again.disconnect()
        again.loop_stop()
        with urlopen(f"http://127.0.0.1:{port}/metrics", timeout=60) as answer:
            figures = answer.read().decode()
        assert 'foremend_presence_changes_total{state="gone"} 1.0' in figures
        assert 'foremend_presence_changes_total{state="silent"} 0.0' in figures
    assert ask(database, "SELECT count(*) FROM refusal") == [(0,)]


def test_who_falls_silent_is_out_and_those_behind_a_gateway_are_one_fact_with_it(
    settings: Settings, nats: Nats, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However few of them are written down at once."""
    monkeypatch.setattr(presence, "AT_ONCE", 2)
    with working(settings), crowd(nats.mqtt_port, *NAMES) as speakers:
        wait_for(lambda: states(database) == dict.fromkeys(NAMES, "ONLINE"))
        learn(database, *NAMES)
        speakers.speaking -= {"gw", "c1", "c2", "c3"}
        wait_for(lambda: len(lasting(database)) == 4)
        folded = dict.fromkeys(("c1", "c2", "c3"), ("DEVICE", "SILENCE", "gw"))
        wait_for(lambda: lasting(database) == {"gw": ("GATEWAY", "SILENCE", None), **folded})
        assert ask(database, "SELECT children FROM outage WHERE kind = 'GATEWAY'") == [(3,)]
        speakers.speaking |= {"gw", "c1", "c2"}
        wait_for(lambda: lasting(database) == {"c3": ("DEVICE", "SILENCE", None)})
        wait_for(lambda: states(database) == {**dict.fromkeys(NAMES, "ONLINE"), "c3": "OFFLINE"})


def test_after_we_were_down_nobody_is_offline(settings: Settings, nats: Nats, database: Database, looks: Looks) -> None:
    """NATS killed for longer than anybody's patience, then the worker stopped for as long."""
    with crowd(nats.mqtt_port, *NAMES):
        with working(settings):
            wait_for(lambda: states(database) == dict.fromkeys(NAMES, "ONLINE"))
            learn(database, *NAMES)
            nats.process.kill()
            killed_s = time.monotonic()
            wait_for(lambda: lasting(database) == {"log": ("OURSELVES", "LOG_DOWN", None)})
            away_since(killed_s)
            nats.start()
            wait_for(lambda: lasting(database) == {})
            looks.again()
        time.sleep(TOO_LONG_S)
        with working(settings):
            wait_for(lambda: ask(database, "SELECT count(*) FROM outage WHERE cause = 'WORKER_DOWN'") == [(1,)])
            looks.again()
    rows = ask(database, "SELECT kind, cause, until IS NULL FROM outage ORDER BY since")
    assert rows == [("OURSELVES", "LOG_DOWN", False), ("OURSELVES", "WORKER_DOWN", False)]
    assert states(database) == dict.fromkeys(NAMES, "ONLINE")


def test_a_worker_that_was_stopped_for_longer_than_patience_calls_nobody_offline(
    settings: Settings, nats: Nats, database: Database, looks: Looks, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At the worst moment: when it has just seen that nothing is left to read."""
    judge, due, over = Presence.now_and_then, threading.Event(), threading.Event()

    def stopped_once(self: Presence, conn: Any, reader: Any, messages: Any) -> None:
        if not messages and due.is_set() and not over.is_set():
            speakers.speaking |= set(NAMES)
            time.sleep(TOO_LONG_S)
            over.set()
        judge(self, conn, reader, messages)

    monkeypatch.setattr(Presence, "now_and_then", stopped_once)
    monkeypatch.setattr(worker, "_IDLE_S", 0.1)
    with crowd(nats.mqtt_port, *NAMES) as speakers, working(settings):
        wait_for(lambda: states(database) == dict.fromkeys(NAMES, "ONLINE"))
        learn(database, *NAMES)
        speakers.speaking.clear()
        due.set()
        wait_for(over.is_set)
        looks.again()
    assert ask(database, "SELECT kind FROM outage WHERE kind <> 'OURSELVES'") == []


def fill(url: str) -> None:
    """Until the log takes nothing more."""
    with closing(Wire(url)) as wire, suppress(LogError):
        while True:
            wire.publish("fm.demo.stranger.up.telemetry", b"x" * 60_000, {})


def test_a_full_log_is_our_own_outage_and_nobody_is_offline_for_it(
    database: Database, settings: Settings, engines_folder: Path, looks: Looks, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(forget, "LOOK_S", 60.0)  # who makes room for a full log is somebody else's matter
    small = Nats(engines_folder / "presence-full", port=free_port(), mqtt_port=free_port(), max_file_bytes=3_000_000)
    small.start()
    try:
        with (
            working(settings.model_copy(update={"nats_url": SecretStr(small.url)})),
            crowd(small.mqtt_port, "c1", "lone"),
        ):
            wait_for(lambda: len(states(database)) == 2)
            learn(database, "c1", "lone")
            fill(small.url)
            full_s = time.monotonic()
            wait_for(lambda: lasting(database) == {"log": ("OURSELVES", "LOG_FULL", None)})
            away_since(full_s)
            request(small.url, f"$JS.API.STREAM.PURGE.{STREAM}", {"keep": 5})
            wait_for(lambda: lasting(database) == {})
            looks.again()
    finally:
        small.stop()
    assert ask(database, "SELECT kind, cause FROM outage") == [("OURSELVES", "LOG_FULL")]
    assert states(database) == {"c1": "ONLINE", "lone": "ONLINE"}

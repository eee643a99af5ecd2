"""Whoever takes a bridge's session is not thrown out at once, so that two with one name do not hurry each other."""

import socket
import time
from pathlib import Path
from typing import Any

import pytest
import structlog
from paho.mqtt.packettypes import PacketTypes

from api.bench.mosquitto import Mosquitto
from api.bridge import run
from ingest.errors import SessionTakenError
from tests.conftest import NatsServer
from tests.ingest.bridging import StandIn, a_client, a_mosquitto, an_order, say, thrown_out_at_most
from tests.ingest.mqtt_speech import of_packet, packet
from tests.ingest.test_bridge_versions import GRANTED_5, WELCOME_5, a_subscription
from tests.processes import bridging, wait_for

pytestmark = pytest.mark.engines


def test_whoever_takes_our_session_is_named_and_not_thrown_out_at_once(nats_server: NatsServer) -> None:

    def serve(connection: socket.socket) -> None:
        connection.recv(4096)
        connection.sendall(WELCOME_5 + GRANTED_5)
        connection.sendall(packet(0xE0, b"\x8e" + of_packet(PacketTypes.DISCONNECT).pack()))

    with StandIn(serve) as crowded:
        with (
            a_subscription(crowded.port) as subscription,
            pytest.raises(SessionTakenError, match="another client with our client id"),
        ):
            wait_for(lambda: subscription.receive() and subscription.take(10))
        order = an_order(f"mqtt://127.0.0.1:{crowded.port}")
        with structlog.testing.capture_logs() as said, bridging(nats_server.url, order):
            wait_for(lambda: waits_s(said))
    assert waits_s(said)[0] >= run.wait_s(run._TAKEN, 0.0) > 6


def waits_s(said: list[Any]) -> list[float]:
    return [entry["seconds"] for entry in said if entry.get("kind") == SessionTakenError.__name__]


def test_two_bridges_with_one_client_id_do_not_hurry_though_the_broker_says_nothing_of_it(
    tmp_path: Path, nats_server: NatsServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Mosquitto 2.0 closes the connection without a word. What came through between does not count as a mend: only that
    a connection has lasted, which here none does however late this machine is."""
    monkeypatch.setattr(run, "_SETTLED_S", 3600.0)
    nats_server.clear()
    begun = time.monotonic()
    with a_mosquitto(tmp_path) as broker, a_client(broker.port, "plant") as plant:
        twin = an_order(broker.url, client_id="twin")
        with bridging(nats_server.url, twin), bridging(nats_server.url, twin):
            wait_for(lambda: told(broker))
            for _ in range(30):
                say(plant, b"1")
                time.sleep(0.05)
        assert told(broker) <= thrown_out_at_most(time.monotonic() - begun)


def told(broker: Mosquitto) -> int:
    return broker.log().count("Client twin already connected")

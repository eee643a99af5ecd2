"""`foremend bridge ... --check`: what is wrong between a bridge and a broker, without being in anybody's way."""

import socket
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from paho.mqtt.packettypes import PacketTypes

from api.bench.mosquitto import ANYBODY, Mosquitto
from api.doctor import broker as doctor
from api.watch.checks import Check, State
from ingest.bridge.adapter_mqtt import Account, Broker, Subscription
from ingest.bridge.versions import Protocol
from tests.conftest import NatsServer
from tests.ingest.bridging import StandIn, a_client, a_mosquitto, have_session, say
from tests.ingest.mqtt_speech import of_packet, packet
from tests.processes import wait_for

pytestmark = pytest.mark.engines
NOTHING = "nats://127.0.0.1:1"
# Of one that drops beyond a queue of ten, and says so every second.
LINES = (*ANYBODY, "sys_interval 1", "max_queued_messages 10", "max_inflight_messages 500")


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mosquitto]:
    with a_mosquitto(tmp_path_factory.mktemp("mosquitto"), listener=LINES) as running:
        yield running


@pytest.fixture(autouse=True)
def unhurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """The broker speaks of itself every second, and this machine may be busy."""
    monkeypatch.setattr(doctor, "_LISTEN_S", 30.0)


def at(port: int, *filters: str, host: str = "127.0.0.1") -> Broker:
    who = Account(client_id="looked-at")
    return Broker(host=host, port=port, filters=filters or ("plant/#",), account=who)


def looked(broker: Broker, nats_url: str = NOTHING) -> dict[str, Check]:
    return {check.name: check for check in doctor.examine(broker, nats_url)}


def test_a_good_setup_is_all_well_and_nothing_is_left_behind(broker: Mosquitto, nats_server: NatsServer) -> None:
    found = looked(at(broker.port), nats_server.url)
    names = ["log", "tls", "broker", "session", "window", "topics", "queue"]
    assert {name: check.state for name, check in found.items()} == {f"bridge_{name}": State.OK for name in names}
    assert "speaks MQTT 5" in found["bridge_broker"].sentence
    assert "mosquitto version" in found["bridge_queue"].sentence
    again = replace(at(broker.port), account=Account(client_id="looked-at-check"))
    with closing(Subscription(again, clean=False)) as subscription:
        assert not subscription.welcome.resumed


def test_what_only_5_can_promise_is_a_warning_with_3_1_1(broker: Mosquitto) -> None:
    found = looked(replace(at(broker.port), protocol=Protocol.V3))
    assert found["bridge_log"].state is State.FAILED
    assert found["bridge_window"].state is State.WARNING
    assert "max_inflight_messages" in found["bridge_window"].remedy


@pytest.fixture
def overflowing(tmp_path: Path) -> Iterator[Mosquitto]:
    """One of its own: that it dropped something, it says for ever."""
    with a_mosquitto(tmp_path, listener=LINES) as running:
        yield running


def test_a_queue_that_has_overflowed_is_a_warning_and_the_bridges_messages_stay_where_they_are(
    overflowing: Mosquitto,
) -> None:
    shared = "$share/g/plant/#"
    have_session(overflowing, "looked-at", shared)
    with a_client(overflowing.port, "plant") as plant:
        say(plant, *[b"%d" % i for i in range(600)])
    wait_for(lambda: looked(at(overflowing.port, shared))["bridge_queue"].state is State.WARNING)
    ours = at(overflowing.port, shared)
    came: list[bytes] = []

    def listen() -> bool:
        subscription.wait(0.1)
        came.extend(message.payload for message in subscription.take(100))
        return len(came) >= 10

    with closing(Subscription(replace(ours, account=Account(client_id="looked-at")))) as subscription:
        assert subscription.welcome.resumed
        wait_for(listen)
    assert came == [b"%d" % i for i in range(10)]


@pytest.mark.parametrize(("kept_s", "window", "state"), [(3600, 32, State.WARNING), (86_400, 500, State.OK)])
def test_a_broker_that_keeps_sessions_for_an_hour_or_gives_few_messages_ahead_is_a_warning(
    kept_s: int, window: int, state: State
) -> None:
    def serve(connection: socket.socket) -> None:
        connection.recv(4096)
        granted = of_packet(PacketTypes.CONNACK, SessionExpiryInterval=kept_s, ReceiveMaximum=window).pack()
        connection.sendall(packet(0x20, b"\x00\x00" + granted))
        connection.sendall(b"\x90\x04\x00\x01\x00\x01")
        connection.recv(4096)

    with StandIn(serve) as short:
        found = looked(at(short.port))
    assert (found["bridge_session"].state, found["bridge_window"].state) == (state, state)


def test_a_broker_that_does_not_let_us_in_is_quoted_and_a_way_in_the_clear_is_a_warning(tmp_path: Path) -> None:
    with a_mosquitto(tmp_path, listener=("allow_anonymous false",)) as closed:
        assert "this user may not do this" in looked(at(closed.port))["bridge_broker"].sentence
    assert doctor._privacy(at(1883, host="broker.plant")).state is State.WARNING
    assert doctor._privacy(at(1883, host="localhost")).state is State.OK
    check = doctor._granted(at(1883, "plant/#", "mill/#"), granted=False)
    assert (check.name, check.state, "plant/#, mill/#" in check.sentence) == ("bridge_topics", State.FAILED, True)

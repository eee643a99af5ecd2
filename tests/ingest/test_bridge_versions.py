"""MQTT 5 where the broker speaks it, 3.1.1 where it does not; what 5 buys a bridge, against real brokers."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import closing

import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.packettypes import PacketTypes

from api.bench.mosquitto import ANYBODY, Mosquitto
from api.bridge.meters import BridgeMeters
from ingest.bridge import adapter_bridge, foreign
from ingest.bridge.adapter_bridge import Counts
from ingest.bridge.adapter_mqtt import Account, Broker, Subscription
from ingest.bridge.foreign import Mapping
from ingest.bridge.versions import Protocol
from ingest.errors import BrokerError, OtherLevelError, SessionTakenError
from tests.conftest import NatsServer
from tests.ingest.bridging import (
    PLANT,
    StandIn,
    WithholdingLog,
    a_bridge,
    a_client,
    a_mosquitto,
    an_order,
    have_session,
    say,
    the_log,
)
from tests.ingest.mqtt_speech import of_message, of_packet, packet
from tests.processes import bridging, wait_for

pytestmark = pytest.mark.engines

BOTH = pytest.mark.parametrize("protocol", [Protocol.V3, Protocol.V5])
WELCOME_3, GRANTED_3 = b"\x20\x02\x00\x00", b"\x90\x03\x00\x01\x01"
WELCOME_5, GRANTED_5 = b"\x20\x03\x00\x00\x00", b"\x90\x04\x00\x01\x00\x01"


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mosquitto]:
    """With the window that Mosquitto has unless somebody sets it."""
    listener = (*ANYBODY, "max_inflight_messages 20")
    with a_mosquitto(tmp_path_factory.mktemp("mosquitto"), listener=listener) as running:
        yield running


def a_subscription(
    port: int, protocol: Protocol = Protocol.AUTO, *, filters: tuple[str, ...] = ("plant/#",), client_id: str = "v"
) -> "closing[Subscription]":
    broker = Broker(
        host="127.0.0.1", port=port, filters=filters, account=Account(client_id=client_id), protocol=protocol
    )
    return closing(Subscription(broker))


def heard(subscription: Subscription, done: Callable[[list[bytes]], bool]) -> list[bytes]:
    """Payloads until `done`; acknowledged."""
    found: list[bytes] = []

    def listen() -> bool:
        subscription.receive()
        messages = subscription.take(1000)
        subscription.acknowledge([message.packet_id for message in messages if message.packet_id])
        found.extend(message.payload for message in messages)
        return done(found)

    wait_for(listen)
    return found


def test_a_broker_that_speaks_5_is_spoken_to_in_5_and_one_that_does_not_in_3_1_1(
    broker: Mosquitto, nats_server: NatsServer
) -> None:
    """Our own broker is one that does not."""
    down = ("fm/demo/d1/down/#",)
    for port, protocol, filters, spoken in (
        (broker.port, Protocol.AUTO, ("plant/#",), Protocol.V5),
        (broker.port, Protocol.V3, ("plant/#",), Protocol.V3),
        (nats_server.mqtt_port, Protocol.AUTO, down, Protocol.V3),
    ):
        with a_subscription(port, protocol, filters=filters) as subscription:
            heard(subscription, lambda _, to=subscription: to.granted)
            assert subscription.protocol is spoken
            subscription.leave()
    with pytest.raises(OtherLevelError, match=r"does not speak"):
        a_subscription(nats_server.mqtt_port, Protocol.V5, filters=down)


@BOTH
def test_the_version_that_is_spoken_is_a_metric_while_it_is_spoken(broker: Mosquitto, protocol: Protocol) -> None:
    meters = BridgeMeters()
    said = {"version": protocol.value}
    with WithholdingLog() as log:
        mapping = Mapping([foreign.parse(PLANT)], "demo")
        bridge = a_bridge(log.url, broker.port, meters.counts, mapping, protocol)
        with closing(bridge), meters.connected(bridge):
            assert meters.registry.get_sample_value("foremend_bridge_protocol", said) == 1
    assert meters.registry.get_sample_value("foremend_bridge_protocol", said) is None


@pytest.mark.parametrize("answer", [b"\x20\x03\x00\x84\x00", b"\x20\x02\x00\x01", b""])
def test_whoever_refuses_5_or_hangs_up_on_it_is_asked_in_3_1_1_and_not_in_5_again(
    answer: bytes, nats_server: NatsServer
) -> None:
    levels: list[int] = []

    def serve(connection: socket.socket) -> None:
        levels.append(connection.recv(4096)[8])
        if levels[-1] == 5:
            connection.sendall(answer)
        else:
            connection.sendall(WELCOME_3 + GRANTED_3)
            connection.recv(4096)  # SUBSCRIBE

    with StandIn(serve) as old, bridging(nats_server.url, an_order(f"mqtt://127.0.0.1:{old.port}")):
        wait_for(lambda: len(levels) >= 4)
    assert levels[:4] == [5, 4, 4, 4]


def test_a_broker_that_does_not_answer_is_not_taken_for_an_old_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Subscription._wait, "__defaults__", (0.1,))
    came: list[bytes] = []
    silent = StandIn(lambda connection: came.append(connection.recv(4096)) or (connection.recv(1) and None))
    with silent as broker:
        with pytest.raises(BrokerError, match="has not answered"):
            a_subscription(broker.port)
        wait_for(lambda: came)
    assert len(came) == 1


def test_messages_with_properties_of_every_kind_come_whole(broker: Mosquitto, nats_server: NatsServer) -> None:
    start = nats_server.clear()
    have_session(broker)
    talkative = of_message(
        MessageExpiryInterval=100,
        ContentType="application/json",
        ResponseTopic="answers",
        CorrelationData=b"\x00",
        UserProperty=[("line", "3"), ("x" * 300, "y" * 300)],
    )
    with a_client(broker.port, "plant-5", version=mqtt.MQTTProtocolVersion.MQTTv5) as plant:
        for payload in (b"1", b"", b"z" * 70_000, b"2"):
            plant.publish("plant/d1/state", payload, 1, properties=talkative).wait_for_publish(60)
        with bridging(nats_server.url, an_order(broker.url, protocol=Protocol.V5)):
            found = the_log(nats_server, start, 4)
    assert [message.payload[:10] for message in found] == [b"1", b"", b"z" * 10, b"2"]


@BOTH
def test_a_session_is_kept_by_either_version_for_the_other(
    broker: Mosquitto, nats_server: NatsServer, protocol: Protocol
) -> None:
    other = Protocol.V5 if protocol is Protocol.V3 else Protocol.V3
    name = f"either-{protocol}"
    with a_subscription(broker.port, protocol, client_id=name) as first:
        heard(first, lambda _: first.granted)
        first.leave()
    with a_client(broker.port, "plant") as plant:
        say(plant, b"while away")
    with a_subscription(broker.port, other, client_id=name) as second:
        assert (first.welcome.resumed, second.welcome.resumed) == (False, True)
        assert heard(second, bool) == [b"while away"]


@BOTH
def test_with_5_the_broker_sends_as_much_as_we_can_hold_without_being_told_so_by_its_operator(
    broker: Mosquitto, protocol: Protocol, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(adapter_bridge, "MOST_MESSAGES", 70)
    have_session(broker)
    counts, mapping = Counts(), Mapping([foreign.parse(PLANT)], "demo")
    with a_client(broker.port, "plant") as plant, WithholdingLog() as log:
        say(plant, *[b"x"] * 100)
        with closing(a_bridge(log.url, broker.port, counts, mapping, protocol)) as bridge:
            expected = 70 if protocol is Protocol.V5 else 20
            wait_for(lambda: bridge.turn(0.01) or counts.received >= expected)
            say(plant, b"of which there may be any number", qos=0)
            if protocol is Protocol.V3:
                wait_for(lambda: bridge.turn(0.01) or counts.unsure == 1)
            assert counts.received - counts.unsure == expected


@BOTH
def test_with_5_a_retained_message_comes_once_and_not_with_every_reconnect(
    broker: Mosquitto, protocol: Protocol
) -> None:
    name, kept = f"retained-{protocol}", f"kept/{protocol}"
    with a_client(broker.port, "plant") as plant:
        plant.publish(kept, b"kept", 1, retain=True).wait_for_publish(60)
        came = []
        for live in (b"1", b"2"):
            with a_subscription(broker.port, protocol, filters=(kept,), client_id=name) as subscription:
                before = heard(subscription, lambda _, to=subscription: to.granted)
                say(plant, live, topic=kept)
                came.append(before + heard(subscription, lambda found, to=live: to in found))
                subscription.leave()
    assert came == [[b"kept", b"1"], [b"2"] if protocol is Protocol.V5 else [b"kept", b"2"]]


def test_last_words_are_heard_though_the_connection_is_gone_before_they_are_read() -> None:
    spoken = threading.Event()

    def serve(connection: socket.socket) -> None:
        connection.recv(4096)
        connection.sendall(WELCOME_5 + GRANTED_5)
        connection.recv(4096)
        connection.sendall(b"\xe0\x01\x8e")
        connection.close()
        spoken.set()

    with StandIn(serve) as broker, a_subscription(broker.port) as subscription:
        assert spoken.wait(60)
        with pytest.raises(SessionTakenError):
            wait_for(lambda: subscription.acknowledge([1]))  # the second one at the latest meets a closed door


def test_what_is_no_mqtt_5_is_answered_with_a_reason() -> None:
    heard_last: list[bytes] = []

    def serve(connection: socket.socket) -> None:
        connection.recv(4096)
        connection.sendall(WELCOME_5 + GRANTED_5)
        connection.recv(4096)
        connection.sendall(b"\x32\x08\x00\x01a\x00\x01\x02\x21\x00")
        heard_last.append(connection.recv(4096))

    with StandIn(serve) as broker, a_subscription(broker.port) as subscription:
        with pytest.raises(BrokerError, match="property 33"):
            wait_for(lambda: subscription.receive() and subscription.take(10))
        wait_for(lambda: heard_last)
    assert heard_last == [b"\xe0\x01\x81"]


def test_the_brokers_keep_alive_is_kept() -> None:
    pinged = threading.Event()

    def serve(connection: socket.socket) -> None:
        connection.recv(4096)
        welcome = of_packet(PacketTypes.CONNACK, ServerKeepAlive=1).pack()
        connection.sendall(packet(0x20, b"\x00\x00" + welcome) + GRANTED_5)
        while data := connection.recv(4096):
            if b"\xc0\x00" in data:
                pinged.set()
                return

    with StandIn(serve) as broker, a_subscription(broker.port) as subscription:
        subscription.take(10)
        wait_for(lambda: subscription.look_alive(listening=False) or pinged.is_set())


def test_what_the_broker_does_not_have_is_said_before_it_is_asked_for() -> None:
    def serve(connection: socket.socket) -> None:
        connection.recv(4096)
        welcome = of_packet(PacketTypes.CONNACK, SharedSubscriptionAvailable=0).pack()
        connection.sendall(packet(0x20, b"\x00\x00" + welcome))
        connection.recv(4096)

    with StandIn(serve) as broker, pytest.raises(BrokerError, match="has no shared subscriptions"):
        a_subscription(broker.port, filters=("$share/g/plant/#",))

"""An edge node at a real Mosquitto, our bridge, worker and relay: what is lost on the way is asked for and comes."""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

import paho.mqtt.client as mqtt
import pytest
from pydantic import SecretStr

from api.bench.mosquitto import Mosquitto
from api.bridge import run as bridge
from api.bridge import setup as bridge_setup
from api.bridge.setup import Address, Files
from api.relay.rebirths import ask
from api.settings import Settings
from ingest.adapter_wire import Wire
from ingest.bridge import foreign
from ingest.bridge.versions import Protocol
from ingest.edge import rebirth
from ingest.edge.model import NodeKey
from ingest.edge.store import wishes
from ingest.errors import MapError
from tests import appliance
from tests.conftest import NatsServer
from tests.ingest import tahu
from tests.ingest.bridging import a_client, a_mosquitto
from tests.ingest.edges import bd_seq, named
from tests.ingest.house import House, now_ms
from tests.processes import bridging, relaying, wait_for, working

pytestmark = pytest.mark.engines
KEY = NodeKey("demo", "plant", "edge1")


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mosquitto]:
    with a_mosquitto(tmp_path_factory.mktemp("mosquitto")) as running:
        yield running


class EdgeNode:
    """A small gateway with one device, as the specification has it: QoS 0, a will, births when it is told to."""

    def __init__(self, broker: Mosquitto) -> None:
        self.seq, self.births, self.told = 0, 0, threading.Event()
        self._client = appliance.a_client("edge1")
        self._client.will_set("spBv1.0/plant/NDEATH/edge1", tahu.a_payload(bd_seq(5)), qos=1)
        subscribed = threading.Event()
        self._client.on_connect = lambda *_: self._client.subscribe("spBv1.0/plant/NCMD/edge1", 1)
        self._client.on_subscribe = lambda *_: subscribed.set()
        self._client.on_message = self._on_message
        self._client.connect("127.0.0.1", broker.port)
        self._client.loop_start()
        assert subscribed.wait(60)

    def _on_message(self, _client: Any, _data: Any, message: mqtt.MQTTMessage) -> None:
        (metric,) = tahu.read(message.payload).metrics
        assert (metric.name, metric.datatype, metric.boolean_value) == ("Node Control/Rebirth", 11, True)
        self.told.set()

    def _say(self, kind: str, *metrics: dict[str, Any], device: str = "") -> None:
        payload = tahu.a_payload(*metrics, timestamp=now_ms(), seq=self.seq % 256)
        self.seq += 1
        appliance.publish(self._client, [(f"spBv1.0/plant/{kind}/edge1{device}", payload)], qos=0)
        appliance.publish(self._client, [("edge1/spoke", b"")])  # so the broker has dealt with it: it takes one by one

    def born(self) -> None:
        self.seq = 0
        self.births += 1
        self._say("NBIRTH", bd_seq(5), {"name": "Node Control/Rebirth", "datatype": 11, "boolean_value": False})
        self._say("DBIRTH", named(3, "power_w", None), device="/d1")

    def measures(self, power_w: float) -> None:
        self._say("DDATA", {"alias": 3, "float_value": power_w}, device="/d1")

    def loses(self) -> None:
        """A message that reaches nobody."""
        self.seq += 1

    def dies(self) -> None:
        """Without a word: the broker speaks for it."""
        self._client.loop_stop()
        self._client.socket().close()

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()


def an_order(broker: Mosquitto, protocol: Protocol = Protocol.AUTO) -> bridge.Order:
    edges = bridge_setup.edges("demo")
    address, settings = Address.read(broker.url), Settings(dsn="")
    return bridge.Order(
        broker=lambda: bridge_setup.broker(settings, address, edges.filters, "edges-test", Files(), protocol),
        mapping=bridge_setup.mapping(edges.filters, edges.maps, "demo"),
        way_down=bridge_setup.way_down((), "demo"),
    )


def powers(house: House) -> list[float]:
    return house.one("SELECT array_agg(power_w ORDER BY ts) FROM reading_refrigerator") or []


@pytest.mark.parametrize("protocol", [Protocol.V3, Protocol.V5])
def test_what_is_missing_is_asked_for_and_data_go_on(
    broker: Mosquitto, nats_server: NatsServer, house: House, protocol: Protocol
) -> None:
    with working(house.settings), relaying(house.settings), bridging(nats_server.url, an_order(broker, protocol)):
        _listens(broker, house)
        node = EdgeNode(broker)
        node.born()
        node.measures(1.0)
        wait_for(lambda: powers(house) == [1.0])
        assert not node.told.is_set()
        node.loses()
        node.measures(2.0)
        assert node.told.wait(60)
        node.born()
        node.measures(3.0)
        wait_for(lambda: powers(house) == [1.0, 2.0, 3.0])
        wait_for(lambda: not house.one("SELECT lacking FROM sparkplug_node WHERE node_id = 'edge1'"))
        node.dies()
        wait_for(lambda: not house.one("SELECT online FROM sparkplug_node WHERE node_id = 'edge1'"))
    assert house.refusals() == []


def test_a_bridge_that_is_killed_and_comes_back_understands_the_node_after_its_rebirth(
    broker: Mosquitto, nats_server: NatsServer, house: House
) -> None:
    """It never heard the first birth; then it is away while the node speaks, and nobody keeps what has QoS 0."""
    with working(house.settings), relaying(house.settings):
        node = EdgeNode(broker)
        node.born()
        with _a_process(broker, nats_server):
            _listens(broker, house)
            node.measures(1.0)
            wait_for(lambda: house.refusals() == ["NO_BIRTH"])
            assert node.told.wait(60)
            node.born()
            node.measures(2.0)
            wait_for(lambda: powers(house) == [2.0])
        for _ in range(3):
            node.measures(9.0)
        node.told.clear()
        with house.database.connect() as conn:
            conn.execute("UPDATE sparkplug_node SET rebirth_wanted_at = NULL")  # a minute is over
        with bridging(nats_server.url, an_order(broker)):
            _listens(broker, house)
            node.measures(4.0)
            assert node.told.wait(60)
            node.born()
            node.measures(5.0)
            wait_for(lambda: powers(house) == [2.0, 4.0, 5.0])
        node.close()
    assert house.refusals() == ["NO_BIRTH"]


@contextmanager
def _a_process(broker: Mosquitto, nats: NatsServer) -> Iterator[None]:
    """The bridge as an operator runs it, killed at the end."""
    command = [sys.executable, "-m", "api.cli", "bridge", "--broker", broker.url, "--sparkplug", "demo"]
    running = subprocess.Popen(
        [*command, "--client-id", "edges-test"],
        env={**os.environ, "FOREMEND_NATS_URL": nats.url},
        stderr=subprocess.DEVNULL,
    )
    try:
        yield
    finally:
        running.kill()
        running.wait(10)


def _listens(broker: Mosquitto, house: House) -> None:
    """The bridge is there when something comes through: the death of a node that never lived, which changes nothing."""
    name = f"probe{time.time_ns()}"
    with a_client(broker.port, "probe") as probe:
        while not house.one(f"SELECT count(*) FROM sparkplug_node WHERE node_id = '{name}'"):
            appliance.publish(probe, [(f"spBv1.0/plant/NDEATH/{name}", tahu.a_payload(bd_seq(0)))], qos=0)
            time.sleep(0.1)


def test_who_cannot_reach_nats_asks_again_later(house: House) -> None:
    _lacks(house)
    with house.database.connect("foremend_relay") as conn:
        away = house.settings.model_copy(update={"nats_url": SecretStr("nats://127.0.0.1:1")})
        assert ask(conn, away) == []
        assert [wish.node for wish in wishes(conn, 9)] == [KEY]
        with closing(Wire(house.nats.url, 60)) as wire:
            wire.send(b"SUB fm.demo.*.down.rebirth 7\r\n")
            wire.settle()
            assert [wish.node for wish in ask(conn, house.settings)] == [KEY]
            assert ask(conn, house.settings) == []
            wait_for(lambda: b"edge1" in wire.receive())


def _lacks(house: House) -> None:
    with house.database.connect() as conn:
        conn.execute(
            "INSERT INTO sparkplug_node (tenant_id, group_id, node_id, online, lacking, rebirth_wanted_at)"
            " VALUES ('demo', 'plant', 'edge1', true, true, now())"
        )


def test_what_the_relay_says_is_sparkplugs_command_and_nothing_else_is() -> None:
    command = rebirth.command(rebirth.say(KEY, 1_764_000_000_000))
    assert command is not None
    assert (command.topic, rebirth.subject(KEY)) == ("spBv1.0/plant/NCMD/edge1", "fm.demo.edge1.down.rebirth")
    said = tahu.read(command.payload)
    assert (said.timestamp, said.metrics[0].timestamp, said.metrics[0].boolean_value) == (1_764_000_000_000,) * 2 + (
        True,
    )
    for bad in (
        b"",
        b"{}",
        b"[]",
        b"x" * 2000,
        b'{"group":1,"node":"a","at_ms":1}',
        b'{"group":"#","node":"a","at_ms":1}',
    ):
        assert rebirth.command(bad) is None
    assert rebirth.command(b'{"group":"g","node":"n","at_ms":-1}') is None


@pytest.mark.parametrize(
    ("topic", "subject"),
    [
        ("spBv1.0/plant/NBIRTH/edge1", "fm.demo.edge1.up.sparkplug.plant.NBIRTH"),
        ("spBv1.0/plant/DDATA/edge1/d1", "fm.demo.edge1.up.sparkplug.plant.DDATA.d1"),
        ("spBv1.0/plant/DDATA/edge1", "fm.demo.bridge:spBv1%2E0/plant/DDATA/edge1.up.unmapped"),
        ("spBv1.0/My Group/NDATA/edge1", "fm.demo.bridge:spBv1%2E0/My%20Group/NDATA/edge1.up.invalid"),
        ("spBv1.0/plant/NCMD/edge1", "fm.demo.bridge:spBv1%2E0/plant/NCMD/edge1.up.unmapped"),
    ],
)
def test_sparkplugs_topics_become_those_of_the_edge_node(topic: str, subject: str) -> None:
    mapping = foreign.Mapping([foreign.parse(each) for each in foreign.edges("demo").maps], "demo")
    assert mapping.place(topic.encode()).subject.decode() == subject


def test_a_bridge_must_be_told_what_to_bring() -> None:
    with pytest.raises(MapError, match="--sparkplug TENANT"):
        bridge_setup.mapping([], [], "demo")
    with pytest.raises(MapError, match="a tenant is"):
        bridge_setup.edges("a b")
    assert bridge_setup.edges(None) == ((), ())

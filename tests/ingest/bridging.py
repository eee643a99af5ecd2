"""A bridge in a thread of its own, and the servers on both sides that a test can make misbehave."""

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from itertools import accumulate, count, takewhile
from pathlib import Path
from typing import Self

import paho.mqtt.client as mqtt

from api.bench.mosquitto import ANYBODY, Mosquitto, binary
from api.bench.mosquitto import mosquitto as started
from api.bridge import run as bridge
from api.bridge import setup as bridge_setup
from api.bridge.setup import Address, Files
from api.engines.nats_request import request
from api.engines.nats_streams import STREAM
from api.settings import Settings
from ingest.adapter_log import LogReader
from ingest.bridge.adapter_bridge import Bridge, Counts
from ingest.bridge.adapter_mqtt import Account, Broker
from ingest.bridge.foreign import Mapping
from ingest.bridge.versions import Protocol
from ingest.model import Message
from tests import appliance
from tests.conftest import NatsServer, need
from tests.processes import wait_for

PLANT = "plant/+/state=fm/demo/{1}/up/telemetry"


@contextmanager
def a_mosquitto(folder: Path, *, listener: tuple[str, ...] = ANYBODY) -> Iterator[Mosquitto]:
    need(binary(), "Mosquitto is not there (Debian: apt-get install mosquitto)")
    with started(folder, listener=listener) as broker:
        yield broker


def an_order(
    url: str,
    *filters: str,
    maps: tuple[str, ...] = (PLANT,),
    client_id: str = "bridge-test",
    files: Files | None = None,
    settings: Settings | None = None,
    protocol: Protocol = Protocol.AUTO,
) -> bridge.Order:
    address, asked, who = Address.read(url), filters or ("plant/#",), settings or Settings(dsn="")
    return bridge.Order(
        broker=lambda: bridge_setup.broker(who, address, asked, client_id, files or Files(), protocol),
        mapping=bridge_setup.mapping(asked, maps, "demo"),
    )


@contextmanager
def a_client(
    port: int, client_id: str, tls: ssl.SSLContext | None = None, *, version: mqtt.MQTTProtocolVersion = mqtt.MQTTv311
) -> Iterator[mqtt.Client]:
    client = appliance.a_client(client_id, protocol=version)
    if tls:
        client.tls_set_context(tls)
    with appliance.let_in(client, port):
        yield client


def say(client: mqtt.Client, *payloads: bytes, topic: str = "plant/d1/state", qos: int = 1) -> None:
    appliance.publish(client, [(topic, payload) for payload in payloads], qos=qos)


def have_session(
    broker: Mosquitto, client_id: str = "bridge-test", *topics: str, tls: ssl.SSLContext | None = None
) -> None:
    """As a bridge leaves it, so that a test needs not wait for one; with nothing in it of whoever had it before."""
    subscribed = threading.Event()
    for clean in (True, False):
        client = appliance.a_client(client_id, clean_session=clean)
        if tls:
            client.tls_set_context(tls)
        client.on_subscribe = lambda *_: subscribed.set()
        with appliance.let_in(client, broker.port):
            if not clean:
                client.subscribe([(topic, 1) for topic in topics or ("plant/#",)])
                assert subscribed.wait(60)


def the_log(nats: NatsServer, start: int, n: int) -> list[Message]:
    """The first `n` messages after `start`, and what may have come too many."""
    return log_until(nats, start, lambda found: len(found) >= n)


def log_until(nats: NatsServer, start: int, enough: Callable[[list[Message]], bool]) -> list[Message]:
    """Without what bridges say of themselves."""
    found: list[Message] = []

    def more() -> bool:
        found.extend(each for each in reader.fetch(0.2) if not each.subject.endswith(".ctl.bridge"))
        return enough(found)

    with closing(LogReader(nats.url, start)) as reader:
        wait_for(more, pause_s=0)
    return found


def came(nats: NatsServer, start: int) -> int:
    """How many messages the log took in since it was cleared, without what bridges say of themselves."""
    asked = {"subjects_filter": "log.*.*.*.ctl.bridge"}
    said = request(nats.url, f"$JS.API.STREAM.INFO.{STREAM}", asked)["state"].get("subjects", {})
    return nats.state().last_seq - start - sum(said.values())


def thrown_out_at_most(lasted_s: float) -> int:
    """How often two throw each other out, one after the other, when each waits twice as long after each time."""
    waits = accumulate(bridge.wait_s(turn // 2, 0.0) for turn in count())
    return 1 + sum(1 for _ in takewhile(lambda spent_s: spent_s <= lasted_s, waits))


def a_bridge(nats_url: str, port: int, counts: Counts, mapping: Mapping, protocol: Protocol = Protocol.AUTO) -> Bridge:
    who = Account(client_id="bridge-test")
    broker = Broker(host="127.0.0.1", port=port, filters=("plant/#",), account=who, protocol=protocol)
    return Bridge(broker, nats_url, mapping, counts)


class StandIn:
    """A server that says what a test wants: `serve` gets each connection, which is closed after it."""

    def __init__(self, serve: Callable[[socket.socket], None]) -> None:
        self._serve = serve
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._accept, daemon=True)

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                with connection, suppress(OSError):
                    connection.settimeout(60)
                    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                    self._serve(connection)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(120)
        assert not self._thread.is_alive(), "somebody is still connected"


class WithholdingLog:
    """NATS that takes messages and answers when it is told to: `taken` are reply subjects in the order of coming."""

    def __init__(self) -> None:
        self.taken: list[bytes] = []
        self._connection: socket.socket | None = None
        self._stand_in = StandIn(self._serve)

    @property
    def url(self) -> str:
        return f"nats://house:secret@127.0.0.1:{self._stand_in.port}"

    def __enter__(self) -> Self:
        self._stand_in.__enter__()
        return self

    def __exit__(self, *error: object) -> None:
        self._stand_in.__exit__(*error)

    def answer(self, reply: bytes, text: bytes = b'{"stream":"LOG","seq":1}') -> None:
        self.say(b"MSG %b 8 %d\r\n%b\r\n" % (reply, len(text), text))

    def say(self, data: bytes) -> None:
        assert self._connection is not None
        self._connection.sendall(data)

    def _serve(self, connection: socket.socket) -> None:
        self._connection = connection
        connection.sendall(b"INFO {}\r\n")
        lines = connection.makefile("rb")
        for line in lines:
            fields = line.split()
            if fields[0] == b"PING":
                connection.sendall(b"PONG\r\n")
            if fields[0] != b"PUB":
                continue
            lines.read(int(fields[-1]) + 2)
            if fields[1].startswith(b"$JS.API.STREAM.INFO"):
                state = b'{"created":"x","config":{},"state":{"first_seq":1,"last_seq":0,"messages":0,"bytes":0}}'
                connection.sendall(b"MSG %b 0 %d\r\n%b\r\n" % (fields[2], len(state), state))
            else:
                self.taken.append(fields[2])

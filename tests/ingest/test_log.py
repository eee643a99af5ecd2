"""The log's reader: complete and in order, or an error that says why; it never forgets where it was asked to begin."""

import math
import select
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import paho.mqtt.client as mqtt
import pytest

from api.engines.nats_streams import stream_state
from ingest import adapter_log
from ingest.adapter_log import LogReader
from ingest.adapter_wire import Wire
from ingest.errors import LogError, LogLostError
from ingest.model import FIRST_MS, Message
from tests import appliance
from tests.conftest import NatsServer
from tests.processes import wait_for

pytestmark = pytest.mark.engines


@pytest.fixture
def start(nats_server: NatsServer) -> int:
    return nats_server.clear()


@pytest.fixture
def device(nats_server: NatsServer) -> Iterator[mqtt.Client]:
    with appliance.let_in(appliance.a_client("log-test"), nats_server.mqtt_port) as client:
        yield client


def publish(device: mqtt.Client, *payloads: bytes, topic: str = "fm/demo/d1/up/telemetry") -> None:
    appliance.publish(device, [(topic, payload) for payload in payloads])


def fetch(reader: LogReader, n: int) -> list[Message]:
    got: list[Message] = []

    def enough() -> bool:
        got.extend(reader.fetch(0.2))
        return len(got) >= n

    wait_for(enough, pause_s=0)
    return got


def test_what_is_looked_at_before_its_turn_is_fetched_in_its_turn(
    nats_server: NatsServer, start: int, device: mqtt.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(adapter_log, "_MANY_BYTES", 1000)
    monkeypatch.setattr(adapter_log, "_LOOK_S", 60.0)  # it ends when nothing is left to come
    publish(device, *[b"%0100d" % i for i in range(40)])
    reader = LogReader(nats_server.url, start)
    assert reader.backlog() == (), "nothing was fetched, so nobody knows whether there is more"
    with monkeypatch.context() as unhurried:
        gather_for_ever(unhurried)
        got = reader.fetch(60, most=3, most_bytes=250)
    for size in ({"most_bytes": 250}, {"most_bytes": 700}, {"most_bytes": 100}, {"most_bytes": 1}):
        looked_at = list(reader.backlog())
        part = reader.fetch(60, **size)
        assert part == looked_at[: len(part)]
        assert len(looked_at) == 40 - len(got)
        got += part
    assert [int(message.payload) for message in got] == list(range(3 + 3 + 7 + 1 + 1))
    got += reader.fetch(60, most_bytes=1600)
    assert reader.backlog() == (), "9 messages of 100 bytes are no big batch"
    got += fetch(reader, 9)
    publish(device, *[b"%0100d" % i for i in range(40, 60)])
    assert reader.backlog() == ()
    got += fetch(reader, 20)
    assert [int(message.payload) for message in got] == list(range(60))
    assert [message.seq for message in got] == list(range(start + 1, start + 61))
    reader.close()


def test_messages_come_in_order_with_the_logs_own_time(
    nats_server: NatsServer, start: int, device: mqtt.Client
) -> None:
    before_ms = datetime.now(UTC).timestamp() * 1000 - 1
    publish(device, *[b"%d" % i for i in range(300)], b"MSG a b 1\r\nx", b"")
    reader = LogReader(nats_server.url, start)
    got = fetch(reader, 302)
    reader.close()
    assert [message.payload for message in got] == [b"%d" % i for i in range(300)] + [b"MSG a b 1\r\nx", b""]
    assert [message.seq for message in got] == list(range(start + 1, start + 303))
    assert all(before_ms <= message.received_ms <= datetime.now(UTC).timestamp() * 1000 for message in got)
    assert got[0].subject.split(".")[2:] == ["demo", "d1", "up", "telemetry"]


def test_reading_begins_after_the_cursor(nats_server: NatsServer, start: int, device: mqtt.Client) -> None:
    publish(device, b"1", b"2", b"3")
    reader = LogReader(nats_server.url, start + 2)
    assert [message.payload for message in fetch(reader, 1)] == [b"3"]
    publish(device, b"4")
    assert [message.payload for message in fetch(reader, 1)] == [b"4"]
    reader.close()


def test_a_fetch_stops_at_its_limits_and_the_rest_stays(
    nats_server: NatsServer, start: int, device: mqtt.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    gather_for_ever(monkeypatch)
    publish(device, *[b"x" * 1000] * 40)
    reader = LogReader(nats_server.url, start)
    assert len(reader.fetch(60, most=7)) == 7
    rest = reader.fetch(60, most=33)
    assert [message.seq for message in rest] == list(range(start + 8, start + 41))
    reader.close()


def test_whoever_was_busy_gets_what_comes_meanwhile(
    nats_server: NatsServer, start: int, device: mqtt.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Until it is much; here that is two messages, of which the second comes while it waits."""
    naps = gather_for_ever(monkeypatch, lambda: publish(device, b"3"))
    monkeypatch.setattr(adapter_log, "_MANY", 2)
    reader = LogReader(nats_server.url, start)
    publish(device, b"1", b"2")
    assert [message.payload for message in reader.fetch(60, most=1)] == [b"1"]
    assert not naps.taken
    assert [message.payload for message in reader.fetch(60)] == [b"2", b"3"]
    reader.close()


class Naps:
    """`time` to whoever gathers: what comes while he sleeps comes in his first nap, and none is long."""

    monotonic = staticmethod(time.monotonic)

    def __init__(self, meanwhile: Callable[[], None] = lambda: None) -> None:
        self._meanwhile, self.taken = meanwhile, 0

    def sleep(self, _: float) -> None:
        self.taken += 1
        if self.taken == 1:
            self._meanwhile()
        time.sleep(0.01)


def gather_for_ever(monkeypatch: pytest.MonkeyPatch, meanwhile: Callable[[], None] = lambda: None) -> Naps:
    """Whoever was busy at all, as everybody was, waits for as many as he may fetch, or for what is much."""
    naps = Naps(meanwhile)
    monkeypatch.setattr(adapter_log, "time", naps)
    monkeypatch.setattr(adapter_log, "_GATHER_S", math.inf)
    monkeypatch.setattr(adapter_log, "_GATHER_TURNS", math.inf)
    return naps


def test_whoever_is_behind_waits_for_nothing(
    nats_server: NatsServer, start: int, device: mqtt.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else this would not end."""
    gather_for_ever(monkeypatch)  # until what was published is here
    monkeypatch.setattr(adapter_log, "_MANY", 3)
    reader = LogReader(nats_server.url, start)
    publish(device, b"1", b"2", b"3")
    assert len(reader.fetch(60)) == 3
    reader.close()


def test_whoever_was_not_busy_waits_for_nothing(
    nats_server: NatsServer, start: int, device: mqtt.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(adapter_log, "_GATHER_S", 60.0)
    reader = LogReader(nats_server.url, start)
    later = threading.Timer(0.3, publish, (device, b"1"))
    later.start()
    begin_s = time.monotonic()
    assert [message.payload for message in reader.fetch(60)] == [b"1"]
    assert time.monotonic() - begin_s < 30
    later.join()  # it still waits for its acknowledgement, and `device` goes away next
    reader.close()


def test_a_quiet_log_keeps_its_reader(nats_server: NatsServer, start: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Heartbeats count as life: silence is only what is longer than several of them."""
    monkeypatch.setattr(adapter_log, "_HEARTBEAT_S", 0.25)
    monkeypatch.setattr(adapter_log, "_SILENCE_S", 0.15)
    reader = LogReader(nats_server.url, start)
    for _ in range(4):
        assert select.select([reader._wire.socket], [], [], 60)[0], "a heartbeat"
        assert reader.fetch(0.1) == []
    reader.close()


def test_a_cursor_ahead_of_the_log_is_another_log(nats_server: NatsServer, start: int) -> None:
    with pytest.raises(LogLostError, match=r"up to \d+, but its head is \d+"):
        LogReader(nats_server.url, start + 1)


def test_purged_messages_are_gone_and_the_head_says_so(
    nats_server: NatsServer, start: int, device: mqtt.Client
) -> None:
    publish(device, b"1", b"2", b"3")
    wire = Wire(nats_server.url)
    assert adapter_log.purge(wire, start + 3) == 2
    assert adapter_log.head(wire).first_seq == start + 3
    wire.close()
    reader = LogReader(nats_server.url, start)
    assert reader.head.first_seq == start + 3
    assert [message.seq for message in fetch(reader, 1)] == [start + 3]
    reader.close()


def test_the_first_message_since_a_moment_is_found(nats_server: NatsServer, start: int, device: mqtt.Client) -> None:
    publish(device, b"1")
    reader = LogReader(nats_server.url, start)
    (first,) = fetch(reader, 1)
    reader.close()
    wait_for(lambda: time.time() * 1000 > first.received_ms + 1)
    publish(device, b"2")
    wire = Wire(nats_server.url)
    assert adapter_log.first_seq_since(wire, datetime(2020, 1, 1, tzinfo=UTC)) == start + 1
    after = datetime.fromtimestamp((first.received_ms + 1) / 1000, UTC)
    assert adapter_log.first_seq_since(wire, after) == start + 2
    assert adapter_log.first_seq_since(wire, datetime.now(UTC)) == start + 3
    wire.close()


def test_of_several_servers_one_that_is_there_is_found(nats_server: NatsServer, start: int) -> None:
    login = nats_server.url.removeprefix("nats://").partition("@")[0]
    for servers in (f"127.0.0.1:1,127.0.0.1:{nats_server.port}", f"127.0.0.1:{nats_server.port},127.0.0.1:1"):
        LogReader(f"nats://{login}@{servers}", start).close()
        assert stream_state(f"nats://{login}@{servers}").last_seq == start


def test_a_server_that_is_not_there_is_a_log_error() -> None:
    with pytest.raises(LogError, match="cannot be reached"):
        LogReader("nats://127.0.0.1:1", 0)


def test_a_wrong_password_is_a_log_error(nats_server: NatsServer) -> None:
    with pytest.raises(LogError, match="refuses us"):
        LogReader(f"nats://house:wrong@127.0.0.1:{nats_server.port}", 0)


def test_what_the_house_publishes_again_brings_when_it_first_came_and_is_stored_once(
    nats_server: NatsServer, start: int, device: mqtt.Client
) -> None:
    publish(device, b"first")
    wire = Wire(nats_server.url)
    headers = {"Nats-Msg-Id": f"test-{start}", FIRST_MS: "1764000000000"}
    seqs = [wire.publish("fm.demo.d1.up.telemetry", b"MSG \r\n\xff", headers) for _ in range(2)]
    wire.close()
    publish(device, b"last")
    reader = LogReader(nats_server.url, start)
    got = fetch(reader, 3)
    reader.close()
    assert seqs == [start + 2, start + 2]
    assert [(message.payload, message.first_ms) for message in got] == [
        (b"first", None),
        (b"MSG \r\n\xff", 1_764_000_000_000),
        (b"last", None),
    ]
    assert got[1].received_ms >= got[0].received_ms > 1_764_000_000_000

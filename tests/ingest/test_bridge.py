"""The bridge between a real Mosquitto and the real log: nothing is acknowledged before it is stored, nothing is lost in
silence, and what it leaves behind the broker keeps for it."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from api.bench.mosquitto import Mosquitto
from ingest import adapter_publish
from ingest.bridge import adapter_bridge, foreign
from ingest.bridge.adapter_bridge import Bridge, Counts
from ingest.bridge.foreign import Mapping
from ingest.bridge.packets import MOST_HELD
from ingest.bridge.versions import Protocol
from ingest.errors import LogError
from ingest.limits import PAYLOAD_BYTES
from tests.conftest import Database, NatsServer
from tests.ingest.bridging import (
    PLANT,
    WithholdingLog,
    a_bridge,
    a_client,
    a_mosquitto,
    an_order,
    came,
    have_session,
    log_until,
    say,
    the_log,
)
from tests.ingest.house import a_house, now_ms
from tests.processes import bridging, wait_for, working

pytestmark = pytest.mark.engines


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mosquitto]:
    with a_mosquitto(tmp_path_factory.mktemp("mosquitto")) as running:
        yield running


def test_messages_come_whole_and_in_order_under_the_topics_they_are_mapped_to(
    broker: Mosquitto, nats_server: NatsServer
) -> None:
    start = nats_server.clear()
    have_session(broker)
    payloads = [b"%d" % i for i in range(300)] + [b"PUB a b 1\r\nx", b"", b"\x00\xff", b"y" * PAYLOAD_BYTES]
    with a_client(broker.port, "plant") as plant, bridging(nats_server.url, an_order(broker.url)):
        say(plant, *payloads)
        say(plant, b"QoS 2", qos=2)
        found = the_log(nats_server, start, len(payloads) + 1)
    assert [message.payload for message in found] == [*payloads, b"QoS 2"]
    assert {message.subject.partition(".demo.")[2] for message in found} == {"d1.up.telemetry"}


def test_what_finds_no_place_and_what_is_too_large_is_refused_by_name_and_its_neighbours_live(
    broker: Mosquitto, nats_server: NatsServer, database: Database
) -> None:
    nats_server.clear()
    have_session(broker)
    reading = json.dumps({"ts": now_ms(), "m": {"cabinet_temp_c": 4.0}}).encode()
    with a_house(database, nats_server) as house, working(house.settings):
        with a_client(broker.port, "plant") as plant, bridging(nats_server.url, an_order(broker.url)):
            say(plant, b"from nowhere", topic="plant/hall 3/door.1")
            say(plant, b"of no device", topic="plant/d.1/state")
            say(plant, b"z" * 300_000)
            say(plant, b"a stranger", topic="plant/d9/state")
            say(plant, reading)
            wait_for(lambda: house.one("SELECT count(*) FROM refusal") == 4)
        wait_for(lambda: house.one("SELECT count(*) FROM reading_refrigerator") == 1)
    with database.connect() as conn:
        refused = conn.execute(
            "SELECT reason, topic, octet_length(payload), tenant_id FROM refusal ORDER BY seq"
        ).fetchall()
    assert refused == [
        ("BAD_TOPIC", "fm/demo/bridge:plant/hall%203/door%2E1/up/unmapped", len(b"from nowhere"), "demo"),
        ("BAD_TOPIC", "fm/demo/bridge:plant/d%2E1/state/up/invalid", len(b"of no device"), "demo"),
        ("TOO_LARGE", "fm/demo/d1/up/telemetry", PAYLOAD_BYTES, "demo"),
        ("UNKNOWN_DEVICE", "fm/demo/d9/up/telemetry", len(b"a stranger"), "demo"),
    ]


def test_nothing_is_acknowledged_before_the_log_has_answered_and_the_broker_sends_it_again(
    broker: Mosquitto, nats_server: NatsServer
) -> None:
    have_session(broker)
    counts, start = Counts(), nats_server.clear()
    payloads = [b"%d" % i for i in range(50)]
    with a_client(broker.port, "plant") as plant:
        with WithholdingLog() as log:
            say(plant, *payloads)
            with closing(a_plants(log, broker, counts)) as bridge:
                wait_for(lambda: bridge.turn(0.05) or len(log.taken) == 50)
                assert (counts.received, counts.acknowledged, bridge.under_way) == (50, 0, 50)
                for reply in reversed(log.taken[:20]):  # whatever the order of the answers
                    log.answer(reply)
                wait_for(lambda: bridge.turn(0.05) or counts.acknowledged == 20)
                assert bridge.under_way == 30
        say(plant, b"last")
        with bridging(nats_server.url, an_order(broker.url)):
            found = the_log(nats_server, start, 31)
    assert [message.payload for message in found] == [*payloads[20:], b"last"]


def a_plants(log: WithholdingLog, broker: Mosquitto, counts: Counts) -> Bridge:
    return a_bridge(log.url, broker.port, counts, Mapping([foreign.parse(PLANT)], "demo"))


def test_a_log_that_refuses_a_message_gets_it_again_and_no_acknowledgement_leaves(broker: Mosquitto) -> None:
    have_session(broker)
    counts = Counts()
    with a_client(broker.port, "plant") as plant, WithholdingLog() as log:
        say(plant, b"1")
        with closing(a_plants(log, broker, counts)) as bridge:
            wait_for(lambda: bridge.turn(0.05) or log.taken)
            log.answer(log.taken[0], b'{"error":{"code":503,"description":"insufficient storage resources available"}}')
            with pytest.raises(LogError, match="insufficient storage"):
                wait_for(lambda: bridge.turn(0.05))
    assert counts.acknowledged == 0


def test_a_log_that_lives_and_stores_nothing_is_an_error_after_a_while(
    broker: Mosquitto, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It answers pings; what is under way is what counts. By a clock that goes on when all was heard."""
    have_session(broker)
    counts, clock = Counts(), Clock()
    monkeypatch.setattr(adapter_publish, "time", clock)

    def live_on() -> None:
        clock.now_s += 6.0  # so that it asks whether the log is there
        wait_for(lambda: bridge.turn(0.05) or bridge._log._heard_s == clock.now_s)

    with (
        a_client(broker.port, "plant") as plant,
        WithholdingLog() as log,
        closing(a_plants(log, broker, counts)) as bridge,
    ):
        for _ in range(10):
            live_on()
        say(plant, b"1")
        wait_for(lambda: bridge.turn(0.05) or log.taken)
        live_on()
        with pytest.raises(LogError, match="has not answered for 12 s"):
            live_on()
    assert counts.acknowledged == 0


class Clock:
    def __init__(self) -> None:
        self.now_s = 1000.0

    def monotonic(self) -> float:
        return self.now_s


def test_what_is_held_is_bounded_while_the_log_does_not_answer(
    broker: Mosquitto, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(adapter_bridge, "MOST_MESSAGES", 100)
    have_session(broker)
    counts = Counts()
    with a_client(broker.port, "plant") as plant, WithholdingLog() as log, ExitStack() as closed:
        say(plant, *[b"x" * 2000] * 1500)
        bridge = closed.enter_context(closing(a_plants(log, broker, counts)))
        wait_for(lambda: bridge.turn(0.01) or bridge.under_way == 100)
        for _ in range(20):
            bridge.turn(0.01)
        assert bridge.under_way == counts.received == 100
        assert bridge._broker.held < MOST_HELD + (1 << 18)
        seen = 0
        while counts.acknowledged < 1500:
            for reply in log.taken[seen:]:
                log.answer(reply)
                seen += 1
            bridge.turn(0.01)
            assert bridge.under_way <= 100
        bridge.finish(60)


def test_a_group_of_bridges_shares_what_comes_and_nothing_comes_twice(
    broker: Mosquitto, nats_server: NatsServer
) -> None:
    """Mosquitto keeps its share for a member that is away. One speaks MQTT 3.1.1, one 5."""
    start, shared = nats_server.clear(), "$share/both/plant/#"
    maps = (PLANT, "left/+/state=fm/demo/{1}/up/telemetry")
    left = an_order(broker.url, shared, "left/#", maps=maps, client_id="left", protocol=Protocol.V3)
    right = an_order(broker.url, shared, client_id="right", protocol=Protocol.V5)
    have_session(broker, "left", shared, "left/#")
    have_session(broker, "right", shared)
    away, live = ([b"%d" % i for i in range(first, first + 200)] for first in (0, 200))
    with a_client(broker.port, "plant") as plant:
        say(plant, *away)
        with bridging(nats_server.url, left):
            say(plant, last := b"behind its share", topic="left/d1/state")
            share = log_until(nats_server, start, lambda found: last in [message.payload for message in found])
            assert 50 < len(share) < 150
            with bridging(nats_server.url, right):
                say(plant, *live)
                found = the_log(nats_server, start, 401)
    assert sorted(message.payload for message in found) == sorted([*away, *live, last])
    assert came(nats_server, start) == 401


def test_stopped_it_leaves_nothing_under_way_and_comes_back_to_what_was_kept_for_it(
    broker: Mosquitto, nats_server: NatsServer
) -> None:
    """The process as an operator runs it, with SIGTERM; the second one begins where the first one left."""
    start = nats_server.clear()
    have_session(broker)
    with a_client(broker.port, "plant") as plant:
        for first, last in ((0, 100), (100, 200)):
            say(plant, *[b"%d" % i for i in range(first, last)])
            running = _process(broker.url, nats_server.url)
            wait_for(lambda last=last: came(nats_server, start) >= last)
            running.send_signal(signal.SIGTERM)
            _, errors = running.communicate(timeout=120)
            assert running.returncode == 0, errors
            said = [json.loads(line) for line in errors.splitlines()]
            assert [each["event"] for each in said] == ["started", "connected", "left", "stopped"], errors
            assert said[1]["session"] == "resumed"
    assert [message.payload for message in the_log(nats_server, start, 200)] == [b"%d" % i for i in range(200)]


def _process(url: str, nats_url: str, *options: str) -> "subprocess.Popen[str]":
    command = [sys.executable, "-m", "api.cli", "bridge", "--broker", url, "--topic", "plant/#", "--map", PLANT]
    return subprocess.Popen(
        [*command, "--client-id", "bridge-test", *options],
        env={**os.environ, "FOREMEND_NATS_URL": nats_url},
        stderr=subprocess.PIPE,
        text=True,
    )


def test_a_wrong_password_ends_it_with_one_sentence(tmp_path: Path, nats_server: NatsServer) -> None:
    passwords = tmp_path / "passwords"
    passwords.write_text("")
    with a_mosquitto(tmp_path, listener=("allow_anonymous false", f"password_file {passwords}")) as broker:
        running = _process(broker.url, nats_server.url)
        _, errors = running.communicate(timeout=120)
    assert running.returncode == 1
    assert errors.splitlines()[-1] == "foremend: the broker refuses us: this user may not do this"

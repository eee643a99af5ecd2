"""The load generator tells the truth about what it published: its keys are what the log holds."""

import json
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from api.engines.nats import Nats
from api.engines.nats_streams import stream_state
from api.engines.ports import free_port
from api.engines.process import wait_until
from ingest.adapter_log import LogReader
from simulators import load
from simulators.load_messages import payloads
from simulators.packets import Templates, connect, packet_ids, pubacks
from simulators.publisher import Order
from tests.conftest import NatsServer


def publish(port: int, keys_out: Path, *more: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "simulators.load", "--port", str(port), "--tenant", "demo"]
    command += ["--keys-out", str(keys_out), *more]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


@pytest.mark.engines
def test_what_load_says_it_published_is_in_the_log(nats_server: NatsServer, tmp_path: Path) -> None:
    nats_server.clear()
    process = publish(nats_server.mqtt_port, tmp_path / "keys.json", "--devices", "70", "--seconds", "1", "--flat-out")
    out, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    said = json.loads(out)
    assert said["published"] == said["acknowledged"] == nats_server.state().messages
    keys = json.loads((tmp_path / "keys.json").read_text())
    assert all(row["acknowledged"] > 1 for row in keys)
    assert sum(row["acknowledged"] for row in keys) == said["acknowledged"]
    assert [row["device"] for row in keys] == [f"bench-{i:06d}" for i in range(1, 71)]


@pytest.mark.engines
def test_a_load_that_has_an_end_says_so_much_of_each_device_and_what_it_was_told_to_say_badly(
    nats_server: NatsServer, tmp_path: Path
) -> None:
    start = nats_server.clear()
    more = ("--devices", "4", "--first-device", "7", "--turns", "10", "--bad-every", "5", "--flat-out")
    process = publish(nats_server.mqtt_port, tmp_path / "keys.json", "--seconds", "600", *more)
    out, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    assert json.loads(out)["acknowledged"] == 40
    keys = json.loads((tmp_path / "keys.json").read_text())
    assert [(row["device"], row["acknowledged"]) for row in keys] == [(f"bench-{i:06d}", 10) for i in range(7, 11)]
    with closing(LogReader(nats_server.url, start)) as reader:
        said = reader.fetch(60, most=40)
        wait_until(lambda: said.extend(reader.fetch(0.2)) or len(said) >= 40, 60)
    bad = [message.subject.split(".")[3] for message in said if b'"m":"x' in message.payload]
    assert (len(said), sorted(bad)) == (40, sorted(2 * [row["device"] for row in keys]))


@pytest.mark.engines
def test_a_rate_is_never_exceeded(nats_server: NatsServer, tmp_path: Path) -> None:
    more = ("--devices", "9", "--turns", "100", "--seconds", "600", "--rate", "500")
    process = publish(nats_server.mqtt_port, tmp_path / "keys.json", *more)
    out, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    said = json.loads(out)
    assert said["acknowledged"] == 900
    assert said["seconds"] > 1.7


class Prompt:
    """A publisher whose broker acknowledges at once. `asked`: how many messages were wanted of it, and when."""

    def __init__(self, order: Order, first_device: int, n_devices: int) -> None:
        self.order, self.published, self.acknowledged = order, 0, 0
        self.asked: list[tuple[float, int]] = []
        self.socket = SimpleNamespace(close=lambda: None)

    def is_done(self) -> bool:
        return self.acknowledged >= 900

    def receive(self) -> None:
        self.acknowledged = self.published

    def send(self, due: int) -> None:
        self.published = max(self.published, due)
        self.asked.append((load.time.monotonic(), due))


def test_whoever_is_behind_a_rate_hurries_after_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """After one second it stands still for two."""
    now_s = 0.0

    def sleep(seconds: float) -> None:
        nonlocal now_s
        now_s = 3.0 if 1.0 < now_s < 3.0 else now_s + seconds

    order, _ = load._order(["--port", "1", "--tenant", "t", "--publishers", "1", "--rate", "300", "--seconds", "60"])
    monkeypatch.setattr(load, "Publisher", Prompt)
    monkeypatch.setattr(load, "time", SimpleNamespace(monotonic=lambda: now_s, sleep=sleep))
    (publisher,), seconds = load.run(order)
    assert [due for _, due in publisher.asked] == [int(300 * at_s) for at_s, _ in publisher.asked]
    assert (3.0, 900) in publisher.asked, "at once"
    assert seconds == pytest.approx(3.0, abs=0.01)


@pytest.mark.engines
def test_after_a_killed_broker_every_acknowledged_message_is_in_the_log(engines_folder: Path, tmp_path: Path) -> None:
    engine = Nats(engines_folder / "log-load", port=free_port(), mqtt_port=free_port())
    engine.start()
    more = ("--devices", "20", "--seconds", "5", "--rate", "3000", "--reconnect")
    process = publish(engine.mqtt_port, tmp_path / "keys.json", *more)
    assert wait_until(lambda: stream_state(engine.url).messages > 1000, 60)
    engine.process.kill()
    engine.start()
    out, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    said = json.loads(out)
    messages = stream_state(engine.url).messages
    engine.stop()
    assert said["reconnects"] >= 1
    assert said["published"] == said["acknowledged"] <= messages


def test_a_broker_that_is_not_there_is_one_sentence(tmp_path: Path) -> None:
    process = publish(free_port(), tmp_path / "keys.json", "--seconds", "1", "--flat-out")
    _, err = process.communicate(timeout=120)
    assert process.returncode == 1
    assert len(err.splitlines()) == 1


def packets_of(templates: Templates, numbers: list[int], ts_ms: list[list[int]]) -> list[bytes]:
    data = templates.packets(np.array(numbers, np.int64), np.array(ts_ms, np.int64))
    return [data[i : i + templates.packet_bytes] for i in range(0, len(data), templates.packet_bytes)]


TOPICS = ["fm/t/a/up/telemetry", "fm/t/b/up/telemetry"]


def test_packets_carry_topic_id_and_time_of_their_message() -> None:
    numbers = [0, 1, 65_535]
    packets = packets_of(Templates(TOPICS, payloads()), numbers, [[1_700_000_000_001], [2], [3]])
    assert [b"/a/" in packet for packet in packets] == [True, False, False]
    assert b'{"ts":1700000000001,' in packets[0]
    assert packet_ids(np.array(numbers)).tolist() == [1, 2, 1]
    body = json.loads(packets[0][packets[0].index(b"{") :])
    assert len(body["m"]) == 8


def test_an_array_has_a_time_for_each_of_its_readings() -> None:
    times = [1_700_000_000_001, 1_700_000_000_002, 1_700_000_000_003]
    (packet,) = packets_of(Templates(TOPICS, payloads(readings=3)), [1], [times])
    assert b"fm/t/b/" in packet
    readings = json.loads(packet[packet.index(b"[") :])
    assert [reading["ts"] for reading in readings] == times
    assert {len(reading["m"]) for reading in readings} == {8}


def test_a_payload_may_say_its_device() -> None:
    templates = Templates(TOPICS, payloads(name="dev-1"), ["dev-1", "dev-2"])
    packets = packets_of(templates, [0, 1], [[1_700_000_000_001], [1_700_000_000_002]])
    assert [json.loads(packet[packet.index(b"{") :])["dev"] for packet in packets] == ["dev-1", "dev-2"]


def test_connect_says_who_comes() -> None:
    assert connect("c").endswith(b"\x04\x02\x00\x00\x00\x01c")
    assert connect("c", 0, "u", "secret").endswith(b"\x04\xc2\x00\x00\x00\x01c\x00\x01u\x00\x06secret")


def test_pubacks_are_read_whole_and_anything_else_is_said() -> None:
    ids, rest = pubacks(b"\x40\x02\x01\x02\x40\x02\x00\x09\x40\x02")
    assert ids.tolist() == [258, 9]
    assert rest == b"\x40\x02"
    with pytest.raises(ValueError, match="no PUBACK"):
        pubacks(b"\xd0\x00\x00\x00")

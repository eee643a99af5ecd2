"""A full log acknowledges nothing more, loses nothing that it acknowledged, and has room again by itself."""

import json
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import paho.mqtt.client as mqtt
import pytest

from api.engines.nats import Nats
from api.engines.ports import free_port
from api.watch import checks
from api.watch.checks import State
from api.watch.standing import log_standing
from api.worker import forget
from tests.conftest import Database
from tests.faults.crew import LONG
from tests.ingest.record import register
from tests.processes import wait_for, working

pytestmark = pytest.mark.engines

DEVICES = 8 if LONG else 4
EACH = 1_500 if LONG else 250
LIMIT_BYTES = 6_000_000 if LONG else 600_000  # well below what the devices have to say
NOTE = "x" * 1_000
ALLOWED = """
tenant = "demo"
[[settings]]
class_id = "refrigerator"
[settings.limits]
messages_per_s = 10_000
points_per_s = 100_000
bytes_per_s = 10_000_000
"""  # whoever is not acknowledged says everything again and again, and this is not about how much one may say


class Device:
    """Somebody else's appliance: it keeps what is not acknowledged, and connects again as often as it must."""

    def __init__(self, port: int, name: str) -> None:
        self.name, self.ends = name, 0
        self._client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, client_id=name)
        self._client.reconnect_delay_set(1, 1)
        self._client.on_disconnect = self._ended
        self._client.connect("127.0.0.1", port)
        self._client.loop_start()
        self._sent: list[tuple[int, mqtt.MQTTMessageInfo]] = []

    def _ended(self, *_: Any) -> None:
        self.ends += 1

    def say(self, count: int) -> None:
        """Every tenth is no reading."""
        now_ms = time.time_ns() // 1_000_000
        for ts_ms in range(now_ms - count, now_ms):
            said = {"ts": ts_ms if ts_ms % 10 else None, "n": ts_ms, "m": {"power_w": 85.2, "note": NOTE}}
            payload = json.dumps({"ts": ts_ms, "m": said["m"]} if ts_ms % 10 else said).encode()
            self._sent.append((ts_ms, self._client.publish(f"fm/demo/{self.name}/up/telemetry", payload, qos=1)))

    @property
    def acknowledged(self) -> set[int]:
        return {ts_ms for ts_ms, info in self._sent if info._published}

    @property
    def said(self) -> set[int]:
        return {ts_ms for ts_ms, _ in self._sent}

    def leave(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()


@pytest.fixture
def small(engines_folder: Path) -> Iterator[Nats]:
    server = Nats(engines_folder / "crowded", port=free_port(), mqtt_port=free_port(), max_file_bytes=LIMIT_BYTES)
    server.start()
    yield server
    server.stop()


def test_a_full_log_disconnects_loses_nothing_and_has_room_again_by_itself(
    database: Database, small: Nats, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    if not LONG:
        monkeypatch.setattr(forget, "LOOK_S", 0.2)
    (allowed := tmp_path / "allowed.toml").write_text(ALLOWED)
    settings = database.settings(nats_url=small.url, catalogue=allowed)
    with database.connect() as conn:
        register(conn, *[("demo", f"d{i}", "refrigerator") for i in range(DEVICES)])
    devices = [Device(small.mqtt_port, f"d{i}") for i in range(DEVICES)]
    for device in devices:
        device.say(EACH)
    wait_for(lambda: all(device.ends or device.acknowledged == device.said for device in devices))
    assert any(device.ends for device in devices)
    wait_for(lambda: checks.log_room(log_standing(settings, 0)).state is State.FAILED)
    _sent_away(devices, 1)  # what was stored last has been acknowledged by then
    before = _acknowledged(devices)
    assert 0 < sum(map(len, before.values())) < DEVICES * EACH
    _sent_away(devices, 2)
    assert before == _acknowledged(devices), "nothing more is acknowledged"

    with working(settings):
        wait_for(lambda: all(device.acknowledged == device.said for device in devices), 120)
        wait_for(lambda: _cursor(database) == log_standing(settings, None).head.last_seq)
        wait_for(lambda: checks.log_room(log_standing(settings, None)).state is State.OK)
    for device in devices:
        device.leave()
        readings, refused = _kept(database, device.name)
        assert set(readings) == {ts_ms for ts_ms in device.said if ts_ms % 10}
        assert set(readings.values()) == {1}
        assert refused == dict.fromkeys((ts_ms for ts_ms in device.said if not ts_ms % 10), "NOT_A_READING")


def _acknowledged(devices: list[Device]) -> dict[str, set[int]]:
    return {device.name: device.acknowledged for device in devices}


def _sent_away(devices: list[Device], times: int) -> None:
    """Until each that is not done with what it has to say has said it so many times more, and was sent away for it."""
    until = {device.name: device.ends + times for device in devices}
    wait_for(lambda: all(d.ends >= until[d.name] or d.acknowledged == d.said for d in devices))


def _cursor(database: Database) -> int:
    with database.connect() as conn:
        return int((conn.execute("SELECT cursor FROM partition").fetchone() or (0,))[0])


def _kept(database: Database, name: str) -> tuple[Counter[int], dict[int, str]]:
    """How often each of its moments is in the record, and which are among the refusals, why."""
    with database.connect() as conn:
        readings = conn.execute(
            "SELECT round(extract(epoch FROM ts) * 1000)::bigint FROM reading_refrigerator r"
            " JOIN device d USING (device_no) WHERE device_id = %s",
            [name],
        )
        rows = conn.execute("SELECT reason, payload FROM refusal WHERE device_id = %s", [name])
        said = [(json.loads(payload), reason) for reason, payload in rows]
        return Counter(ts_ms for (ts_ms,) in readings), {message.get("n", message["ts"]): why for message, why in said}

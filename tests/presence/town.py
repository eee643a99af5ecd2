"""A house whose time runs fast: devices that speak several times a second, and a worker that judges as often."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import SimpleNamespace
from typing import Any

import paho.mqtt.client as mqtt
import pytest

from api.worker import memory, presence
from ingest.presence import listening, silence
from ingest.presence.rhythm import Pace
from ingest.presence.silence import News
from tests.conftest import Database
from tests.ingest.house import now_ms
from tests.processes import wait_for

BEAT_S = 0.05
TOO_LONG_S = 5.0  # for anybody's patience, and of a worker's absence
FAST = Pace(grain_ms=10, least_ms=4000.0, few=4, learning_ms=150, unlearned_ms=60_000.0)


class Looks:
    """How often a worker has judged who is silent."""

    def __init__(self) -> None:
        self.count = 0

    def judge(self, *said: Any) -> News:
        news = silence.judge(*said)
        self.count += 1
        return news

    def again(self) -> None:
        """Until what it makes of now is written: the third that begins comes after that."""
        seen = self.count
        wait_for(lambda: self.count >= seen + 3)


def hurry(monkeypatch: pytest.MonkeyPatch) -> Looks:
    """A device that speaks every 50 ms is out after 4 s: whatever stands still for less makes nobody silent."""
    looks = Looks()
    monkeypatch.setattr(presence, "silence", SimpleNamespace(judge=looks.judge, settled=silence.settled))
    monkeypatch.setattr(memory, "PACE", FAST)
    monkeypatch.setattr(presence, "EVERY_S", 0.1)
    monkeypatch.setattr(presence, "SOON_S", 0.02)
    monkeypatch.setattr(presence, "SHORT_MS", 300)
    monkeypatch.setattr(listening, "DOWN_MS", 4000)
    return looks


class Crowd:
    """Devices that speak over one client, which comes back when its broker does."""

    def __init__(self, mqtt_port: int, prefix: str = "fm/demo", suffix: str = "up/telemetry") -> None:
        self.speaking: set[str] = set()
        self._topic = f"{prefix}/{{}}/{suffix}"
        self._client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, client_id=f"crowd-{mqtt_port}")
        self._client.reconnect_delay_set(0.1, 0.1)  # type: ignore[arg-type]  # it waits so long, whatever it says
        self._client.connect("127.0.0.1", mqtt_port)
        self._client.loop_start()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._speak, daemon=True)
        self._thread.start()

    def _speak(self) -> None:
        while not self._stop.wait(BEAT_S):
            for device in sorted(self.speaking):
                if self._client.is_connected():
                    self._client.publish(
                        self._topic.format(device), b'{"ts": %d, "m": {"power_w": 1}}' % now_ms(), qos=1
                    )

    def close(self) -> None:
        self._stop.set()
        self._thread.join()
        try:
            self._client.disconnect()
        finally:
            self._client.loop_stop()


@contextmanager
def crowd(mqtt_port: int, *devices: str, prefix: str = "fm/demo", suffix: str = "up/telemetry") -> Iterator[Crowd]:
    speakers = Crowd(mqtt_port, prefix, suffix)
    speakers.speaking |= set(devices)
    try:
        yield speakers
    finally:
        with suppress(OSError):
            speakers.close()


def ask(database: Database, query: str) -> list[tuple[Any, ...]]:
    with database.connect() as conn:
        return conn.execute(query).fetchall()


def lasting(database: Database) -> dict[str, tuple[Any, ...]]:
    """Open outages by subject: kind, cause, what it stands under."""
    rows = ask(
        database,
        "SELECT o.subject, o.kind, o.cause, parent.subject FROM outage AS o"
        " LEFT JOIN outage AS parent ON parent.outage_id = o.parent_id WHERE o.until IS NULL",
    )
    return {subject: (kind, cause, parent) for subject, kind, cause, parent in rows}


def states(database: Database) -> dict[str, str]:
    return dict(ask(database, "SELECT device_id, presence.state FROM presence JOIN device USING (device_no)"))  # type: ignore[arg-type]


def away_since(begin_s: float) -> None:
    """Until whoever is away since then has been so for too long."""
    time.sleep(max(0.0, begin_s + TOO_LONG_S - time.monotonic()))


def learn(database: Database, *names: str) -> None:
    """Until each has spoken often enough, in moments apart, for its rhythm to be known."""
    moments = (
        "SELECT device_id FROM reading_refrigerator JOIN device USING (device_no)"
        " GROUP BY device_id HAVING count(DISTINCT floor(extract(epoch FROM received_at) * 25)) >= 8"
    )
    wait_for(lambda: {name for (name,) in ask(database, moments)} >= set(names))

"""A record, a log, a device that speaks, and a worker between them."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import paho.mqtt.client as mqtt

from api.settings import Settings
from tests import appliance
from tests.conftest import Database, NatsServer
from tests.ingest.record import register
from tests.processes import wait_for


def now_ms() -> int:
    return time.time_ns() // 1_000_000


@dataclass
class House:
    """A record whose cursor stands at the log's head, with one refrigerator, and a device that speaks to it."""

    database: Database
    nats: NatsServer
    device_no: int
    device: mqtt.Client
    settings: Settings

    def publish(self, *payloads: Any, device: str = "d1", kind: str = "telemetry") -> None:
        texts = [each if isinstance(each, bytes) else json.dumps(each).encode() for each in payloads]
        appliance.publish(self.device, [(f"fm/demo/{device}/up/{kind}", text) for text in texts])

    def one(self, query: str) -> Any:
        with self.database.connect() as conn:
            row = conn.execute(query).fetchone()
            assert row is not None
            return row[0]

    def caught_up(self) -> None:
        wait_for(lambda: self.one("SELECT cursor FROM partition") == self.nats.state().last_seq)

    def refusals(self) -> list[str]:
        with self.database.connect() as conn:
            return [reason for (reason,) in conn.execute("SELECT reason FROM refusal ORDER BY refusal_no")]


@contextmanager
def a_house(database: Database, nats: NatsServer) -> Iterator[House]:
    start = nats.state().last_seq
    with database.connect() as conn:
        (device_no,) = register(conn, ("demo", "d1", "refrigerator"))
        conn.execute("UPDATE partition SET cursor = %s", [start])
    with appliance.let_in(appliance.a_client(f"worker-test-{start}"), nats.mqtt_port) as client:
        yield House(database, nats, device_no, client, database.settings(nats_url=nats.secret_url))

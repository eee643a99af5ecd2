"""A relay that is killed anywhere, also between telling a device and noting it: all commands are done, each once, and
every device is as it was last desired."""

import os
import random
import time
from collections import Counter
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from api.cli import _process
from api.relay import run as relay
from api.relay import twins
from benchmarks.faults.hands import Hand
from devices import catalogue, registry
from devices.twin import orders, wishes
from devices.twin.lifecycle import OPEN
from ledger import scope
from ledger.model import Scope
from simulators.obedient import Obedient
from tests.conftest import Database, NatsServer
from tests.faults.crew import LONG, working
from tests.ingest.record import register
from tests.processes import wait_for

pytestmark = pytest.mark.engines

NAMES = [f"told-{n}" for n in range(6)]
ROUNDS = 20 if LONG else 3
KILLS = 30 if LONG else 4
BY = Scope(tenant_id="demo", actor="staff:desk")


def a_relay(told: dict[str, str]) -> Hand:
    return Hand(_relay, told)


def _relay(told: dict[str, str]) -> None:
    os.environ.update(told)
    twins.LEASE = timedelta(seconds=0.5)  # of what a dead one held
    _process.run("relay", relay.run)


def wish(database: Database, number: int) -> None:
    """Something of each device, and a command to it."""
    with database.connect("foremend_api", autocommit=False) as conn, conn.transaction():
        scope.enter(conn, BY)
        now = datetime.now(UTC)
        for name in NAMES:
            device = registry.find(conn, "demo", name)
            appliance, said = catalogue.load()[device.class_id], {"sampling_period_s": 10 + number}
            wishes.desire(conn, device, appliance, said, expected=_version(conn, device.device_no), by=BY, now=now)
            orders.queue(conn, device, "count", {"n": number}, expires_at=now + timedelta(hours=1), by=BY, now=now)


def _version(conn: Any, device_no: int) -> int:
    row = conn.execute("SELECT version FROM twin WHERE device_no = %s", [device_no]).fetchone()
    return row[0] if row else 0


def test_a_relay_that_is_killed_loses_no_command_and_no_wish(database: Database, nats_server: NatsServer) -> None:
    cursor, chance = nats_server.clear(), random.Random(35)
    with database.connect() as conn:
        register(conn, *[("demo", name, "refrigerator") for name in NAMES])
        conn.execute("UPDATE partition SET cursor = %s", [cursor])
    told = {
        "FOREMEND_DSN": database.dsn,
        "FOREMEND_NATS_URL": nats_server.url,
        "FOREMEND_MQTT_PORT": str(nats_server.mqtt_port),
        "FOREMEND_LOG_FILE": os.devnull,
    }
    done: Counter[tuple[str, int]] = Counter()
    with ExitStack() as stack:
        stack.enter_context(working(database.dsn, nats_server.url))
        devices = {name: Obedient(f"fm/demo/{name}", f"demo:{name}") for name in NAMES}
        for name, device in devices.items():
            device.memory.commands["count"] = lambda said, name=name: done.update([(name, said["n"])])
            stack.callback(device.connect("127.0.0.1", nats_server.mqtt_port).close)
        running = a_relay(told)
        stack.callback(lambda: running.stop())  # noqa: PLW0108  the last one
        for number in range(max(ROUNDS, KILLS)):
            if number < ROUNDS:
                wish(database, number)
            if number < KILLS:
                time.sleep(chance.uniform(0.02, 0.4))
                running.kill()
                running = a_relay(told)
        wait_for(lambda: _left(database) == (0, 0))
        assert {device.memory.state["sampling_period_s"] for device in devices.values()} == {10 + ROUNDS - 1}
    assert done == Counter({(name, number): 1 for name in NAMES for number in range(ROUNDS)})


def _left(database: Database) -> tuple[int, int]:
    """Commands that are not done, and devices that are not as desired."""
    with database.connect() as conn:
        states = Counter(state for (state,) in conn.execute("SELECT state FROM command"))
        assert set(states) <= {"SUCCEEDED", *OPEN}
        (behind,) = conn.execute("SELECT count(*) FROM twin WHERE reported_version < version").fetchone() or (0,)
    return states.total() - states["SUCCEEDED"], behind

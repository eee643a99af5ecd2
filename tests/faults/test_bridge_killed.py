"""Bridge, Mosquitto and NATS end under load, each in its turn: what Mosquitto acknowledged is in the record, once."""

import random
import time
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from api.bench import house as bench
from api.bench.house import House, Order, Sent
from api.bench.ledger import ledger
from api.bench.mosquitto import Mosquitto
from benchmarks.faults.trial import ended
from ingest.bridge.versions import Protocol
from tests.faults.crew import LONG, Bridge
from tests.ingest.bridging import a_mosquitto, have_session
from tests.processes import wait_for

pytestmark = pytest.mark.engines

DEVICES = 50
RATE = 5000.0 if LONG else 2000.0
KILLS = 20 if LONG else 6
DEATHS = 4 if LONG else 1  # of each server
ALL, SHARED = "fm/#", "$share/faults/fm/#"


@pytest.fixture(scope="module")
def trial() -> Iterator[House]:
    with bench.house() as ours:
        ours.register(DEVICES)
        yield ours


@pytest.fixture
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mosquitto]:
    with a_mosquitto(tmp_path_factory.mktemp("mosquitto")) as running:
        yield running


def an_order(broker: Mosquitto, seconds: float) -> Order:
    return Order(seconds=seconds, devices=DEVICES, rate=RATE, reconnect=True, port=broker.port)


def assert_balanced(trial: House, sent: Sent) -> None:
    """With a worker that runs, until everything that is kept anywhere has come through."""
    assert sent.acknowledged > 1000
    wait_for(lambda: ledger(trial, sent).missing == 0, 120, pause_s=0.3)
    wait_for(lambda: trial.progress()[1] == trial.head())
    balance = ledger(trial, sent)
    assert balance.balanced, balance
    assert balance.refused == 0


def test_bridges_of_a_group_that_are_killed_lose_nothing_and_record_nothing_twice(
    trial: House, broker: Mosquitto
) -> None:
    """One of each version of MQTT."""
    chance, spoken = random.Random(5), {"left": Protocol.V3, "right": Protocol.V5}
    for name in spoken:
        have_session(broker, name, SHARED)
    group = {name: Bridge(broker.url, trial.nats.url, SHARED, name, each) for name, each in spoken.items()}
    start = trial.head()
    with ExitStack() as ending, trial.worker():
        ending.callback(lambda: [bridge.stop() for bridge in group.values()])
        load = trial.load(an_order(broker, KILLS * 0.6 + 1.0))
        wait_for(lambda: trial.head() > start)
        for kill in range(KILLS):
            time.sleep(chance.uniform(0.1, 0.7))
            name = ["left", "right"][kill % 2]
            group[name].kill()
            group[name] = Bridge(broker.url, trial.nats.url, SHARED, name, spoken[name])
        assert_balanced(trial, trial.sent(load))


def test_mosquitto_restarted_and_nats_killed_lose_nothing_and_record_nothing_twice(
    trial: House, broker: Mosquitto
) -> None:
    """Mosquitto is stopped as an operator stops it: after a kill it has forgotten what it told devices it has."""
    have_session(broker, "alone", ALL)
    bridge = Bridge(broker.url, trial.nats.url, ALL, "alone")
    with trial.connect() as conn:
        conn.execute("TRUNCATE reading_cold_room, refusal, refusal_day")
    with ended(bridge), trial.worker():
        start = trial.head()
        load = trial.load(an_order(broker, DEATHS * 4.0))
        wait_for(lambda: trial.head() > start + 100)  # the load is connected: one that finds nobody gives up
        for _ in range(DEATHS):
            time.sleep(1.0)
            broker.stop()
            broker.start()
            time.sleep(1.0)
            trial.nats.process.kill()
            time.sleep(0.3)
            trial.nats.start()
        assert_balanced(trial, trial.sent(load))

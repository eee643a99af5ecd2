"""NATS killed under load, the database away: what was acknowledged is committed or refused, and nothing twice."""

import os
import signal
import time
from collections.abc import Iterator

import psycopg
import pytest

from api.bench import house as bench
from api.bench.house import House, Order
from api.bench.ledger import ledger
from tests.faults.crew import LONG, wait_for

pytestmark = pytest.mark.engines

DEVICES = 50
RATE = 5000.0 if LONG else 1000.0


@pytest.fixture(scope="module")
def trial() -> Iterator[House]:
    """Engines and a fleet of this module's own."""
    with bench.house() as ours:
        ours.register(DEVICES)
        yield ours


def empty(trial: House) -> None:
    with trial.connect() as conn:
        conn.execute("TRUNCATE reading_cold_room, refusal, refusal_day")


def assert_balanced(trial: House, sent: bench.Sent) -> None:
    """Nothing acknowledged is missing, nothing is twice, nothing was refused; rows are what was published or less."""
    balance = ledger(trial, sent)
    assert sent.acknowledged > 0
    assert balance.balanced, balance
    assert balance.refused == 0


def test_nats_killed_under_load_loses_nothing_that_it_acknowledged(trial: House) -> None:
    empty(trial)
    with trial.worker() as worker:
        load = trial.load(Order(seconds=12.0 if LONG else 6.0, devices=DEVICES, rate=RATE, reconnect=True))
        for pause_s in (1.5, 2.0, 2.0, 2.0) if LONG else (2.0,):
            time.sleep(pause_s)
            trial.nats.process.kill()
            trial.nats.start()
        sent = trial.sent(load)
        wait_for(lambda: trial.progress()[1] == trial.head())
        assert worker.poll() is None
    assert_balanced(trial, sent)


def test_the_worker_waits_while_the_database_is_away_and_goes_on(trial: House) -> None:
    """An immediate stop: PostgreSQL recovers from its WAL, and the last commits may be gone with their cursor."""
    empty(trial)
    away_s = 15.0 if LONG else 4.0
    with trial.worker() as worker:
        load = trial.load(Order(seconds=away_s + 3.0, devices=DEVICES, rate=RATE))
        time.sleep(2.0)
        _stop_immediately(trial)
        time.sleep(away_s)
        assert worker.poll() is None
        trial.postgres.start()
        sent = trial.sent(load)
        wait_for(lambda: trial.progress()[1] == trial.head())
        assert worker.poll() is None
    assert_balanced(trial, sent)


def _stop_immediately(trial: House) -> None:
    """What `pg_ctl stop -m immediate` sends."""
    process = trial.postgres.process
    assert process.pid is not None
    os.kill(process.pid, signal.SIGQUIT)
    wait_for(lambda: not process.alive(), 20)
    with pytest.raises(psycopg.OperationalError):
        trial.connect()

"""A database that is silent is given up in bounded time, by its clients and by itself; nobody waits for ever."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta
from types import SimpleNamespace

import psycopg
import pytest
from psycopg.abc import PQGen
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.waiting import Ready, Wait
from pydantic import SecretStr

from api import database as roof
from api import patience
from api.patience import Patient
from api.settings import Settings
from api.worker import forget
from benchmarks.faults.way import Way, to_socket
from ingest import partition
from ingest.adapter_wire import Wire
from tests.conftest import Database
from tests.processes import wait_for

pytestmark = pytest.mark.engines

PATIENCE_S = 2.0
WIRES_S = 60.0  # less than a connection to the log has here, unless somebody has less patience
KERNELS_S = 20  # it gives up after 25, and that is not what bounds us


@pytest.fixture
def way(database: Database) -> Iterator[Way]:
    known = conninfo_to_dict(database.dsn)
    with Way(to_socket(f"{known['host']}/.s.PGSQL.{known['port']}")) as open_way:
        yield open_way


@pytest.fixture
def settings(database: Database, way: Way) -> Settings:
    name = conninfo_to_dict(database.dsn)["dbname"]
    dsn = make_conninfo("", host="127.0.0.1", port=way.port, dbname=name, connect_timeout=10)
    return Settings(dsn=dsn, db_patience_s=PATIENCE_S)


def _hasty(settings: Settings) -> Settings:
    """Where nobody answers; where somebody does, a busy machine may take longer."""
    return settings.model_copy(update={"dsn": make_conninfo(settings.dsn, connect_timeout=2)})


def test_a_way_that_goes_dead_under_a_statement_is_an_error_in_bounded_time(settings: Settings, way: Way) -> None:
    with roof.connect(settings, "foremend_worker") as conn:
        way.go_dead()
        begun = time.monotonic()
        with pytest.raises(psycopg.OperationalError, match="nothing was heard"), conn.transaction():
            conn.execute("SELECT 1")
        assert PATIENCE_S <= time.monotonic() - begun < KERNELS_S
        assert conn.closed
    with pytest.raises(psycopg.OperationalError):
        roof.connect(_hasty(settings), "foremend_worker")
    way.revive()
    roof.connect(settings, "foremend_worker").close()


def test_an_answer_that_takes_long_to_come_over_is_not_silence(settings: Settings) -> None:
    with roof.connect(settings, "foremend_worker") as conn:
        begun = time.monotonic()
        said = conn.execute("SELECT repeat('x', 20000), pg_sleep(0.25) FROM generate_series(1, 12)")
        assert said.rowcount == 12
        assert time.monotonic() - begun > 1.4 * PATIENCE_S


def a_statement() -> PQGen[str]:
    while (yield Wait.R) is Ready.NONE:
        pass
    return "done"


@pytest.mark.parametrize("answers", [True, False])
def test_whoever_was_stopped_himself_looks_once_more_before_he_gives_up(
    monkeypatch: pytest.MonkeyPatch, *, answers: bool
) -> None:
    now_s = iter([0.0, 1000.0, 1000.1])
    monkeypatch.setattr(patience, "time", SimpleNamespace(monotonic=lambda: next(now_s)))
    given_up: list[str] = []
    me = SimpleNamespace(patience_s=30.0, stop=None, _give_up=given_up.append)
    waiting = Patient._watched(me, a_statement())  # type: ignore[arg-type]
    assert next(waiting) == Wait.R
    waiting.send(Ready.NONE)
    assert not given_up
    with suppress(StopIteration):
        waiting.send(Ready.R if answers else Ready.NONE)
    assert bool(given_up) is not answers


def test_whoever_is_to_stop_does_not_wait_for_an_answer(
    settings: Settings, way: Way, monkeypatch: pytest.MonkeyPatch
) -> None:
    stop = threading.Event()
    patient = settings.model_copy(update={"db_patience_s": 60.0})
    with roof.connect(patient, "foremend_relay", stop=stop) as conn:
        stop.set()
        assert conn.execute("SELECT 1").fetchone() == (1,)  # what is under way may end
        way.go_dead()
        monkeypatch.setattr(patience, "LAST_S", 0.2)
        begun = time.monotonic()
        with pytest.raises(psycopg.OperationalError, match="we are to stop"):
            conn.execute("SELECT 1")
        assert time.monotonic() - begun < KERNELS_S


def test_a_vanished_worker_in_the_midst_of_a_batch_holds_up_its_successor_for_no_longer_than_its_patience(
    settings: Settings, way: Way, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its session keeps the row locked; the server sees a connection that is open and says nothing."""
    monkeypatch.setattr(partition, "LEASE", timedelta(seconds=0.1))
    vanished = roof.connect(settings, "foremend_worker")
    with vanished.transaction():
        claim = partition.take(vanished, "vanished")
    assert claim is not None
    vanished.execute("BEGIN")
    partition.renew(vanished, claim)
    way.go_dead()
    begun = time.monotonic()
    with database.connect("foremend_worker", options="-c lock_timeout=20s") as successor:
        wait_for(lambda: partition.take(successor, "successor") is not None, 20)
    assert time.monotonic() - begun < KERNELS_S
    vanished.close()


def test_a_log_that_says_nothing_holds_up_who_looks_for_room_in_it_for_no_longer_than_his_patience(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The worker, who meanwhile does not notice that the log is silent."""
    monkeypatch.setattr(forget, "PATIENCE_S", 0.2)
    monkeypatch.setattr(Wire.__init__, "__defaults__", (2 * WIRES_S,))
    with socket.create_server(("127.0.0.1", 0)) as silent:
        told = Settings(dsn="", nats_url=SecretStr(f"nats://a:b@127.0.0.1:{silent.getsockname()[1]}"))
        begun = time.monotonic()
        assert not forget.Forgetting(told, {})._crowded()
    assert time.monotonic() - begun < WIRES_S


def test_a_pool_that_reaches_nobody_says_so_soon_and_is_there_again_soon(settings: Settings, way: Way) -> None:
    with roof.pool(_hasty(settings).model_copy(update={"db_patience_s": 1.0}), "foremend_api") as pool:

        def answers() -> bool:
            try:
                with pool.connection(timeout=0.2) as conn:
                    return conn.execute("SELECT 1").fetchone() == (1,)
            except psycopg.OperationalError:
                return False

        wait_for(answers)
        way.go_dead()
        for _ in range(3):  # also with connections that it opened beside that one
            begun = time.monotonic()
            with pytest.raises(psycopg.OperationalError), pool.connection() as conn:
                conn.execute("SELECT 1")
            assert time.monotonic() - begun < KERNELS_S
        way.revive()
        wait_for(answers)

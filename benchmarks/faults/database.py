"""The database stops, hangs, or lets nobody in."""

import os
import signal
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

import psycopg

from api.bench.house import House
from api.patience import LAST_S
from api.watch.pulse import LOOPS
from benchmarks.faults.hands import Api, Relay, Worker
from benchmarks.faults.trial import NOT_OURS_S, STARTS_S, Door, Row, Trial, an_order, ended, environment

_PAGES_S = 10.0 + NOT_OURS_S  # a page's patience
_STOPS_S = LAST_S + NOT_OURS_S
_BACK_S = 60.0
_SAYS_S = 5.0 + NOT_OURS_S  # a pool's patience


def stopped(trial: Trial, *, away_s: float, rate: float) -> Row:
    """What `pg_ctl stop -m immediate` does: it recovers from its WAL, and the last commits may be gone with their
    cursor."""
    ours = trial.ours
    trial.begin()
    running = Worker(environment(ours))
    with trial.working(running):
        load = trial.load(an_order(away_s + 2.0, rate))
        assert ours.postgres.process.pid is not None
        os.kill(ours.postgres.process.pid, signal.SIGQUIT)
        trial.wait(lambda: not ours.postgres.process.alive(), 60, "the database stops")
        trial.say(f"database stopped for {away_s:g} s")
        time.sleep(away_s)
        ours.postgres.start()
        trial.catch_up()
        return trial.settle(f"away for {away_s:g} s at {rate:,.0f} messages/s", ours.sent(load))


def hung(trial: Trial, *, hang_s: float, patience_s: float, rate: float) -> Row:
    """The server and all its backends are stopped in the midst of what they do; their kernel goes on acknowledging."""
    ours = trial.ours
    trial.begin()
    told, here, relayed, pages = {"db_patience_s": str(patience_s)}, Door(), Door(), Door()
    running = Worker(environment(ours, metrics_port=str(here.port), **told))
    waiting = Worker(environment(ours, **told))  # for the partition
    relay = Relay(environment(ours, metrics_port=str(relayed.port), **told))
    api = Api(environment(ours, http_port=str(pages.port), **told))
    with trial.working(running), ended(api, relay, waiting):
        trial.wait(lambda: pages.status("/api/devices") == 200, STARTS_S, "the pages answer")
        load = trial.load(an_order(hang_s + 2.0, rate))
        begun = time.monotonic()
        with _hanging(ours):
            trial.say(f"database hangs for {hang_s:g} s")
            waiting.ask_to_stop()
            trial.wait(lambda: pages.status("/readyz") == 503, _PAGES_S, "/readyz says that the database is away")
            trial.promise(waiting.ends_within(_STOPS_S), f"a worker that is to stop ends within {_STOPS_S:g} s")
            trial.wait(lambda: pages.status("/api/devices") == 503, _PAGES_S, "a page says that the database is away")
            trial.wait(here.waits, patience_s + NOT_OURS_S, "the worker notices that the database hangs")
            time.sleep(max(0.0, begun + hang_s - time.monotonic()))
            alive = {door.status("/livez") for door in (here, relayed, pages)}
            trial.promise(alive == {200}, "worker, relay and pages are alive at the end of the hang")
        trial.catch_up()
        trial.wait(lambda: pages.status("/api/devices") == 200, _BACK_S, "the pages are there again")
        trial.wait(lambda: _beats(ours) == len(LOOPS), _BACK_S, "the relay's loops turn")
        return trial.settle(f"hung for {hang_s:g} s at {rate:,.0f} messages/s", ours.sent(load))


@contextmanager
def _hanging(ours: House) -> Iterator[None]:
    pids = [pid for pid in (ours.postgres.process.pid,) if pid is not None]
    os.kill(pids[0], signal.SIGSTOP)  # first, so that it starts no other
    pids += _children(pids[0])
    for pid in pids[1:]:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in reversed(pids):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)


def _children(pid: int) -> list[int]:
    return [int(child) for task in Path(f"/proc/{pid}/task").glob("*/children") for child in task.read_text().split()]


def no_connection_left(trial: Trial, *, full_s: float, patience_s: float, rate: float) -> Row:
    """Others hold every connection at the moment at which worker, relay and pages come."""
    ours = trial.ours
    trial.begin()
    here, relayed, pages = Door(), Door(), Door()
    first = Worker(environment(ours))
    load = trial.load(an_order(full_s + 4.0, rate))
    with ExitStack() as held:
        first.kill()
        one = held.enter_context(ours.connect())
        trial.wait(lambda: _connections(one) == 1, STARTS_S, "whoever was connected is gone")
        others = [one, *_every_connection(ours, held)]
        running = Worker(environment(ours, metrics_port=str(here.port)))
        relay = Relay(environment(ours, metrics_port=str(relayed.port)))
        api = Api(environment(ours, http_port=str(pages.port), db_patience_s=str(patience_s)))
        held.enter_context(ended(relay, api))
        held.enter_context(trial.working(running))
        trial.say(f"{len(others)} connections held for {full_s:g} s")
        trial.wait(here.waits, STARTS_S, "the worker waits")
        trial.wait(lambda: pages.status("/livez") == 200, STARTS_S, "the pages answer")
        took_s = trial.wait(lambda: pages.status("/api/devices") == 503, _SAYS_S, "a page says that the record is away")
        trial.promise(took_s < _SAYS_S, f"a page says so within {_SAYS_S:g} s, not {took_s:.1f}")
        trial.wait(lambda: relayed.status("/livez") == 200, STARTS_S, "the relay lives")
        time.sleep(full_s)
        for each in others:
            each.close()
        trial.catch_up()
        trial.wait(lambda: pages.status("/api/devices") == 200, _BACK_S, "the pages are there again")
        trial.wait(lambda: _beats(ours) == len(LOOPS), _BACK_S, "the relay's loops turn")
        return trial.settle(f"none left for {full_s:g} s at {rate:,.0f} messages/s", ours.sent(load))


def _every_connection(ours: House, held: ExitStack) -> Iterator[psycopg.Connection[object]]:
    while True:
        try:
            yield held.enter_context(ours.connect())
        except psycopg.OperationalError:
            return


def _connections(conn: psycopg.Connection[Any]) -> int:
    (count,) = conn.execute(
        "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'"
    ).fetchone() or (0,)
    return int(count)


def _beats(ours: House) -> int:
    with ours.connect() as conn:
        (count,) = conn.execute("SELECT count(*) FROM pulse WHERE at > now() - interval '10 s'").fetchone() or (0,)
    return int(count)

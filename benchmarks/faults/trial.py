"""What every fault does around its own: a load that is partly bad, a house on trial, and the ledger afterwards."""

import math
import os
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from psycopg import Connection

from api.bench.house import House
from api.bench.ledger import Ledger, ledger
from api.bench.order import Order, Sent
from api.bench.road import wait_beyond
from api.engines.ports import free_port
from benchmarks.faults.hands import Hand, Worker

DEVICES = 50
FLUSHED = 1000  # devices more, that come back after an outage
BAD_EVERY = 20
_ANSWER_S = 15
NOT_OURS_S = 15.0  # beyond what we promise: the machine may be busy. Without a promise it takes 25 s and more
STARTS_S = 120  # a process of ours, on a machine that is busy


@dataclass(frozen=True, kw_only=True)
class Row:
    """`caught_up_s`: from the fault's end until all that had been acknowledged by then was in the record. `broken`: the
    promises that did not hold, each a sentence."""

    fault: str
    done: str
    balance: Ledger
    caught_up_s: float | None
    live_p99_ms: dict[str, float] | None
    broken: list[str]


@dataclass(kw_only=True)
class Trial:
    """One fault on one house. `say` hears how far it is."""

    fault: str
    ours: House
    say: Callable[[str], None]
    caught_up_s: float | None = None
    live_p99_ms: dict[str, float] | None = None
    broken: list[str] = field(default_factory=list)

    def promise(self, holds: object, sentence: str) -> None:
        if not holds:
            self.broken.append(sentence)

    def begin(self) -> None:
        """An empty record, and a cursor at the log's head."""
        with self.ours.connect() as conn:
            conn.execute("TRUNCATE reading_cold_room, refusal, refusal_day, checkpoint")
            conn.execute("UPDATE partition SET cursor = %s, cursor_received_at = NULL", [self.ours.head()])

    def load(self, order: Order, speaks_s: float = 0.6) -> subprocess.Popen[bytes]:
        """Returns when it has been speaking for so long, and a worker reads: how soon they begin is the machine's
        matter."""
        start = self.ours.head()
        load = self.ours.load(order)
        self.wait(lambda: self.ours.progress()[1] > start, STARTS_S, "the worker reads")
        time.sleep(speaks_s)
        return load

    @contextmanager
    def working(self, *workers: Worker) -> Iterator[None]:
        """Until the end of the block, and never with a worker that died."""
        try:
            yield
            self.promise(all(worker.lives() for worker in workers), "the worker lives")
        finally:
            for worker in workers:
                worker.stop()

    def catch_up(self) -> None:
        """Called at the fault's end."""
        begun, head = time.monotonic(), self.ours.head()
        wait_beyond(self.ours, head - 1)
        self.caught_up_s = round(time.monotonic() - begun, 2)

    def settle(self, done: str, *sent: Sent) -> Row:
        """When everything in the log was read: what is where."""
        wait_beyond(self.ours, self.ours.head() - 1)
        balance = added([ledger(self.ours, each) for each in sent])
        self.promise(balance.acknowledged > 100, "something was acknowledged")
        self.promise(balance.refused > 0, "something was refused")
        self.promise(balance.balanced, "acknowledged = committed + refused, nothing missing, nothing twice")
        return Row(
            fault=self.fault,
            done=done,
            balance=balance,
            caught_up_s=self.caught_up_s,
            live_p99_ms=self.live_p99_ms,
            broken=self.broken,
        )

    def wait(self, holds: Callable[[], Any], seconds: float, sentence: str) -> float:
        """How long it took; a promise that did not hold after `seconds`."""
        begun = time.monotonic()
        while not holds():
            if time.monotonic() - begun > seconds:
                self.promise(False, f"{sentence} within {seconds:g} s")
                return math.inf
            time.sleep(0.02)
        return time.monotonic() - begun


def added(balances: Sequence[Ledger]) -> Ledger:
    return Ledger(**{name: sum(getattr(each, name) for each in balances) for name in Ledger.__annotations__})


def an_order(seconds: float, rate: float, **more: Any) -> Order:
    options = ("--bad-every", str(BAD_EVERY), *more.pop("more", ()))
    return Order(seconds=seconds, devices=more.pop("devices", DEVICES), rate=rate, reconnect=True, more=options, **more)


def environment(ours: House, **more: str) -> dict[str, str]:
    """Of a process of this house; FOREMEND_{MORE}."""
    told = {"DSN": ours.postgres.dsn, "NATS_URL": ours.nats.url, "LOG_FILE": os.devnull, **more}
    return {f"FOREMEND_{name.upper()}": value for name, value in told.items()}


@dataclass(frozen=True, kw_only=True)
class Door:
    """A port of a process for us to ask at."""

    port: int = field(default_factory=free_port)

    def status(self, path: str) -> int:
        """0: nobody answers."""
        return self._ask(path)[0]

    def waits(self) -> float:
        """How often the worker has waited for a database or a log."""
        lines = self._ask("/metrics")[1].splitlines()
        return sum(float(line.split()[-1]) for line in lines if line.startswith("foremend_worker_waits_total{"))

    def _ask(self, path: str) -> tuple[int, str]:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=_ANSWER_S) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, ""
        except OSError:
            return 0, ""


@contextmanager
def ended(*hands: Hand) -> Iterator[None]:
    try:
        yield
    finally:
        for hand in hands:
            hand.stop()


def terminate_all(conn: Connection[Any]) -> None:
    conn.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename LIKE 'foremend_%'")

"""The whole road under load: how fast it commits, how long a message takes, what it costs whom."""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from api.bench import latency, processes
from api.bench.errors import BenchError
from api.bench.house import House
from api.bench.latency import Commits, Spread
from api.bench.order import Order, Sent
from api.bench.source import Source, Way
from api.engines.process import wait_until
from ledger.statements import Statements

_QUIET_S = 3.0
_LONGEST_BACKLOG_S = 300
_LONGEST_ALERT_S = 120
_LONGEST_AGGREGATION_S = 300
_LOOKS = 4  # at the worker's memory, while the load runs
_sql = Statements("api.bench")


@dataclass(frozen=True, kw_only=True)
class Road:
    """`cpu_s`: of broker, database, worker, relay, load and bridge, as far as they run here, from the load's start to
    the last commit."""

    sent: Sent
    msg_s: float
    messages: int
    backlog_s: float
    cpu_s: dict[str, float]
    worker_mib: list[float]  # before the load, four times during it, and after it
    publish_to_commit: Spread | None
    breach_to_alert: Spread | None


@dataclass(frozen=True, kw_only=True)
class Reader:
    """What one that only reads brought home, from its first message to the last."""

    messages: int
    seconds: float
    cpu_s: float

    @property
    def msg_s(self) -> float:
        return self.messages / self.seconds


def drive(ours: House, order: Order, source: Source) -> Road:
    with (
        ours.worker() as worker,
        ours.relay() as relay,
        source.way(ours, order) as way,
        ours.breaches(way.order) as breaches,
    ):
        wait_beyond(ours, _head_at(ours, 1 << 62, quiet_s=0.5) - 1)
        wait_until(ours.is_aggregated, _LONGEST_AGGREGATION_S)  # the breaches' four good days
        others = {"worker": worker.pid, "relay": relay.pid}
        start, before = ours.head(), cpu_s(ours, way, others)
        with _watched(worker.pid, order.seconds) as worker_mib:
            load = ours.load(way.order.live(time.time_ns() // 1_000_000))
            breaches.begin(order.seconds)
            sent, published_s = ours.sent(load), breaches.end()
            wait_beyond(ours, _head_at(ours, start + sent.acknowledged + len(published_s), quiet_s=10.0) - 1)
        spent = {name: seconds - before[name] for name, seconds in cpu_s(ours, way, others).items()}
        wait_until(lambda: ours.alerts() == len(published_s), _LONGEST_ALERT_S)
    with ours.connect() as conn:
        commits = Commits.read(conn)
        alerts = latency.breach_to_alert(conn, published_s)
    return Road(
        sent=sent,
        msg_s=commits.per_s() / order.readings,
        messages=len(commits.at_s) // order.readings,
        backlog_s=max(0.0, float(commits.at_s.max()) - sent.acknowledged_at_s),
        worker_mib=worker_mib,
        cpu_s={**spent, "load": sent.cpu_s},
        publish_to_commit=commits.waited(sent.shares),
        breach_to_alert=alerts,
    )


def bare(ours: House, order: Order, source: Source) -> Reader:
    """The same load, and somebody who only reads."""
    with source.bare(ours, order, min(_QUIET_S, order.seconds)) as (placed, reader):
        ours.sent(ours.load(placed))
        answer, _ = reader.communicate(timeout=_LONGEST_BACKLOG_S)
    return Reader(**json.loads(answer))


def catch_up(ours: House) -> None:
    """Until the record has read what the log has."""
    wait_beyond(ours, ours.head() - 1)


def wait_beyond(ours: House, cursor: int) -> None:
    """Until the record has read the log beyond `cursor`."""
    until = time.monotonic() + _LONGEST_BACKLOG_S
    with ours.connect() as conn:
        while (conn.execute(_sql.read_partition).fetchone() or (0, 0))[1] <= cursor:
            if time.monotonic() > until:
                raise BenchError(f"the worker does not follow; see {ours.folder / 'logs' / 'worker.log'}")
            time.sleep(0.01)


def _head_at(ours: House, wanted: int, *, quiet_s: float) -> int:
    """The log's head once it is `wanted`, or has not moved for `quiet_s`: a bridge may still bring something."""
    head, moved_s = ours.head(), time.monotonic()
    while head < wanted and time.monotonic() - moved_s < quiet_s:
        time.sleep(0.05)
        if (now := ours.head()) != head:
            head, moved_s = now, time.monotonic()
    return head


@contextmanager
def _watched(pid: int, seconds: float) -> Iterator[list[float]]:
    """Its memory before, while and after."""
    sizes, over = [processes.resident_mib(pid)], threading.Event()

    def look() -> None:
        for _ in range(_LOOKS):
            if over.wait(seconds / _LOOKS):
                return
            sizes.append(processes.resident_mib(pid))

    watch = threading.Thread(target=look)
    watch.start()
    try:
        yield sizes
    finally:
        over.set()
        watch.join()
        sizes.append(processes.resident_mib(pid))


def cpu_s(ours: House, way: Way, others: dict[str, int]) -> dict[str, float]:
    """So far, of everybody who runs on this machine."""
    server = ours.record.pid()
    database = {} if server is None else {"database": processes.family_cpu_s(server)}
    return {**way.cpu_s(), **{name: processes.cpu_s(pid) for name, pid in others.items()}, **database}

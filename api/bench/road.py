"""The whole road under load: how fast it commits, how long a message takes, what it costs whom."""

import json
import time
from dataclasses import dataclass

from api.bench import latency, processes
from api.bench.house import House, Order, Sent
from api.bench.latency import Commits, Spread
from api.engines.process import wait_until
from ledger.statements import Statements

_LONGEST_BACKLOG_S = 300
_LONGEST_ALERT_S = 10
_sql = Statements("api.bench")


@dataclass(frozen=True, kw_only=True)
class Road:
    """`cpu_s`: of broker, database, worker, relay and load, from the load's start to the last commit."""

    sent: Sent
    msg_s: float
    messages: int
    backlog_s: float
    cpu_s: dict[str, float]
    worker_mib: list[float]  # before the load and after it
    publish_to_commit: Spread | None
    breach_to_alert: Spread | None


def drive(ours: House, order: Order) -> Road:
    with ours.worker() as worker, ours.relay() as relay, ours.breaches() as breaches:
        wait_beyond(ours, ours.head() - 1)
        pids = {"broker": ours.nats.process.pid, "worker": worker.pid, "relay": relay.pid}
        before, worker_mib = _cpu(ours, pids), [processes.resident_mib(worker.pid)]
        load = ours.load(order)
        breaches.begin(order.seconds)
        sent, published_s = ours.sent(load), breaches.end()
        wait_beyond(ours, ours.head() - 1)
        worker_mib.append(processes.resident_mib(worker.pid))
        spent = {name: seconds - before[name] for name, seconds in _cpu(ours, pids).items()}
        wait_until(lambda: ours.alerts() == len(published_s), _LONGEST_ALERT_S)
    with ours.connect() as conn:
        commits = Commits.read(conn)
        alerts = latency.breach_to_alert(conn, published_s)
    return Road(
        sent=sent,
        msg_s=commits.per_s(),
        messages=len(commits.at_s),
        backlog_s=max(0.0, float(commits.at_s.max()) - sent.acknowledged_at_s),
        worker_mib=worker_mib,
        cpu_s={**spent, "load": sent.cpu_s},
        publish_to_commit=commits.waited(sent.shares),
        breach_to_alert=alerts,
    )


def bare(ours: House, order: Order, quiet_s: float) -> tuple[float, float]:
    """Messages a second and CPU microseconds a message of the reader that only counts."""
    reader = ours.bare_reader(quiet_s)
    assert reader.stdout is not None
    reader.stdout.readline()  # ready
    ours.sent(ours.load(order))
    answer, _ = reader.communicate(timeout=_LONGEST_BACKLOG_S)
    said = json.loads(answer)
    return said["messages"] / said["seconds"], said["cpu_s"] / said["messages"] * 1e6


def wait_beyond(ours: House, cursor: int) -> None:
    """Until the record has read the log beyond `cursor`."""
    until = time.monotonic() + _LONGEST_BACKLOG_S
    with ours.connect() as conn:
        while (conn.execute(_sql.read_partition).fetchone() or (0, 0))[1] <= cursor:
            if time.monotonic() > until:
                raise RuntimeError(f"the worker does not follow; see {ours.folder / 'logs' / 'worker.log'}")
            time.sleep(0.01)


def _cpu(ours: House, pids: dict[str, int | None]) -> dict[str, float]:
    return {
        **{name: processes.cpu_s(pid) for name, pid in pids.items()},
        "database": processes.family_cpu_s(ours.postgres.process.pid),
    }

"""One measurement: the bare reader, the whole road, the bare reader again, all under the same load."""

import json
import time
from dataclasses import dataclass
from pathlib import Path

from api.bench.house import TENANT, House, Sent, house
from ledger.statements import Statements

METRICS = 8  # of a load's message
_QUIET_S = 3.0
_LONGEST_BACKLOG_S = 300
_sql = Statements("api.bench")


@dataclass(frozen=True, kw_only=True)
class Order:
    """`rate`: messages a second, None for as many as are acknowledged."""

    seconds: float
    devices: int
    rate: float | None


@dataclass(frozen=True, kw_only=True)
class Result:
    """Rates run from the first message to the last one, read or committed. `missing`: acknowledged and not in the
    record; `duplicates`: rows beyond one a message."""

    committed_msg_s: float
    points_s: float
    bare_msg_s: float
    bare_runs_msg_s: list[float]
    ratio: float
    published: int
    acknowledged: int
    missing: int
    duplicates: int
    refused: int
    backlog_s: float  # from the last acknowledgement to the last commit
    worker_cpu_us: float | None
    bare_cpu_us: float


def measure(order: Order) -> Result:
    with house() as ours:
        ours.register(order.devices)
        before, cpu_us = _bare(ours, order)
        road = _road(ours, order)
        after, _ = _bare(ours, order)
        bare = (before + after) / 2
        missing, duplicates, refused = ledger(ours, road.sent)
    return Result(
        committed_msg_s=round(road.msg_s, 1),
        points_s=round(road.msg_s * METRICS, 1),
        bare_msg_s=round(bare, 1),
        bare_runs_msg_s=[round(before, 1), round(after, 1)],
        ratio=round(road.msg_s / bare, 3),
        published=road.sent.published,
        acknowledged=road.sent.acknowledged,
        missing=missing,
        duplicates=duplicates,
        refused=refused,
        backlog_s=round(road.backlog_s, 3),
        worker_cpu_us=road.worker_cpu_us,
        bare_cpu_us=round(cpu_us, 2),
    )


@dataclass(frozen=True, kw_only=True)
class _Road:
    sent: Sent
    msg_s: float
    backlog_s: float
    worker_cpu_us: float | None


def _bare(ours: House, order: Order) -> tuple[float, float]:
    """Messages a second and CPU microseconds a message of the reader that only counts."""
    reader = ours.bare_reader(_QUIET_S)
    assert reader.stdout is not None
    reader.stdout.readline()  # ready
    ours.sent(ours.load(order.devices, order.seconds, order.rate))
    answer, _ = reader.communicate(timeout=_LONGEST_BACKLOG_S)
    said = json.loads(answer)
    return said["messages"] / said["seconds"], said["cpu_s"] / said["messages"] * 1e6


def _road(ours: House, order: Order) -> _Road:
    with ours.worker() as worker:
        start = ours.progress()[1]
        cpu_s = _cpu_s(worker.pid)
        load = ours.load(order.devices, order.seconds, order.rate)
        begin = _wait_beyond(ours, start)
        acknowledged_at = None
        while load.poll() is None:
            time.sleep(0.02)
        acknowledged_at = time.monotonic()
        end = _wait_beyond(ours, ours.head() - 1)
        spent_s = _cpu_s(worker.pid)
        sent = ours.sent(load)
        count = ours.progress()[1] - start
    cpu_us = None if cpu_s is None or spent_s is None else round((spent_s - cpu_s) / count * 1e6, 2)
    return _Road(
        sent=sent, msg_s=count / (end - begin), backlog_s=max(0.0, end - acknowledged_at), worker_cpu_us=cpu_us
    )


def _wait_beyond(ours: House, cursor: int) -> float:
    """When the record had read the log beyond `cursor`."""
    until = time.monotonic() + _LONGEST_BACKLOG_S
    with ours.connect() as conn:
        while (conn.execute(_sql.read_partition).fetchone() or (0, 0))[1] <= cursor:
            if time.monotonic() > until:
                raise RuntimeError(f"the worker does not follow; see {ours.folder / 'logs' / 'worker.log'}")
            time.sleep(0.01)
    return time.monotonic()


def _cpu_s(pid: int) -> float | None:
    """User and system time of a process (proc(5), fields 14 and 15, ticks of 10 ms); None without /proc."""
    stat = Path(f"/proc/{pid}/stat")
    if not stat.exists():
        return None
    fields = stat.read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / 100


def ledger(ours: House, sent: Sent) -> tuple[int, int, int]:
    """Missing, duplicates and refused, of the published keys against the record, over a connection of its own."""
    names = {
        "tenant_id": TENANT,
        "device": [row["device"] for row in sent.keys],
        "first_ms": [row["first_ts_ms"] for row in sent.keys],
        "step_ms": [row["step_ms"] for row in sent.keys],
        "count": [row["acknowledged"] for row in sent.keys],
    }
    with ours.connect() as conn:
        (missing,) = conn.execute(_sql.count_missing, names).fetchone() or (0,)
        rows, messages = conn.execute(_sql.count_kept).fetchone() or (0, 0)
        (refused,) = conn.execute(_sql.count_refused).fetchone() or (0,)
    return missing, max(rows - messages, rows - sent.published, 0), refused

"""What a message costs, fleet by fleet: every device has spoken twice before anything is counted."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from api.bench import processes
from api.bench.house import House, house
from api.bench.latency import Commits, Spread
from api.bench.ledger import ledger
from api.bench.order import Order
from api.bench.road import catch_up, cpu_s
from api.bench.source import Stream

_WARM_S = 60.0  # at most, for two messages a device, as fast as they are acknowledged
_LATER_MS = 1_800_000  # after the first messages, half an hour ago


@dataclass(frozen=True, kw_only=True)
class Size:
    """CPU in microseconds a message; memory of the worker: empty, when it knew all devices, and after the load."""

    devices: int
    msg_s: float
    missing: int
    worker_us: float
    database_us: float
    broker_us: float
    publish_to_commit_ms: Spread | None
    worker_mib: list[float]
    kib_a_device: float

    @property
    def cost_us(self) -> float:
        """Of all who touch it on our side."""
        return self.worker_us + self.database_us + self.broker_us


def measure(order: Order, sizes: Sequence[int], tell: Callable[[str], None]) -> list[Size]:
    found = []
    for devices in sizes:
        tell(f"{devices:,} devices")
        found.append(_one(replace(order, devices=devices)))
    return found


def _one(order: Order) -> Size:
    with house() as ours:
        ours.register(order.devices)
        with ours.worker() as worker, ours.relay(), Stream().way(ours, order) as way:
            mib = [processes.resident_mib(worker.pid)]
            first_ms = _warm_up(ours, order)
            mib.append(processes.resident_mib(worker.pid))
            others = {"worker": worker.pid}
            before = cpu_s(ours, way, others)
            sent = ours.sent(ours.load(replace(order, first_ts_ms=first_ms + _LATER_MS)))
            catch_up(ours)
            spent = {name: seconds - before[name] for name, seconds in cpu_s(ours, way, others).items()}
            mib.append(processes.resident_mib(worker.pid))
        missing = ledger(ours, sent).missing
        with ours.connect() as conn:
            commits = Commits.read(conn).since(first_ms + _LATER_MS)
    a_message = {name: seconds / sent.acknowledged * 1e6 for name, seconds in spent.items()}
    return Size(
        devices=order.devices,
        msg_s=round(commits.per_s(), 1),
        missing=missing,
        worker_us=round(a_message["worker"], 2),
        database_us=round(a_message["database"], 2),
        broker_us=round(a_message["broker"], 2),
        publish_to_commit_ms=commits.waited(sent.shares),
        worker_mib=[round(each, 1) for each in mib],
        kib_a_device=round((mib[1] - mib[0]) * 1024 / order.devices, 2),
    )


def _warm_up(ours: House, order: Order) -> int:
    """When the first messages say that they were made."""
    sent = ours.sent(ours.load(replace(order, rate=None, seconds=_WARM_S, more=("--turns", "2"))))
    catch_up(ours)
    first_ms: int = sent.keys[0]["first_ts_ms"]
    return first_ms

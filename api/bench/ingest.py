"""One measurement: the bare reader, the whole road, the bare reader again, all under the same load."""

from dataclasses import dataclass

from api.bench.house import Order, house
from api.bench.latency import Spread
from api.bench.ledger import Ledger, ledger
from api.bench.road import Road, bare, drive

METRICS = 8  # of a load's message
_QUIET_S = 3.0


@dataclass(frozen=True, kw_only=True)
class Result:
    """Rates run from the first message to the last one, read or committed. `missing`: acknowledged and neither in
    the record nor refused; `duplicates`: rows beyond one a message."""

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
    publish_to_commit_ms: Spread | None
    breach_to_alert_ms: Spread | None  # None: a breach was missed
    cpu_ms_per_1k_points: dict[str, float]
    worker_cpu_us: float  # a message, as is
    bare_cpu_us: float
    worker_mib: list[float]  # resident, before the load and after it


def measure(order: Order) -> Result:
    with house() as ours:
        ours.register(order.devices)
        before, cpu_us = bare(ours, order, _QUIET_S)
        road = drive(ours, order)
        after, _ = bare(ours, order, _QUIET_S)
        return _result(road, before, after, cpu_us, ledger(ours, road.sent))


def _result(road: Road, before: float, after: float, bare_cpu_us: float, balance: Ledger) -> Result:
    rate, points = (before + after) / 2, road.messages * METRICS
    return Result(
        committed_msg_s=round(road.msg_s, 1),
        points_s=round(road.msg_s * METRICS, 1),
        bare_msg_s=round(rate, 1),
        bare_runs_msg_s=[round(before, 1), round(after, 1)],
        ratio=round(road.msg_s / rate, 3),
        published=road.sent.published,
        acknowledged=road.sent.acknowledged,
        missing=balance.missing,
        duplicates=balance.duplicates,
        refused=balance.refused,
        backlog_s=round(road.backlog_s, 3),
        publish_to_commit_ms=road.publish_to_commit,
        breach_to_alert_ms=road.breach_to_alert,
        cpu_ms_per_1k_points={name: round(seconds * 1e6 / points, 2) for name, seconds in road.cpu_s.items()},
        worker_cpu_us=round(road.cpu_s["worker"] * 1e6 / road.messages, 2),
        bare_cpu_us=round(bare_cpu_us, 2),
        worker_mib=[round(mib, 1) for mib in road.worker_mib],
    )

"""One measurement: the bare reader and the whole road in turn, each pair in a house of its own, and the median."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from statistics import median

from api.bench import copying, search
from api.bench.errors import BenchError
from api.bench.house import house
from api.bench.latency import Spread
from api.bench.ledger import Ledger, ledger
from api.bench.order import Order
from api.bench.road import Reader, Road, bare, drive
from api.bench.source import Source, Stream

METRICS = 8  # of a load's reading


@dataclass(frozen=True, kw_only=True)
class Plan:
    """`dsn`: None, PostgreSQL of the bench's own. `highest`: at the highest paced rate that keeps up, looked for from
    `near` on (None: from what is taken in flat out). `tell`: what is being done now."""

    runs: int = 3
    source: Source = field(default_factory=Stream)
    dsn: str | None = None
    highest: bool = False
    near: float | None = None
    tell: Callable[[str], None] = lambda _: None

    def stages(self) -> int:
        """How often `tell` is called, at most."""
        return 2 * self.runs + (search.PROBES + 1 if self.highest else 0)


@dataclass(frozen=True, kw_only=True)
class Result:
    """Medians of the runs. Rates run from the first message to the last one, read or committed. Of all runs together:
    `missing`, readings acknowledged and neither in the record nor refused; `duplicates`, rows beyond one a reading."""

    rate: float | None  # asked of the load; None: as many as were acknowledged
    committed_msg_s: float
    committed_runs_msg_s: list[float]
    points_s: float
    bare_msg_s: float
    bare_runs_msg_s: list[float]
    ratio: float
    copy_points_s: float
    copy_ratio: float  # points committed against points that COPY writes, alone on the machine
    kept_up: int  # runs with nothing missing, p99 below 2 s and no backlog to speak of
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
    worker_mib: list[float]  # resident, before the load, four times during it, and after it; of the last run


@dataclass(frozen=True, kw_only=True)
class Run:
    bare: Reader
    road: Road
    copy_points_s: float
    ledger: Ledger


def measure(order: Order, plan: Plan) -> Result:
    if plan.highest:
        order = replace(order, rate=_highest(order, plan))
    paced = "flat out" if order.rate is None else f"{order.rate:,.0f} a second"
    runs = [_run(order, plan, f"run {number + 1} of {plan.runs}, {paced}") for number in range(plan.runs)]
    return _result(order, runs)


def _run(order: Order, plan: Plan, name: str) -> Run:
    """The bare reader is not paced where the house's best is looked for: it is held against its own."""
    with house(dsn=plan.dsn) as ours:
        ours.register(order.devices)
        copied = copying.points_s(ours, order.devices)
        plan.tell(f"{name}: bare reader")
        before = bare(ours, replace(order, rate=None) if plan.highest else order, plan.source)
        plan.tell(f"{name}: whole road")
        road = drive(ours, order, plan.source)
        return Run(bare=before, road=road, copy_points_s=copied, ledger=ledger(ours, road.sent))


def _highest(order: Order, plan: Plan) -> float:
    rate = search.highest(lambda rate: _probe(order, rate, plan), plan.near)
    if not rate:
        raise BenchError("no paced rate was found that keeps up; see --rate")
    return rate


def _probe(order: Order, rate: float | None, plan: Plan) -> search.Trial:
    plan.tell("what it takes in" if rate is None else f"does it keep up with {rate:,.0f} a second?")
    asked = replace(order, rate=rate, seconds=min(order.seconds, search.PROBE_S))
    with house(dsn=plan.dsn) as ours:
        ours.register(order.devices)
        road = drive(ours, asked, plan.source)
        return search.Trial(msg_s=road.msg_s, kept_up=_kept_up(asked, road, ledger(ours, road.sent).missing))


def _kept_up(order: Order, road: Road, missing: int) -> bool:
    """What is behind at the end would be further behind after a longer load."""
    p99_ms = road.publish_to_commit.p99 if road.publish_to_commit else None
    asked = (order.rate or 0.0) * order.seconds
    return search.keeps_up(
        published_share=road.sent.published / asked if asked else 1.0,
        missing=missing,
        p99_s=(p99_ms or 0.0) / 1000,
        backlog_s=road.backlog_s,
        seconds=order.seconds,
    )


def _result(order: Order, runs: Sequence[Run]) -> Result:
    roads = [run.road for run in runs]
    committed, read = [road.msg_s for road in roads], [run.bare.msg_s for run in runs]
    rate, bare_rate, copied = median(committed), median(read), median(run.copy_points_s for run in runs)
    a_message = METRICS * order.readings
    return Result(
        rate=None if order.rate is None else round(order.rate, 1),
        committed_msg_s=round(rate, 1),
        committed_runs_msg_s=[round(each, 1) for each in committed],
        points_s=round(rate * a_message, 1),
        bare_msg_s=round(bare_rate, 1),
        bare_runs_msg_s=[round(each, 1) for each in read],
        ratio=round(rate / bare_rate, 3),
        copy_points_s=round(copied, 1),
        copy_ratio=round(rate * a_message / copied, 3),
        kept_up=sum(_kept_up(order, run.road, run.ledger.missing) for run in runs),
        published=sum(road.sent.published for road in roads),
        acknowledged=sum(road.sent.acknowledged for road in roads),
        missing=sum(run.ledger.missing for run in runs),
        duplicates=sum(run.ledger.duplicates for run in runs),
        refused=sum(run.ledger.refused for run in runs),
        backlog_s=round(median(road.backlog_s for road in roads), 3),
        publish_to_commit_ms=Spread.median([road.publish_to_commit for road in roads]),
        breach_to_alert_ms=Spread.median([road.breach_to_alert for road in roads]),
        cpu_ms_per_1k_points={
            name: round(median(road.cpu_s[name] * 1e6 / (road.messages * a_message) for road in roads), 2)
            for name in roads[0].cpu_s
        },
        worker_cpu_us=round(median(road.cpu_s["worker"] * 1e6 / road.messages for road in roads), 2),
        bare_cpu_us=round(median(run.bare.cpu_s * 1e6 / run.bare.messages for run in runs), 2),
        worker_mib=[round(mib, 1) for mib in roads[-1].worker_mib],
    )

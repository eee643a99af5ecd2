"""One measurement: a subscriber of Mosquitto that only acknowledges, the bridge, that subscriber again, each under the
same load on a Mosquitto of its own."""

from contextlib import closing
from dataclasses import dataclass

from api.bench.house import House, house
from api.bench.order import Order
from api.bench.road import Reader, bare
from api.bench.source import Bridge, Way
from api.engines.process import wait_until
from ingest import adapter_log
from ingest.adapter_wire import Wire

SOURCE = Bridge()
_LONGEST_BACKLOG_S = 300


@dataclass(frozen=True, kw_only=True)
class Result:
    """Rates run from the first message to the last one. `missing`: acknowledged by Mosquitto and not in the log."""

    bridged_msg_s: float
    bare_msg_s: float
    bare_runs_msg_s: list[float]
    ratio: float
    acknowledged: int
    missing: int
    bridge_cpu_us: float  # a message, as are
    bare_cpu_us: float
    log_cpu_us: float
    broker_cpu_us: float


def measure(order: Order) -> Result:
    with house() as ours:
        before = bare(ours, order, SOURCE)
        with SOURCE.way(ours, order) as way:
            bridged, acknowledged, spent = _bridged(ours, way)
        after = bare(ours, order, SOURCE)
    bare_msg_s = (before.msg_s + after.msg_s) / 2
    return Result(
        bridged_msg_s=round(bridged.msg_s, 1),
        bare_msg_s=round(bare_msg_s, 1),
        bare_runs_msg_s=[round(run.msg_s, 1) for run in (before, after)],
        ratio=round(bridged.msg_s / bare_msg_s, 3),
        acknowledged=acknowledged,
        missing=acknowledged - bridged.messages,
        bridge_cpu_us=round(spent["bridge"] / bridged.messages * 1e6, 2),
        bare_cpu_us=round((before.cpu_s + after.cpu_s) / (before.messages + after.messages) * 1e6, 2),
        log_cpu_us=round(spent["log"] / bridged.messages * 1e6, 2),
        broker_cpu_us=round(spent["broker"] / bridged.messages * 1e6, 2),
    )


def _bridged(ours: House, way: Way) -> tuple[Reader, int, dict[str, float]]:
    start, said, before = ours.head(), _said(ours), way.cpu_s()
    sent = ours.sent(ours.load(way.order))
    wait_until(lambda: ours.head() - _said(ours) >= start - said + sent.acknowledged, _LONGEST_BACKLOG_S)
    spent = {name: seconds - before[name] for name, seconds in way.cpu_s().items()}
    with closing(Wire(ours.nats.url)) as wire:
        head = adapter_log.head(wire)
        first, last = (adapter_log.received_ms(wire, head, seq) or 0 for seq in (start + 1, head.last_seq))
    read = Reader(
        messages=head.last_seq - start - _said(ours) + said, seconds=(last - first) / 1000, cpu_s=spent["bridge"]
    )
    return read, sent.acknowledged, spent


def _said(ours: House) -> int:
    """How many messages of the log are a bridge's own words."""
    with closing(Wire(ours.nats.url)) as wire:
        answer = wire.request(f"$JS.API.STREAM.INFO.{adapter_log.STREAM}", {"subjects_filter": "log.*.*.*.ctl.bridge"})
    return sum(answer["state"].get("subjects", {}).values())

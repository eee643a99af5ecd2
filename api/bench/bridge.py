"""One measurement: a subscriber of Mosquitto that only acknowledges, the bridge, that subscriber again, each under the
same load on a Mosquitto of its own."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from api.bench import processes
from api.bench.house import House, Order, Sent, house
from api.bench.mosquitto import Mosquitto, mosquitto
from api.engines.process import wait_until
from ingest import adapter_log
from ingest.adapter_wire import Wire

_QUIET_S = 3.0
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


@dataclass(frozen=True, kw_only=True)
class _Run:
    messages: int
    seconds: float
    cpu_s: float

    @property
    def msg_s(self) -> float:
        return self.messages / self.seconds


def measure(order: Order) -> Result:
    with house() as ours:
        before = _bare(ours, order)
        with _a_mosquitto() as broker, _bridge(ours, broker) as pid:
            bridged, acknowledged, log_cpu_s, broker_cpu_s = _bridged(ours, broker, pid, order)
        after = _bare(ours, order)
    bare_msg_s = (before.msg_s + after.msg_s) / 2
    return Result(
        bridged_msg_s=round(bridged.msg_s, 1),
        bare_msg_s=round(bare_msg_s, 1),
        bare_runs_msg_s=[round(run.msg_s, 1) for run in (before, after)],
        ratio=round(bridged.msg_s / bare_msg_s, 3),
        acknowledged=acknowledged,
        missing=acknowledged - bridged.messages,
        bridge_cpu_us=round(bridged.cpu_s / bridged.messages * 1e6, 2),
        bare_cpu_us=round((before.cpu_s + after.cpu_s) / (before.messages + after.messages) * 1e6, 2),
        log_cpu_us=round(log_cpu_s / bridged.messages * 1e6, 2),
        broker_cpu_us=round(broker_cpu_s / bridged.messages * 1e6, 2),
    )


def _load(ours: House, broker: Mosquitto, order: Order) -> Sent:
    return ours.sent(ours.load(Order(**{**order.__dict__, "port": broker.port})))


def _bare(ours: House, order: Order) -> _Run:
    with _a_mosquitto() as broker:
        command = [sys.executable, "-m", "api.bench.subscriber", "127.0.0.1", str(broker.port), str(_QUIET_S)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as reader:  # noqa: S603  our own module
            assert reader.stdout is not None
            reader.stdout.readline()  # ready
            _load(ours, broker, order)
            return _Run(**json.loads(reader.stdout.readline()))


def _bridged(ours: House, broker: Mosquitto, pid: int, order: Order) -> tuple[_Run, int, float, float]:
    pids = (pid, ours.nats.process.pid, broker.pid)
    start, before = ours.head(), [processes.cpu_s(each) for each in pids]
    sent = _load(ours, broker, order)
    wait_until(lambda: ours.head() >= start + sent.acknowledged, _LONGEST_BACKLOG_S)
    spent = [processes.cpu_s(each) - earlier for each, earlier in zip(pids, before, strict=True)]
    with closing(Wire(ours.nats.url)) as wire:
        head = adapter_log.head(wire)
        first, last = (adapter_log.received_ms(wire, head, seq) or 0 for seq in (start + 1, head.last_seq))
    run = _Run(messages=head.last_seq - start, seconds=(last - first) / 1000, cpu_s=spent[0])
    return run, sent.acknowledged, spent[1], spent[2]


@contextmanager
def _a_mosquitto() -> Iterator[Mosquitto]:
    with tempfile.TemporaryDirectory(prefix="foremend-bench-") as folder, mosquitto(Path(folder)) as broker:
        yield broker


@contextmanager
def _bridge(ours: House, broker: Mosquitto) -> Iterator[int]:
    """The process as an operator runs it, from when it is connected."""
    command = [sys.executable, "-m", "api.cli", "bridge", "--broker", broker.url, "--topic", "fm/#"]
    environment = {**os.environ, "FOREMEND_NATS_URL": ours.nats.url}
    with subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True) as running:  # noqa: S603  our own module
        assert running.stderr is not None
        said = ""
        while '"connected"' not in said:
            said = running.stderr.readline()
            if not said:
                raise RuntimeError("the bridge did not start")
        yield running.pid
        running.terminate()

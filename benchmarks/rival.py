"""The fastest other way that we found, beside ours: `python benchmarks/rival.py [--seconds N] [--near RIVAL OURS]`.

mq-bridge 1.2.0 (a Rust core) brings the same load from Mosquitto into the same PostgreSQL by a multi-row INSERT. Of
each the highest paced rate is looked for at which nothing is missing and p99 is below 2 s, beginning at `--near`;
then both run at theirs, three times in turn. It gets an environment of its own (pip), .rival.
"""

import argparse
import json
import signal
import subprocess
import sys
import tempfile
import time
import venv
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median

import numpy as np

from api.bench import processes, search
from api.bench.house import CLASS_ID, House, house
from api.bench.latency import Commits, Spread
from api.bench.ledger import ledger
from api.bench.mosquitto import Mosquitto, mosquitto
from api.bench.order import Order, Sent
from api.bench.road import drive
from api.bench.source import Stream
from devices import catalogue

VERSION = "1.2.0"
ENVIRONMENT = Path(__file__).parent.parent / ".rival"
METRICS = catalogue.load()[CLASS_ID].metric_names
DEVICES, RUNS, LOWER, TRIES = 1000, 3, 0.95, 4
QUIET_S, PATIENCE_S = 3.0, 60.0
COLUMNS = ", ".join(f"{name} float8" for name in METRICS)
TABLE = f"CREATE TABLE tele (ts bigint, device text, {COLUMNS}, PRIMARY KEY (device, ts))"
COMMITS = """
SELECT array_agg(substr(device, 7)::bigint), array_agg(ts),
       array_agg(extract(epoch FROM pg_xact_commit_timestamp(xmin))::float8) FROM tele WHERE device LIKE 'bench-%'"""


@dataclass(frozen=True, kw_only=True)
class Run:
    msg_s: float
    missing: int
    spread: Spread | None
    cpu_us: dict[str, float]
    kept_up: bool


def judged(order: Order, sent: Sent, commits: Commits, missing: int, cpu_s: dict[str, float]) -> Run:
    spread = commits.waited(sent.shares)
    kept_up = search.keeps_up(
        published_share=sent.published / (order.rate * order.seconds) if order.rate else 1.0,
        missing=missing,
        p99_s=spread.p99 / 1000 if spread else 0.0,
        backlog_s=float(commits.at_s.max()) - sent.acknowledged_at_s,
        seconds=order.seconds,
    )
    cpu_us = {name: round(seconds / len(commits.at_s) * 1e6, 1) for name, seconds in cpu_s.items()}
    return Run(msg_s=commits.per_s(), missing=missing, spread=spread, cpu_us=cpu_us, kept_up=kept_up)


def ours(order: Order) -> Run:
    with house() as home:
        home.register(DEVICES)
        road = drive(home, order, Stream())
        missing = ledger(home, road.sent).missing
        with home.connect() as conn:
            return judged(order, road.sent, Commits.read(conn), missing, road.cpu_s)


def theirs(order: Order) -> Run:
    with house() as home, tempfile.TemporaryDirectory() as folder, mosquitto(Path(folder)) as broker:
        with home.connect() as conn:
            conn.execute(TABLE)
            conn.execute("ALTER ROLE postgres SET synchronous_commit = off")  # as our worker has it
        with rival(home, broker) as pid:
            pids = {"broker": broker.pid, "rival": pid}
            before = cpu(home, pids)
            asked = replace(order, port=broker.port, named=True)
            sent = home.sent(home.load(asked))
            rows = settled(home)
            spent = {name: seconds - before[name] for name, seconds in cpu(home, pids).items()}
        with home.connect() as conn:
            device, ts_ms, at_s = conn.execute(COMMITS, binary=True).fetchone()
        commits = Commits(device=np.array(device), ts_ms=np.array(ts_ms), at_s=np.array(at_s))
        return judged(order, sent, commits, max(0, sent.acknowledged - rows), spent)


def cpu(home: House, pids: dict[str, int | None]) -> dict[str, float]:
    spent = {name: processes.cpu_s(pid) for name, pid in pids.items()}
    return {**spent, "database": processes.family_cpu_s(home.record.pid())}


def count(home: House) -> int:
    with home.connect() as conn:
        return conn.execute("SELECT count(*) FROM tele").fetchone()[0]


def settled(home: House) -> int:
    """How many rows there are, once there have been no more for a while."""
    rows, changed_s = count(home), time.monotonic()
    while time.monotonic() - changed_s < QUIET_S:
        time.sleep(0.2)
        if (now := count(home)) != rows:
            rows, changed_s = now, time.monotonic()
    return rows - 1  # what asked whether it is there


@contextmanager
def rival(home: House, broker: Mosquitto) -> Iterator[int]:
    """From when a message of ours has come through."""
    told = {"port": broker.port, "table": "tele", "metrics": METRICS, "url": url(home)}
    command = [ENVIRONMENT / "bin" / "python", Path(__file__).with_name("rival_route.py"), json.dumps(told)]
    with subprocess.Popen(command) as running:  # noqa: S603  our own, beside this file
        try:
            until = time.monotonic() + PATIENCE_S
            while not count(home):
                if running.poll() is not None or time.monotonic() > until:
                    raise SystemExit("mq-bridge did not bring a message through")
                once = Order(seconds=1, devices=1, rate=100.0, port=broker.port, named=True)
                home.sent(home.load(replace(once, more=("--first-device", "999999", "--turns", "1"))))
                time.sleep(1.0)
            with home.connect() as conn:
                conn.execute("UPDATE tele SET device = 'there'")
            yield running.pid
        finally:
            running.terminate()
            running.wait(30)


def url(home: House) -> str:
    known = dict(part.split("=", 1) for part in home.record.dsn.split())
    return f"postgres://postgres@localhost:{known['port']}/{known['dbname']}?host={known['host']}"


def prepare() -> None:
    """Its environment, once."""
    if not (ENVIRONMENT / "bin" / "python").exists():
        venv.create(ENVIRONMENT, with_pip=True)
    pip = [ENVIRONMENT / "bin" / "python", "-m", "pip", "--disable-pip-version-check", "-q", "install"]
    subprocess.run([*pip, f"mq-bridge=={VERSION}"], check=True)  # noqa: S603  pip


def highest(name: str, one: Callable[[Order], Run], order: Order, near: float) -> float:
    def probe(rate: float | None) -> search.Trial:
        run = one(replace(order, rate=rate, seconds=search.PROBE_S))
        say(name, rate, run)
        return search.Trial(msg_s=run.msg_s, kept_up=run.kept_up)

    return search.highest(probe, near)


def say(name: str, rate: float | None, run: Run) -> None:
    asked = "flat out" if rate is None else f"{rate:8,.0f}"
    waited = f"p50 {run.spread.p50:7.1f} ms, p99 {run.spread.p99:7.1f} ms" if run.spread else "-"
    verdict = "keeps up" if run.kept_up else "does not keep up"
    print(
        f"{name:9} {asked}: {run.msg_s:9,.0f} msg/s, missing {run.missing}, {waited}, {run.cpu_us}, {verdict}",
        flush=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=8.0)
    parser.add_argument("--near", type=float, nargs=2, metavar=("RIVAL", "OURS"), default=(36_000, 65_000))
    given = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that the engines end as well
    prepare()
    order = Order(seconds=given.seconds, devices=DEVICES, rate=None)
    ways = {"mq-bridge": theirs, "foremend": ours}
    near = dict(zip(ways, given.near, strict=True))
    rates = {name: highest(name, one, order, near[name]) for name, one in ways.items()}
    runs: dict[str, list[Run]] = {name: [] for name in ways}
    for _ in range(RUNS):
        for name, one in ways.items():
            for _ in range(TRIES):
                run = one(replace(order, rate=rates[name]))
                say(name, rates[name], run)
                if run.kept_up:
                    runs[name].append(run)
                    break
                rates[name] *= LOWER
    medians = {name: median(run.msg_s for run in those) for name, those in runs.items() if those}
    print({name: round(rate) for name, rate in medians.items()})
    print(f"ratio {medians['foremend'] / medians['mq-bridge']:.2f}")


if __name__ == "__main__":
    sys.exit(main())

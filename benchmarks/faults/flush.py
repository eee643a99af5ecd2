"""Devices come back after two hours and say all at once what they measured meanwhile, while others go on living."""

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from api.bench.house import House
from api.bench.latency import Commits, Floats, Share
from api.bench.order import Order, Sent
from api.bench.road import wait_beyond
from benchmarks.faults.hands import Worker
from benchmarks.faults.trial import DEVICES, Row, Trial, an_order, environment

_NICENESS = 10  # of who flushes: devices have processors of their own, and this machine's are the house's
_EVERY_MS = 60_000
_QUIET_S = 1.0


@dataclass(frozen=True, kw_only=True)
class Backlog:
    """`readings` of each of `devices`, one a minute, the last a minute ago."""

    devices: int
    readings: int
    first_ts_ms: int

    @classmethod
    def of(cls, devices: int, readings: int) -> "Backlog":
        first = (int(time.time()) * 1000) - readings * _EVERY_MS
        return cls(devices=devices, readings=readings, first_ts_ms=first)


Flush = Callable[[House, Backlog], Sent]


def one_by_one(ours: House, backlog: Backlog) -> Sent:
    """As fast as the broker acknowledges them."""
    return _flushed(ours, backlog, readings=1)


def twice(ours: House, backlog: Backlog) -> Sent:
    """As devices do that lost their connection before they heard that everything was there."""
    _flushed(ours, backlog, readings=1)
    return _flushed(ours, backlog, readings=1)


def in_arrays(ours: House, backlog: Backlog) -> Sent:
    """All that a device has to say in one message of 25 KB; the house takes 64 KiB."""
    return _flushed(ours, backlog, readings=backlog.readings)


def _flushed(ours: House, backlog: Backlog, *, readings: int) -> Sent:
    turns = ("--turns", str(backlog.readings // readings), "--step-ms", str(_EVERY_MS))
    order = Order(
        seconds=120,
        devices=backlog.devices,
        rate=None,
        readings=readings,
        first_ts_ms=backlog.first_ts_ms,
        more=("--first-device", str(DEVICES + 1), *turns),
    )
    return ours.sent(ours.load(order, "flush", niceness=_NICENESS), "flush")


def under_live_traffic(
    trial: Trial, *, flush: Flush, devices: int, readings: int, rate: float, live_s: float, waits: float
) -> Row:
    """`waits`: for which share of the flush, until it is in the record, 99 of 100 who live beside it wait at most. A
    share and no time: a slower machine takes longer for both."""
    ours = trial.ours
    trial.begin()
    with trial.working(Worker(environment(ours))):
        load = trial.load(an_order(live_s, rate), speaks_s=_QUIET_S)
        begun_s = time.time()
        trial.say(f"{devices * readings:,} readings of {devices} devices flushed")
        flushed = flush(ours, Backlog.of(devices, readings))
        trial.catch_up()
        ended_s = time.time()
        live = ours.sent(load)
        wait_beyond(ours, ours.head() - 1)
        with ours.connect() as conn:
            published_s, waited_ms, logged_ms = _waited(Commits.read(conn), live.shares)
        during = (published_s >= begun_s) & (published_s < ended_s)
        quiet = (published_s >= begun_s - _QUIET_S) & (published_s < begun_s)
        trial.live_p99_ms = {
            "quiet": _p99(waited_ms[quiet]),
            "during": _p99(waited_ms[during]),
            "logged": _p99(logged_ms[during]),
            "longest": round(float(waited_ms.max()), 1),
        }
        flush_s = ended_s - begun_s
        trial.promise(trial.live_p99_ms["during"] < waits * flush_s * 1000, f"p99 of live below {waits:.0%} of a flush")
        done = f"{devices * readings:,} readings in {flush_s:.1f} s beside {rate:,.0f} messages/s"
        return trial.settle(done, flushed, live)


def _waited(commits: Commits, shares: list[Share]) -> tuple[Floats, Floats, Floats]:
    """Of each live message when it was published, and for how long it then waited, in ms: for its commit, and before
    that for the log, which is when it is acknowledged."""
    assert commits.logged_s is not None
    published, waited, logged = [], [], []
    for share in shares:
        mine = (commits.device >= share.first_device) & (commits.device < share.first_device + share.devices)
        at_s = share.published_s(commits.device[mine], commits.ts_ms[mine])
        published.append(at_s)
        waited.append((commits.at_s[mine] - at_s) * 1000)
        logged.append((commits.logged_s[mine] - at_s) * 1000)
    return np.concatenate(published), np.concatenate(waited), np.concatenate(logged)


def _p99(waited_ms: Floats) -> float:
    return round(float(np.percentile(waited_ms, 99)), 1) if len(waited_ms) else 0.0

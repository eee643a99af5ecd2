"""Every fault by its name, with a short form for each change and a long one for the night."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from api.bench.house import House
from benchmarks.faults import database, disks, flush, killed, retold, ways
from benchmarks.faults.trial import Row, Trial


@dataclass(frozen=True, kw_only=True)
class Fault:
    run: Callable[..., Row]
    short: Mapping[str, Any]
    long: Mapping[str, Any]
    mounts: bool = False  # a small disk


_one_by_one = partial(flush.under_live_traffic, flush=flush.one_by_one)
_twice = partial(flush.under_live_traffic, flush=flush.twice)
_in_arrays = partial(flush.under_live_traffic, flush=flush.in_arrays)
_backlog = {"devices": 1000, "readings": 120, "rate": 1000.0, "live_s": 20.0}
_backlog_short = {"devices": 100, "readings": 120, "rate": 300.0, "live_s": 3.5, "waits": 1.0}

FAULTS = {
    "worker-killed": Fault(
        run=killed.worker,
        short={"kills": 5, "rate": 2000.0},
        long={"kills": 20, "rate": 5000.0},
    ),
    "broker-killed": Fault(
        run=killed.broker,
        short={"kills": 3, "rate": 2000.0},
        long={"kills": 20, "rate": 5000.0},
    ),
    "database-stopped": Fault(
        run=database.stopped,
        short={"away_s": 2.0, "rate": 2000.0},
        long={"away_s": 15.0, "rate": 5000.0},
    ),
    "database-hung": Fault(
        run=database.hung,
        short={"hang_s": 3.0, "patience_s": 1.0, "rate": 1000.0},
        long={"hang_s": 75.0, "patience_s": 30.0, "rate": 2000.0},
    ),
    "no-connection-left": Fault(
        run=database.no_connection_left,
        short={"full_s": 0.5, "patience_s": 1.0, "rate": 1000.0},
        long={"full_s": 15.0, "patience_s": 30.0, "rate": 5000.0},
    ),
    "disk-full": Fault(
        run=disks.data,
        short={"full_s": 0.3, "rate": 2000.0},
        long={"full_s": 15.0, "rate": 2000.0},
        mounts=True,
    ),
    "wal-disk-full": Fault(
        run=disks.wal,
        short={"full_s": 0.5, "rate": 1000.0},
        long={"full_s": 15.0, "rate": 2000.0},
        mounts=True,
    ),
    "way-to-database-dead": Fault(
        run=ways.to_database,
        short={"dead_s": 0.8, "patience_s": 1.0, "rate": 1000.0, "lease_s": 2.0},
        long={"dead_s": 45.0, "patience_s": 30.0, "rate": 2000.0},
    ),
    "way-to-log-dead": Fault(
        run=ways.to_log,
        short={"dead_s": 4.0, "rate": 1000.0},
        long={"dead_s": 30.0, "rate": 2000.0},
    ),
    "devices-vanished": Fault(
        run=ways.from_devices,
        short={"dead_s": 0.5, "keep_alive_s": 1, "rate": 1000.0},
        long={"dead_s": 15.0, "keep_alive_s": 5, "rate": 5000.0},
    ),
    "backlog-one-by-one": Fault(run=_one_by_one, short=_backlog_short, long=_backlog | {"waits": 1.0}),
    "backlog-twice": Fault(run=_twice, short=_backlog_short, long=_backlog | {"waits": 0.5}),
    "backlog-in-arrays": Fault(run=_in_arrays, short=_backlog_short, long=_backlog | {"waits": 0.75}),
    "told-otherwise": Fault(
        run=retold.told,
        short={"seeds": 2, "readings": 200},
        long={"seeds": 7, "readings": 2000},
    ),
}


def run(name: str, ours: House, say: Callable[[str], None], *, long: bool) -> Row:
    """On a house with `trial.DEVICES` + `trial.FLUSHED` registered devices."""
    fault = FAULTS[name]
    return fault.run(Trial(fault=name, ours=ours, say=say), **(fault.long if long else fault.short))

"""How long a message takes: from its publishing, as the load says, to its commit, as PostgreSQL says."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

import numpy as np
import numpy.typing as npt
from psycopg import Connection

from ledger.statements import Statements

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
KEEP_COMMIT_TIMES = {"track_commit_timestamp": "on"}  # what PostgreSQL must be started with
_sql = Statements("api.bench")


@dataclass(frozen=True, kw_only=True)
class Share:
    """One publisher's messages of `readings` each: number i is of device `first_device` + i % `devices`; a device's
    reading k stands at `first_ts_ms` + k * `step_ms`. From number `first` (k,) on they went out at `at_s` (k,)."""

    first_device: int
    devices: int
    first_ts_ms: int
    step_ms: int
    first: Ints
    at_s: Floats
    readings: int = 1

    @classmethod
    def of(cls, said: dict[str, Any]) -> "Share":
        """As the load says it."""
        return cls(**{**said, "first": np.array(said["first"], np.int64), "at_s": np.array(said["at_s"])})

    def published_s(self, device: Ints, ts_ms: Ints) -> Floats:
        turn = (ts_ms - self.first_ts_ms) // self.step_ms // self.readings
        number = turn * self.devices + device - self.first_device
        return self.at_s[np.searchsorted(self.first, number, side="right") - 1]


@dataclass(frozen=True, kw_only=True)
class Spread:
    """Milliseconds."""

    p50: float
    p99: float

    @classmethod
    def of(cls, waited_s: Floats) -> "Spread | None":
        if not len(waited_s):
            return None
        p50, p99 = np.percentile(waited_s * 1000, [50, 99])
        return cls(p50=round(float(p50), 1), p99=round(float(p99), 1))

    @classmethod
    def median(cls, spreads: "Sequence[Spread | None]") -> "Spread | None":
        """Of several loads; None if one of them has none."""
        every = [spread for spread in spreads if spread is not None]
        if len(every) < len(spreads) or not every:
            return None
        return cls(p50=median(spread.p50 for spread in every), p99=median(spread.p99 for spread in every))


@dataclass(frozen=True, kw_only=True)
class Commits:
    """Readings of the load, as the record has them: device, time, and when they were committed. `logged_s`: when the
    log had them; None where there is no log."""

    device: Ints
    ts_ms: Ints
    at_s: Floats
    logged_s: Floats | None = None

    @classmethod
    def read(cls, conn: Connection[Any]) -> "Commits":
        device, ts_ms, at_s, logged_s = conn.execute(_sql.read_commits, binary=True).fetchone() or ([], [], [], [])
        return cls(
            device=np.array(device, np.int64),
            ts_ms=np.array(ts_ms, np.int64),
            at_s=np.array(at_s, np.float64),
            logged_s=np.array(logged_s, np.float64),
        )

    def per_s(self) -> float:
        """From the first commit to the last."""
        return len(self.at_s) / float(self.at_s.max() - self.at_s.min())

    def since(self, ts_ms: int) -> "Commits":
        """Of readings that were made then or later."""
        mine = self.ts_ms >= ts_ms
        return Commits(device=self.device[mine], ts_ms=self.ts_ms[mine], at_s=self.at_s[mine])

    def waited(self, shares: list[Share]) -> Spread | None:
        """Since they were published."""
        waited_s = []
        for share in shares:
            mine = (self.device >= share.first_device) & (self.device < share.first_device + share.devices)
            waited_s.append(self.at_s[mine] - share.published_s(self.device[mine], self.ts_ms[mine]))
        return Spread.of(np.concatenate(waited_s))


def breach_to_alert(conn: Connection[Any], published_s: dict[str, float]) -> Spread | None:
    """None: not every breach became an alert."""
    alerts = dict(conn.execute(_sql.read_alerts).fetchall())
    if alerts.keys() != published_s.keys():
        return None
    return Spread.of(np.array([alerts[device] - at_s for device, at_s in published_s.items()]))

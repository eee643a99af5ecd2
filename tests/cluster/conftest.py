"""A record with four hundred devices, the cluster beside it, and a load on each front."""

import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import pytest

from api import partitions
from api.bench.house import TENANT, House
from api.bench.ledger import Ledger, ledger
from api.bench.order import Sent
from api.engines import fronts
from simulators.load_messages import device_name
from tests.cluster.machines import ROOT, Cluster
from tests.conftest import Database
from tests.faults.crew import a_worker
from tests.ingest.record import register
from tests.processes import wait_for

K = 3
LEASE_S = 8.0  # five servers and four workers on one machine: of one that lives it does not run out
DEVICES = 200  # of a front
MSG_S = 300.0


@dataclass
class Trial:
    """The house on many machines."""

    database: Database
    cluster: Cluster
    folder: Path
    crew: list[Any] = field(default_factory=list)
    loads: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def hire(self) -> Any:
        self.crew.append(a_worker(self.database.dsn, self.cluster.url, LEASE_S))
        return self.crew[-1]

    def speak(self, seconds: float) -> None:
        """On each front its own devices, bad messages among theirs."""
        for place, door in enumerate(self.cluster.doors):
            options = ["--port", door, "--tenant", TENANT, "--devices", DEVICES, "--first-device", 1 + place * DEVICES]
            options += ["--seconds", seconds, "--rate", MSG_S, "--publishers", 2, "--bad-every", 20, "--reconnect"]
            options += ["--keep-alive", 5, "--step-ms", 1000, "--keys-out", self._keys(place)]
            command = [sys.executable, "-m", "simulators.load", *map(str, options)]
            self.loads.append(subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL))

    def spoken(self) -> None:
        for load in self.loads:
            assert load.wait(300) == 0

    def _keys(self, place: int) -> Path:
        return self.folder / f"keys-{place}.json"

    def balance(self) -> Ledger:
        rows = [row for place in range(len(self.loads)) for row in json.loads(self._keys(place).read_text())]
        counts = {name: sum(row[name] for row in rows) for name in ("published", "acknowledged")}
        sent = Sent(**counts, acknowledged_at_s=0.0, cpu_s=0.0, keys=rows, shares=[])
        return ledger(cast("House", self.database), sent)

    def rows(self) -> dict[int, tuple[int, int, int | None]]:
        """Of each partition its epoch, its cursor, and who has it."""
        with self.database.connect() as conn:
            found = conn.execute("SELECT first_slot, epoch, cursor, owner FROM partition").fetchall()
        return {
            first: (epoch, cursor, int(owner.split(":")[-1]) if owner else None)
            for first, epoch, cursor, owner in found
        }

    def owned_by(self, worker: Any) -> int | None:
        return next((first for first, (_, _, pid) in self.rows().items() if pid == worker.pid), None)

    def calm(self) -> None:
        """Until every partition has been read for a while by one and the same worker."""
        for _ in range(20):
            before = self.rows()
            time.sleep(3)
            after = self.rows()
            if all(after[slot][0] == epoch and after[slot][1] > cursor for slot, (epoch, cursor, _) in before.items()):
                return
        pytest.fail(f"no calm: {self.rows()}")

    def caught_up(self) -> None:
        wait_for(lambda: all(front.lag == 0 for front in self.cluster.head().fronts), 180, 0.2)
        drawn = sum(fronts.heads(self.cluster.url, self.cluster.names).values())
        wait_for(lambda: self.cluster.head().messages == drawn, 180, 0.2)
        wait_for(lambda: {cursor for _, cursor, _ in self.rows().values()} == {self.cluster.head().last_seq}, 180, 0.2)


@pytest.fixture
def trial(database: Database) -> Iterator[Trial]:
    folder = Path(tempfile.mkdtemp(prefix="foremend-cluster-", dir="/tmp"))
    cluster = Cluster(folder)
    with ExitStack() as ending:
        ending.callback(shutil.rmtree, folder, ignore_errors=True)
        ending.callback(cluster.stop)
        with database.connect() as conn:
            names = [device_name(number) for number in range(1, 1 + DEVICES * len(cluster.doors))]
            register(conn, *[(TENANT, name, "cold_room") for name in names])
            logs = {"slots": K, "replicas": 3, "issuer": cluster.issuer}
            cluster.start(lambda: fronts.ensure_logs(cluster.url, cluster.names, **logs))
            assert partitions.spread(conn, cluster.url, K, cluster.names)
        made = Trial(database, cluster, folder)
        ending.callback(lambda: [worker.kill() for worker in made.crew])
        ending.callback(lambda: [load.kill() for load in made.loads])
        yield made

"""Engines and a worker of the bench's own, in a folder that is gone afterwards."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import psycopg

from api.bench import record
from api.bench.latency import Share
from api.bench.order import Order, Sent
from api.bench.record import Record
from api.engines import account as accounts
from api.engines.nats import Nats
from api.engines.nats_streams import stream_state
from api.engines.ports import free_port
from api.engines.postgres import Postgres
from ledger.statements import Statements

TENANT = "bench"
CLASS_ID = "cold_room"
BREACHES = 30
_ENDS_S = 120.0  # against hanging
_sql = Statements("api.bench")


class Breaches:
    """Devices that were well and get warm one after another (simulators.breach)."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        self._process, self._stdin, self._stdout = process, process.stdin, process.stdout
        if self._stdout.readline() != "ready\n":
            raise RuntimeError("the breaches could not be prepared")

    def begin(self, seconds: float) -> None:
        self._stdin.write(f"{seconds}\n")
        self._stdin.flush()

    def end(self) -> dict[str, float]:
        """When each device's breach was published."""
        said: dict[str, float] = json.loads(self._stdout.readline())
        return said


@dataclass(frozen=True, kw_only=True)
class House:
    folder: Path
    record: Record
    nats: Nats

    @property
    def postgres(self) -> Postgres:
        """The bench's own; a user's server is not ours to stop."""
        assert self.record.engine is not None
        return self.record.engine

    def connect(self) -> psycopg.Connection[Any]:
        return self.record.connect()

    def head(self) -> int:
        return stream_state(self.nats.url).last_seq

    def register(self, devices: int) -> None:
        """As the load and the breaches name them."""
        with self.connect() as conn:
            conn.execute(_sql.register_tenant, {"tenant_id": TENANT})
            for prefix, digits, class_id, count in (
                ("bench-", 6, CLASS_ID, devices),
                ("breach-", 3, "refrigerator", BREACHES),
            ):
                names = {"tenant_id": TENANT, "class_id": class_id, "prefix": prefix, "digits": digits, "count": count}
                conn.execute(_sql.register_devices, names)

    @contextmanager
    def worker(self) -> Iterator[subprocess.Popen[bytes]]:
        """The worker as it is, from the log's head on."""
        with self.connect() as conn:
            conn.execute(_sql.set_cursor, {"cursor": self.head()})
            (epoch, _) = conn.execute(_sql.read_partition).fetchone() or (0, 0)
        running = subprocess.Popen(self._command("api.cli", "worker"), env=self._environment())  # noqa: S603  our own module
        try:
            while self.progress()[0] == epoch:
                if running.poll() is not None:
                    raise RuntimeError(f"the worker did not start; see {self.folder / 'logs' / 'worker.log'}")
                time.sleep(0.05)
            yield running
        finally:
            running.terminate()
            running.wait(_ENDS_S)

    @contextmanager
    def relay(self) -> Iterator[subprocess.Popen[bytes]]:
        running = subprocess.Popen(self._command("api.cli", "relay"), env=self._environment("relay"))  # noqa: S603  our own module
        try:
            yield running
        finally:
            running.terminate()
            running.wait(_ENDS_S)

    @contextmanager
    def breaches(self, order: Order) -> Iterator[Breaches]:
        """They have been well for four days when this is entered. They publish where the load does."""
        options = ["--host", order.host, "--port", str(order.port or self.nats.mqtt_port), "--tenant", TENANT]
        options += ["--devices", str(BREACHES), *(["--username", order.username] if order.username else [])]
        with subprocess.Popen(  # noqa: S603  our own module
            self._command("simulators.breach", *options),
            env={**os.environ, **order.environment()},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        ) as running:
            try:
                yield Breaches(running)
            finally:
                running.terminate()

    def is_aggregated(self) -> bool:
        """No hour of the past is to be aggregated anew."""
        with self.connect() as conn:
            return conn.execute(_sql.find_stale_hour).fetchone() is None

    def alerts(self) -> int:
        with self.connect() as conn:
            (count,) = conn.execute(_sql.count_alerts).fetchone() or (0,)
        return int(count)

    def progress(self) -> tuple[int, int]:
        """The partition's epoch and cursor."""
        with self.connect() as conn:
            epoch, cursor = conn.execute(_sql.read_partition).fetchone() or (0, 0)
        return epoch, cursor

    def load(self, order: Order, name: str = "load", *, niceness: int = 0) -> subprocess.Popen[bytes]:
        """Starts publishing; `sent` waits for it. Two at once have two names."""
        options = ["--tenant", TENANT, *order.options(self.nats.mqtt_port)]
        options += [f"--{part}-out={self.folder / f'{name}-{part}.json'}" for part in ("keys", "sends")]
        environment = {**os.environ, **order.environment()}
        command = ["nice", "-n", str(niceness), *self._command("simulators.load", *options)]
        return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE)  # noqa: S603  our own module

    def sent(self, load: subprocess.Popen[bytes], name: str = "load") -> Sent:
        answer, _ = load.communicate(timeout=600)
        if load.returncode:
            raise RuntimeError("the load gave up")
        said = json.loads(answer)
        keys, shares = (json.loads((self.folder / f"{name}-{part}.json").read_text()) for part in ("keys", "sends"))
        return Sent(
            published=said["published"],
            acknowledged=said["acknowledged"],
            acknowledged_at_s=said["acknowledged_at_s"],
            cpu_s=said["cpu_s"],
            keys=keys,
            shares=[Share.of(row) for row in shares],
            readings=said["readings"] // max(said["acknowledged"], 1),
        )

    def _command(self, module: str, *options: str) -> list[str]:
        return [sys.executable, "-m", module, *options]

    def _environment(self, process: str = "worker") -> dict[str, str]:
        ours = {**self.record.environment(), "FOREMEND_NATS_URL": self.nats.url}
        return {**os.environ, **ours, "FOREMEND_LOG_FILE": str(self.folder / "logs" / f"{process}.log")}


@contextmanager
def house(settings: Mapping[str, str] = MappingProxyType({}), dsn: str | None = None) -> Iterator[House]:
    """Real engines with the product's settings, gone at the end whatever happened. `settings`: PostgreSQL's, beyond.
    `dsn`: a server of the user's, on which a database is made for the occasion. Raises BenchError."""
    folder = Path(tempfile.mkdtemp(prefix="foremend-bench-"))
    accounts.prepare(folder, accounts.choose())
    nats = Nats(folder, port=free_port(), mqtt_port=free_port())
    try:
        with record.embedded(folder, settings) if dsn is None else record.scratch(dsn) as kept:
            try:
                nats.start()
                yield House(folder=folder, record=kept, nats=nats)
            finally:
                nats.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)

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

from api import schema
from api.bench.latency import KEEP_COMMIT_TIMES, Share
from api.engines import account as accounts
from api.engines.nats import Nats, free_port, stream_state
from api.engines.postgres import Postgres
from devices import catalogue
from ledger.statements import Statements

TENANT = "bench"
CLASS_ID = "cold_room"
BREACHES = 30
_sql = Statements("api.bench")


@dataclass(frozen=True, kw_only=True)
class Order:
    """`rate`: messages a second, None for as many as are acknowledged. `reconnect`: the load outlives its broker.
    `port`: of another broker than ours. `more`: the load's other options, as it names them."""

    seconds: float
    devices: int
    rate: float | None
    reconnect: bool = False
    port: int | None = None
    more: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Sent:
    """What the load says of itself, which readings it published (a row a device), and when (a row a publisher)."""

    published: int
    acknowledged: int
    acknowledged_at_s: float  # the last one
    cpu_s: float
    keys: list[dict[str, Any]]
    shares: list[Share]


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
    postgres: Postgres
    nats: Nats

    def connect(self) -> psycopg.Connection[Any]:
        return psycopg.connect(self.postgres.dsn, user="postgres", autocommit=True)

    def head(self) -> int:
        return stream_state(self.nats.url).last_seq

    def register(self, devices: int) -> None:
        """As the load and the breaches name them."""
        with self.connect() as conn:
            conn.execute(_sql.register_tenant, {"tenant_id": TENANT})
            for prefix, digits, class_id, count in (
                ("bench-", 5, CLASS_ID, devices),
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
            running.wait(30)

    @contextmanager
    def relay(self) -> Iterator[subprocess.Popen[bytes]]:
        running = subprocess.Popen(self._command("api.cli", "relay"), env=self._environment("relay"))  # noqa: S603  our own module
        try:
            yield running
        finally:
            running.terminate()
            running.wait(30)

    @contextmanager
    def breaches(self) -> Iterator[Breaches]:
        """They have been well for four days when this is entered."""
        options = ["--port", str(self.nats.mqtt_port), "--tenant", TENANT, "--devices", str(BREACHES)]
        command = self._command("simulators.breach", *options)
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as running:  # noqa: S603  our own module
            try:
                yield Breaches(running)
            finally:
                running.terminate()

    def alerts(self) -> int:
        with self.connect() as conn:
            (count,) = conn.execute(_sql.count_alerts).fetchone() or (0,)
        return int(count)

    def progress(self) -> tuple[int, int]:
        """The partition's epoch and cursor."""
        with self.connect() as conn:
            epoch, cursor = conn.execute(_sql.read_partition).fetchone() or (0, 0)
        return epoch, cursor

    def load(self, order: Order, name: str = "load") -> subprocess.Popen[bytes]:
        """Starts publishing; `sent` waits for it. Two at once have two names."""
        pace = ["--flat-out"] if order.rate is None else ["--rate", str(order.rate)]
        port = order.port or self.nats.mqtt_port
        options = ["--port", str(port), "--tenant", TENANT, "--devices", str(order.devices)]
        options += ["--seconds", str(order.seconds), *pace, "--keys-out", str(self.folder / f"{name}-keys.json")]
        options += ["--sends-out", str(self.folder / f"{name}-sends.json")]
        options += [*(["--reconnect"] if order.reconnect else []), *order.more]
        return subprocess.Popen(self._command("simulators.load", *options), stdout=subprocess.PIPE)  # noqa: S603  our own module

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
        )

    def bare_reader(self, until: float) -> subprocess.Popen[bytes]:
        """The worker's reader, which only counts, until the log has been quiet for `until` seconds."""
        command = self._command("api.bench.bare", str(self.head()), str(until))
        return subprocess.Popen(command, env=self._environment(), stdout=subprocess.PIPE)  # noqa: S603  our own module

    def _command(self, module: str, *options: str) -> list[str]:
        return [sys.executable, "-m", module, *options]

    def _environment(self, process: str = "worker") -> dict[str, str]:
        ours = {"FOREMEND_DSN": self.postgres.dsn, "FOREMEND_NATS_URL": self.nats.url}
        return {**os.environ, **ours, "FOREMEND_LOG_FILE": str(self.folder / "logs" / f"{process}.log")}


@contextmanager
def house(settings: Mapping[str, str] = MappingProxyType({})) -> Iterator[House]:
    """Real engines with the product's settings, gone at the end whatever happened. `settings`: PostgreSQL's, beyond."""
    folder = Path(tempfile.mkdtemp(prefix="foremend-bench-"))
    accounts.prepare(folder, accounts.choose())
    postgres = Postgres(folder, settings=KEEP_COMMIT_TIMES | dict(settings))
    nats = Nats(folder, port=free_port(), mqtt_port=free_port())
    try:
        postgres.start()
        with psycopg.connect(postgres.dsn, user="postgres", autocommit=True) as conn:
            schema.apply(conn, catalogue.load())
        nats.start()
        yield House(folder=folder, postgres=postgres, nats=nats)
    finally:
        nats.stop()
        postgres.stop()
        shutil.rmtree(folder, ignore_errors=True)

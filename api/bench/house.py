"""Engines and a worker of the bench's own, in a folder that is gone afterwards."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg

from api import schema
from api.engines import account as accounts
from api.engines.nats import Nats, free_port, stream_state
from api.engines.postgres import Postgres
from devices import catalogue, registry
from devices.registry import Registration
from ledger import scope
from ledger.model import Scope
from ledger.statements import Statements

TENANT = "bench"
CLASS_ID = "cold_room"
_sql = Statements("api.bench")


@dataclass(frozen=True, kw_only=True)
class Sent:
    """What the load says of itself, and which readings it published: a row a device."""

    published: int
    acknowledged: int
    keys: list[dict[str, Any]]


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
        """As the load names them."""
        known, who, now = catalogue.load(), Scope(tenant_id=TENANT, actor="bench:register"), datetime.now(UTC)
        with psycopg.connect(self.postgres.dsn, user="foremend_api") as conn, conn.transaction():
            scope.enter(conn, who)
            for number in range(1, devices + 1):
                name = f"bench-{number:05d}"
                said = Registration(device_id=name, class_id=CLASS_ID, model="bench", serial=name)
                registry.register(conn, known, said, by=who, now=now)

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

    def progress(self) -> tuple[int, int]:
        """The partition's epoch and cursor."""
        with self.connect() as conn:
            epoch, cursor = conn.execute(_sql.read_partition).fetchone() or (0, 0)
        return epoch, cursor

    def load(
        self, devices: int, seconds: float, rate: float | None, *, reconnect: bool = False
    ) -> subprocess.Popen[bytes]:
        """Starts publishing; `sent` waits for it."""
        pace = ["--flat-out"] if rate is None else ["--rate", str(rate)]
        options = ["--port", str(self.nats.mqtt_port), "--tenant", TENANT, "--devices", str(devices)]
        options += ["--seconds", str(seconds), *pace, "--keys-out", str(self.folder / "keys.json")]
        options += ["--reconnect"] if reconnect else []
        return subprocess.Popen(self._command("simulators.load", *options), stdout=subprocess.PIPE)  # noqa: S603  our own module

    def sent(self, load: subprocess.Popen[bytes]) -> Sent:
        answer, _ = load.communicate(timeout=600)
        if load.returncode:
            raise RuntimeError("the load gave up")
        said = json.loads(answer)
        keys = json.loads((self.folder / "keys.json").read_text(encoding="utf-8"))
        return Sent(published=said["published"], acknowledged=said["acknowledged"], keys=keys)

    def bare_reader(self, until: float) -> subprocess.Popen[bytes]:
        """The worker's reader, which only counts, until the log has been quiet for `until` seconds."""
        command = self._command("api.bench.bare", str(self.head()), str(until))
        return subprocess.Popen(command, env=self._environment(), stdout=subprocess.PIPE)  # noqa: S603  our own module

    def _command(self, module: str, *options: str) -> list[str]:
        return [sys.executable, "-m", module, *options]

    def _environment(self) -> dict[str, str]:
        ours = {"FOREMEND_DSN": self.postgres.dsn, "FOREMEND_NATS_URL": self.nats.url}
        return {**os.environ, **ours, "FOREMEND_LOG_FILE": str(self.folder / "logs" / "worker.log")}


@contextmanager
def house() -> Iterator[House]:
    """Real engines with the product's settings, gone at the end whatever happened."""
    folder = Path(tempfile.mkdtemp(prefix="foremend-bench-"))
    accounts.prepare(folder, accounts.choose())
    postgres = Postgres(folder)
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

"""The whole house as processes on fresh engines, so that the yard meets it at its two doors only."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import pytest

from api.engines.nats import Nats
from api.engines.ports import free_port
from tests.conftest import Database


@dataclass(frozen=True, kw_only=True)
class House:
    api: str
    mqtt: str
    log: Nats

    def get(self, path: str) -> Any:
        return httpx2.get(self.api + path, timeout=60, trust_env=False).raise_for_status().json()

    def until(self, holds: Callable[[], object], what: str, timeout_s: float = 120) -> None:
        end = time.monotonic() + timeout_s
        while not holds():
            assert time.monotonic() < end, what
            time.sleep(0.2)

    def caught_up(self) -> None:
        """The worker has read all that is in the log now."""
        head = self.get("/api/log")["head"]
        self.until(lambda: self.get("/api/log")["cursor"] >= head, "the worker does not catch up")


@pytest.fixture
def house(database: Database, engines_folder: Path, tmp_path: Path) -> Iterator[House]:
    log = Nats(engines_folder / f"log-{tmp_path.name}", port=free_port(), mqtt_port=free_port())
    log.start()
    port = free_port()
    env = {
        **os.environ,
        "FOREMEND_DSN": database.dsn,
        "FOREMEND_NATS_URL": log.url,
        "FOREMEND_MQTT_PORT": str(log.mqtt_port),
        "FOREMEND_HTTP_PORT": str(port),
        "FOREMEND_DATA": str(tmp_path),
        "FOREMEND_LOG_FILE": str(tmp_path / "house.json"),
    }
    commands = [[sys.executable, "-m", "api.cli", name] for name in ("api", "worker", "relay")]
    processes = [subprocess.Popen(command, env=env) for command in commands]
    house = House(api=f"http://127.0.0.1:{port}", mqtt=f"127.0.0.1:{log.mqtt_port}", log=log)
    try:
        house.until(lambda: _answers(house), "the API does not answer")
        yield house
    finally:
        for process in processes:
            process.terminate()
        for process in processes:
            process.wait(60)
        log.stop()


def _answers(house: House) -> bool:
    try:
        return bool(house.get("/livez") is not None)
    except (httpx2.HTTPError, ValueError):
        return False

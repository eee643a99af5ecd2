"""A cluster on loopback, by the same script that the containers run: three cores that keep the log, two fronts."""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from api.door.token import Issuer
from api.engines.nats_request import NatsRequestError, request
from api.engines.ports import free_port
from api.engines.process import wait_until
from ingest import adapter_log
from ingest.adapter_log import Head
from ingest.adapter_wire import Wire
from tests.engines import compose

ROOT = Path(__file__).parents[2]
_PATH = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"


class Machine:
    """One NATS server in a process of its own, on a disk of its own."""

    def __init__(self, name: str, folder: Path, told: dict[str, str]) -> None:
        self.name, self.told, self._folder = name, told, folder
        self.port, self._monitor = free_port(), free_port()
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        where = ["-a", "127.0.0.1", "-p", str(self.port), "-m", str(self._monitor)]
        command = ["/bin/sh", str(self._folder / "deploy" / "nats.sh"), *where]
        with (self._folder / f"{self.name}.log").open("ab") as log:
            self._process = subprocess.Popen(
                command, env={"PATH": _PATH, **self.told}, stdout=log, stderr=log, start_new_session=True
            )

    def start_if_it_ended(self) -> None:
        """As restart: unless-stopped does it: a port that somebody else had is free again in a moment."""
        if self._process is not None and self._process.poll() is not None:
            self.start()

    def _end(self, number: int) -> None:
        """With what it began, which may live on where the script died first."""
        if self._process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, number)
        self._process.wait(60)
        self._process = None

    def kill(self) -> None:
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        self._end(signal.SIGTERM)


def _is_open(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _let_anybody_in(deploy: Path) -> None:
    """The load has no credentials."""
    door, access = deploy / "nats-front-mqtt.conf", deploy / "nats-users.conf"
    words = door.read_text().replace("include nats-door.conf", "").replace("mqtt { ", "mqtt { no_auth_user: device, ")
    door.write_text(words)
    device = '{user: device, password: device, permissions: {publish: ["fm.*.*.up.>"], subscribe: ["$MQTT.>"]}}'
    access.write_text(access.read_text().replace("users: [", f"users: [{device}, "))


class Cluster:
    def __init__(self, folder: Path) -> None:
        self._folder, self._refused = folder, ""
        subprocess.run(["/bin/sh", str(ROOT / "deploy" / "make-secrets.sh")], cwd=folder, check=True)
        shutil.copytree(ROOT / "deploy", folder / "deploy")
        _let_anybody_in(folder / "deploy")
        routes, leafs = ([free_port() for _ in range(3)] for _ in range(2))
        self.doors = [free_port() for _ in range(2)]
        self.cores = [
            self._machine(f"nats-{i + 1}", routes, NATS_CLUSTER_PORT=routes[i], NATS_LEAF_PORT=leafs[i])
            for i in range(3)
        ]
        self.fronts = [
            self._machine(f"front-{i + 1}", leafs, NATS_MQTT_PORT=self.doors[i]) for i in range(len(self.doors))
        ]
        login = (folder / "secrets" / "nats_urls").read_text().partition("@")[0]
        self.url = f"{login}@{','.join(f'127.0.0.1:{core.port}' for core in self.cores)}"
        (folder / "secrets" / "nats_urls").write_text(self.url)

    def _machine(self, name: str, cores: Sequence[int], **ports: int) -> Machine:
        secrets = self._folder / "secrets"
        told = compose.environment(name, compose.CLUSTER) | {key: str(value) for key, value in ports.items()}
        told |= {
            "NATS_HOST": "127.0.0.1",
            "NATS_CORES": " ".join(f"127.0.0.1:{port}" for port in cores),
            "NATS_STORE": str(self._folder / name),
            "NATS_LOG": str(self._folder / f"{name}-said" / "nats.log"),
        }
        files = {
            key: str(secrets / Path(value).name) for key, value in told.items() if value.startswith("/run/secrets/")
        }
        return Machine(name, self._folder, told | files)

    @property
    def issuer(self) -> str:
        """Without which a front does not open its door, though here it lets anybody in."""
        return Issuer((self._folder / "secrets" / "nats_issuer").read_text()).public

    @property
    def names(self) -> list[str]:
        return [front.name for front in self.fronts]

    def start(self, make_logs: Callable[[], Any], machines: Sequence[Machine] = ()) -> None:
        """All of them or some. `make_logs`: what `foremend migrate` does meanwhile."""
        started = machines or (*self.cores, *self.fronts)
        for machine in started:
            machine.start()
        for _ in range(3):  # servers that start in the same moment do not always find a leader
            if wait_until(lambda: self._made(make_logs, started), 45):
                break
            for core in self.cores:
                core.kill()
            for core in self.cores:
                core.start()
        else:
            pytest.fail(self.last_words())
        if not machines:
            assert wait_until(self._doors_are_open, 120), self.last_words()

    def _doors_are_open(self) -> bool:
        for front in self.fronts:
            front.start_if_it_ended()
        return all(map(_is_open, self.doors))

    def _made(self, make_logs: Callable[[], Any], started: Sequence[Machine]) -> bool:
        """As restart: on-failure does it: a cluster needs some seconds to agree that it is one."""
        for machine in started:
            machine.start_if_it_ended()
        try:
            make_logs()
        except Exception as error:  # noqa: BLE001
            self._refused = repr(error)
            return False
        return True

    def stop(self) -> None:
        for machine in (*self.fronts, *self.cores):
            machine.stop()

    def leader(self) -> Machine:
        """Of the log's replicas the one that decides."""
        found: list[str] = []

        def look() -> bool:
            try:
                found.append(request(self.url, "$JS.API.STREAM.INFO.LOG", timeout_s=1)["cluster"]["leader"])
            except (NatsRequestError, KeyError):
                return False
            return True

        assert wait_until(look, 180)
        return next(core for core in self.cores if core.name == found[-1])

    def head(self) -> Head:
        wire = Wire(self.url)
        try:
            return adapter_log.head(wire)
        finally:
            wire.close()

    def last_words(self) -> str:
        logs = [f"{path.name}: {path.read_text()[-1500:]}" for path in self._folder.glob("*.log")]
        return "\n".join([*logs, f"the last attempt to make the logs: {self._refused}"])

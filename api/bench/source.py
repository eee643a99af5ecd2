"""Where the load's messages come from: our own listener, or another broker that a bridge reads."""

import os
import secrets
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Protocol

from api.bench import processes
from api.bench.errors import BenchError
from api.bench.house import TENANT, House
from api.bench.mosquitto import binary, mosquitto
from api.bench.order import Order
from api.bridge.setup import Address
from ingest.bridge import packets
from ingest.errors import BrokerError

_HOST = "127.0.0.1"
FILTER = f"fm/{TENANT}/#"


@dataclass(frozen=True, kw_only=True)
class Way:
    """`order`: the load, with where it goes; `pids`: of what brings it into the log, ours to account for."""

    order: Order
    pids: dict[str, int | None]

    def cpu_s(self) -> dict[str, float]:
        """So far, of those that run on this machine."""
        return {name: processes.cpu_s(pid) for name, pid in self.pids.items() if pid is not None}


Reading = AbstractContextManager[tuple[Order, subprocess.Popen[str]]]


class Source(Protocol):
    def bare(self, ours: House, order: Order, quiet_s: float) -> Reading:
        """What only reads there. It says "ready", and one JSON line once it has been quiet for `quiet_s`."""

    def way(self, ours: House, order: Order) -> AbstractContextManager[Way]:
        """Into the log."""


class Stream:
    """Devices speak to our own listener, which stores in the log."""

    @contextmanager
    def bare(self, ours: House, order: Order, quiet_s: float) -> Iterator[tuple[Order, subprocess.Popen[str]]]:
        environment = {"FOREMEND_NATS_URL": ours.nats.url, **ours.record.environment()}
        with _running(["-m", "api.bench.bare", str(ours.head()), str(quiet_s)], environment) as reader:
            yield order, reader

    @contextmanager
    def way(self, ours: House, order: Order) -> Iterator[Way]:
        yield Way(order=order, pids={"broker": ours.nats.process.pid})


@dataclass(frozen=True, kw_only=True)
class Place:
    """A broker, and who we are there. `pid`: None where it is not ours."""

    host: str
    port: int
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    pid: int | None = None

    @property
    def url(self) -> str:
        return f"mqtt://{self.host}:{self.port}"

    @classmethod
    def read(cls, url: str) -> "Place":
        """Username and password as a bridge is told them. Raises BenchError."""
        try:
            address = Address.read(url)
        except BrokerError as error:
            raise BenchError(str(error)) from None
        if address.tls:
            raise BenchError("--broker: the load speaks no TLS; a bench needs mqtt://HOST:PORT")
        username, password = (os.environ.get(f"FOREMEND_BRIDGE_{name}") for name in ("USERNAME", "PASSWORD"))
        return cls(host=address.host, port=address.port, username=username, password=password)

    def environment(self) -> dict[str, str]:
        said = {"FOREMEND_BRIDGE_USERNAME": self.username, "FOREMEND_BRIDGE_PASSWORD": self.password}
        return {name: value for name, value in said.items() if value is not None}

    def to(self, order: Order) -> Order:
        return replace(order, host=self.host, port=self.port, username=self.username, password=self.password)

    def forget(self, client_id: str) -> None:
        """A clean session of the same name ends the one that the broker keeps for a bridge."""
        hello = packets.connect(client_id, keep_alive_s=0, clean=True, username=self.username, password=self.password)
        with socket.create_connection((self.host, self.port), 5) as made:
            made.sendall(hello)
            made.recv(4)
            made.sendall(packets.FAREWELL)


@dataclass(frozen=True, kw_only=True)
class Bridge:
    """Devices speak to another broker and a bridge reads it. `broker`: the user's; None: a Mosquitto for each run."""

    broker: Place | None = None

    @contextmanager
    def bare(self, ours: House, order: Order, quiet_s: float) -> Iterator[tuple[Order, subprocess.Popen[str]]]:
        """A subscriber that acknowledges and does nothing else."""
        del ours
        client_id = _client_id()
        with self.place() as place:
            command = ["-m", "api.bench.subscriber", place.host, str(place.port), client_id, str(quiet_s)]
            with _running(command, place.environment()) as reader:
                yield place.to(order), reader
            place.forget(client_id)

    @contextmanager
    def way(self, ours: House, order: Order) -> Iterator[Way]:
        with self.place() as place, bridge(ours, place) as pid:
            yield Way(order=place.to(order), pids={"broker": place.pid, "bridge": pid, "log": ours.nats.process.pid})

    @contextmanager
    def place(self) -> Iterator[Place]:
        if self.broker is not None:
            yield self.broker
            return
        if binary() is None:
            raise BenchError("Mosquitto is not there; on Debian or Ubuntu: apt-get install mosquitto")
        with tempfile.TemporaryDirectory(prefix="foremend-bench-") as folder, mosquitto(Path(folder)) as broker:
            yield Place(host=_HOST, port=broker.port, pid=broker.pid)


@contextmanager
def bridge(ours: House, place: Place) -> Iterator[int]:
    """The process as an operator runs it, from when it is connected; the broker then forgets its session."""
    client_id = _client_id()
    command = [sys.executable, "-m", "api.cli", "bridge", "--broker", place.url, "--topic", FILTER]
    environment = {**os.environ, **place.environment(), "FOREMEND_NATS_URL": ours.nats.url}
    with subprocess.Popen(  # noqa: S603  our own module
        [*command, "--client-id", client_id], env=environment, stderr=subprocess.PIPE, text=True
    ) as running:
        assert running.stderr is not None
        said = ""
        while '"connected"' not in said:
            said = running.stderr.readline()
            if not said:
                raise BenchError("the bridge did not start")
        try:
            yield running.pid
        finally:
            running.terminate()
            running.wait(30)
            place.forget(client_id)


@contextmanager
def _running(command: list[str], environment: dict[str, str]) -> Iterator[subprocess.Popen[str]]:
    """From when it is ready."""
    with subprocess.Popen(  # noqa: S603  our own module
        [sys.executable, *command], env={**os.environ, **environment}, stdout=subprocess.PIPE, text=True
    ) as running:
        assert running.stdout is not None
        if running.stdout.readline() != "ready\n":
            raise BenchError("the bare reader did not start")
        yield running


def _client_id() -> str:
    return f"foremend-bench-{secrets.token_hex(4)}"

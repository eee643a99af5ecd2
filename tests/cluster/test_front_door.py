"""A front asks the same door as everybody, over its leaf connection, and its sessions are ended there."""

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from api.door.token import Issuer
from api.engines import account as accounts
from api.engines import fronts
from api.engines.nats_access import ANSWER_S
from api.engines.nats_request import NatsRequestError, request
from api.engines.ports import free_port
from api.engines.process import wait_until
from devices.credentials.model import Issued
from tests import certificates
from tests.conftest import Database
from tests.engines import compose
from tests.engines.compose import ROOT
from tests.engines.doorway import AT_ONCE_S, Client, Doorway
from tests.engines.test_door_strangers import a_connect
from tests.engines.test_encrypted_door import Certified

pytestmark = pytest.mark.cluster
# A core of its own, without a cluster.
CORE = """
include nats.conf
leafnodes {
  host: 127.0.0.1
  port: $NATS_LEAF_PORT
  authorization { user: front, password: $NATS_CORE_PASSWORD, account: HOUSE }
}
"""


@dataclass(frozen=True, kw_only=True)
class Front:
    """What a doorway needs to know of the broker: devices knock at the front, we speak to the core."""

    url: str
    issuer: str
    mqtt_port: int
    said: Path


@contextmanager
def running(command: list[str], told: dict[str, str], log: Path) -> Iterator[None]:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    with log.open("w") as out:
        process = subprocess.Popen(command, env={"PATH": path, **told}, stdout=out, stderr=out, start_new_session=True)
    try:
        yield
    finally:
        process.terminate()
        process.wait(60)


@pytest.fixture
def front(engines_folder: Path, database: Database) -> Iterator[Doorway]:
    with standing(engines_folder / "front", database) as doorway:
        yield doorway


@contextmanager
def standing(folder: Path, database: Database) -> Iterator[Doorway]:
    """By the containers' scripts, at other addresses; encrypted where `folder` has a door's certificate."""
    accounts.prepare(folder, accounts.choose())
    subprocess.run(["/bin/sh", str(ROOT / "deploy" / "make-secrets.sh")], cwd=folder, check=True)
    password = (folder / "secrets" / "nats_core").read_text()
    port, front_port, leaf, mqtt, monitor = (free_port() for _ in range(5))
    house = (folder / "secrets" / "nats_urls").read_text().partition("@")[0]
    url = f"{house}@127.0.0.1:{port}"
    (folder / "secrets" / "nats_urls").write_text(url)
    for part in ("nats.conf", "nats-users.conf"):
        shutil.copy(ROOT / "deploy" / part, folder)
    (folder / "core.conf").write_text(CORE)
    core_told = {
        "NATS_NAME": "core",
        "NATS_DOMAIN": "core",
        "NATS_STORE": str(folder / "core"),
        "NATS_MAX_FILE": "1GB",
        "NATS_LEAF_PORT": str(leaf),
        "NATS_CONNECTIONS": "door.core.connections",
        "NATS_KICK": "door.core.kick.*",
        "NATS_HOUSE_PASSWORD": f'"{house.rpartition(":")[2]}"',
        "NATS_CORE_PASSWORD": f'"{password}"',
    }
    front_told = compose.environment("front-1", compose.CLUSTER) | {
        "NATS_HOST": "127.0.0.1",
        "NATS_CORES": f"127.0.0.1:{leaf}",
        "NATS_STORE": str(folder / "store"),
        "NATS_MQTT_PORT": str(mqtt),
        "NATS_LOG": str(folder / "said" / "nats.log"),
        "NATS_URL_FILE": str(folder / "secrets" / "nats_urls"),
        "NATS_CORE_PASSWORD_FILE": str(folder / "secrets" / "nats_core"),
        "NATS_CERTIFICATE": str(folder / "door"),
        "NATS_MONITOR": f"127.0.0.1:{monitor}",
        "CERTIFICATE_LOOK_S": "0.2",
    }
    issuer = (folder / "secrets" / "nats_issuer").read_text()
    broker = Front(url=url, issuer=issuer, mqtt_port=mqtt, said=folder / "said" / "nats.log")
    core = ["nats-server", "-c", str(folder / "core.conf"), "-a", "127.0.0.1", "-p", str(port), "-m", str(free_port())]
    where = ["-a", "127.0.0.1", "-p", str(front_port), "-m", str(monitor)]
    script = [*compose.confined("front-1", compose.CLUSTER), "/bin/sh", str(ROOT / "deploy" / "nats.sh"), *where]

    def made() -> bool:
        try:
            public = Issuer(issuer).public
            fronts.ensure_logs(url, ["front-1"], slots=None, replicas=None, issuer=public)
        except NatsRequestError:
            return False
        return True

    with (
        running(core, core_told, folder / "core.log"),
        running(script, front_told, folder / "front.log"),
    ):
        assert wait_until(made, 60), (folder / "front.log").read_text()
        assert wait_until(broker.said.exists, 60), (folder / "front.log").read_text()
        yield Doorway(nats=broker, database=database, fronts="front-1")  # type: ignore[arg-type]


def test_a_front_lets_in_whom_the_door_lets_in_and_drops_who_was_revoked(front: Doorway) -> None:
    with front.answering():
        own = front.issue("fridge-1")
        client = Client(front.nats.mqtt_port, str(own.username), own.password, own.username.client_id)
        assert client.is_in
        before = fronts.heads(front.nats.url, ["front-1"])["front-1"]
        client.publish("fm/demo/fridge-1/up/telemetry", b"{}")
        client.publish("fm/demo/fridge-2/up/telemetry", b"{}")
        assert fronts.heads(front.nats.url, ["front-1"])["front-1"] == before + 1
        assert wait_until(lambda: front.ask("SELECT kind, denied FROM denial") == [("PUBLISH", 1)], 60)
        assert "error" not in request(front.nats.url, "$JS.API.INFO")
        front.revoke("fridge-1")
        assert client.lost.wait(AT_ONCE_S)
        again = Client(front.nats.mqtt_port, str(own.username), own.password, own.username.client_id)
        assert not again.is_in


def test_while_no_door_answers_whoever_is_in_stays_and_nobody_comes_in(front: Doorway) -> None:
    own, other = front.issue("inside"), front.issue("outside")

    def come(who: Issued) -> Client:
        return Client(front.nats.mqtt_port, str(who.username), who.password, who.username.client_id)

    with front.answering():
        assert wait_until(lambda: come(own).is_in, 60)
        inside = come(own)
        assert inside.is_in
    before = fronts.heads(front.nats.url, ["front-1"])["front-1"]
    inside.publish("fm/demo/inside/up/telemetry", b"{}")
    assert fronts.heads(front.nats.url, ["front-1"])["front-1"] == before + 1
    begun_s = time.monotonic()
    outside = come(other)
    assert not outside.is_in
    assert time.monotonic() - begun_s > ANSWER_S - 1, "NATS waits for an answer, and then says no"
    assert inside.is_in
    with front.answering():
        assert wait_until(lambda: come(other).is_in, 60)


def test_a_front_takes_up_a_renewed_certificate_and_who_is_in_loses_nothing(
    engines_folder: Path, database: Database
) -> None:
    folder = engines_folder / "encrypted-front"
    accounts.prepare(folder, accounts.choose())
    certificates.of_door(folder)
    ca = certificates.ca(folder)
    with standing(folder, database) as front, front.answering():
        device = Certified(front, front.issue("d1"), ca, None)
        assert device.is_in
        assert not _speaks_in_the_clear(front.nats.mqtt_port)
        before, said = fronts.heads(front.nats.url, ["front-1"])["front-1"], 0
        first = certificates.serial(front.nats.mqtt_port, ca)
        certificates.make(folder, "door", "127.0.0.1")

        def another() -> bool:
            nonlocal said
            device.publish("fm/demo/d1/up/telemetry")
            said += 1
            return certificates.serial(front.nats.mqtt_port, ca) != first

        assert wait_until(another, 60), front.nats.said.read_text()
        assert [another() for _ in range(20)] == [True] * 20
        assert not device.lost.is_set(), front.nats.said.read_text()
        assert fronts.heads(front.nats.url, ["front-1"])["front-1"] == before + said
        front.revoke("d1")
        assert device.lost.wait(AT_ONCE_S), "the leaf connection and the door are still there"


def _speaks_in_the_clear(port: int) -> bool:
    with socket.create_connection(("127.0.0.1", port), 60) as wire:
        wire.sendall(a_connect(b"demo:d1", b"demo.d1.1", b"x"))
        try:
            return wire.recv(1) == b"\x20"
        except OSError:
            return False

"""The same door on a server: deploy/nats.sh takes up a renewed certificate, and who is in stays."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from api.door.token import Issuer
from api.engines import fronts
from api.engines.nats_request import NatsRequestError, request
from api.engines.ports import free_port
from api.engines.process import wait_until
from tests import certificates
from tests.conftest import Database
from tests.engines import compose
from tests.engines.compose import ROOT
from tests.engines.doorway import Doorway
from tests.engines.test_encrypted_door import Certified

pytestmark = pytest.mark.engines
ISSUER = "i" * 48


@pytest.fixture
def folder() -> Iterator[Path]:
    made = Path(tempfile.mkdtemp(prefix="foremend-test-", dir="/tmp"))
    certificates.of_door(made)
    yield made
    shutil.rmtree(made, ignore_errors=True)


@pytest.fixture
def nats(folder: Path) -> Iterator[Any]:
    """As the container runs it, at other addresses."""
    port, mqtt_port, monitor = free_port(), free_port(), free_port()
    url, said = f"nats://house:words@127.0.0.1:{port}", folder / "said" / "nats.log"
    (folder / "nats_url").write_text(url)
    told = {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "NATS_STORE": str(folder / "nats"),
        "NATS_MAX_FILE": "1GB",
        "NATS_MQTT_PORT": str(mqtt_port),
        "NATS_URL_FILE": str(folder / "nats_url"),
        "NATS_LOG": str(said),
        "NATS_CERTIFICATE": str(folder / "door"),
        "NATS_MONITOR": f"127.0.0.1:{monitor}",
        "CERTIFICATE_LOOK_S": "0.2",
    }
    where = ["-a", "127.0.0.1", "-p", str(port), "-m", str(monitor)]
    with (folder / "out").open("w") as out:
        script = [*compose.confined("nats"), "/bin/sh", str(ROOT / "deploy" / "nats.sh"), *where]
        process = subprocess.Popen(script, env=told, stdout=out, stderr=out)
    try:
        assert wait_until(lambda: _answers(url), 60), (folder / "out").read_text()
        fronts.ensure_logs(url, [], slots=None, replicas=None, issuer=Issuer(ISSUER).public)
        yield SimpleNamespace(url=url, mqtt_port=mqtt_port, issuer=ISSUER, said=said)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(60)


def _answers(url: str) -> bool:
    try:
        return "error" not in request(url, "$JS.API.INFO", timeout_s=1)
    except NatsRequestError:
        return False


def test_the_servers_nats_takes_up_a_renewed_certificate_and_who_is_in_loses_nothing(
    nats: Any, folder: Path, database: Database
) -> None:
    ca, door = certificates.ca(folder), Doorway(nats=nats, database=database)

    def shown() -> object:
        try:
            return certificates.serial(nats.mqtt_port, ca)
        except OSError:
            return None

    assert wait_until(lambda: shown() is not None, 60), (folder / "out").read_text()
    with door.answering():
        device = Certified(door, door.issue("d1"), ca, None)
        assert device.is_in
        before, said, first = door.log().messages, 0, shown()
        certificates.make(folder, "door", "127.0.0.1")

        def another() -> bool:
            nonlocal said
            device.publish("fm/demo/d1/up/telemetry")
            said += 1
            return shown() not in {None, first}

        assert wait_until(another, 60), nats.said.read_text()
        assert [another() for _ in range(30)] == [True] * 30
        assert not device.lost.is_set(), nats.said.read_text()
        assert wait_until(lambda: door.log().messages - before == said, 60)
        device.leave()


@pytest.mark.parametrize("file", [compose.SERVER, compose.CLUSTER])
def test_whoever_knocks_at_the_door_sees_the_authority_that_signed_its_certificate(file: str) -> None:
    """Pages and relay, and the doctor, who looks from where `migrate` runs."""
    services = compose.by_yaml(file)["services"]
    for name in ("migrate", "relay", "api"):
        assert "FOREMEND_MQTT_CA" in compose.environment(name, file), name
        assert "./certificates/public:/certificates:ro" in services[name]["volumes"], name

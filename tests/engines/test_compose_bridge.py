"""The profile `mosquitto` of the compose file: Mosquitto as its script starts it, the bridge by its own settings."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import paho.mqtt.client as mqtt
import pytest

from api.bench.mosquitto import binary
from api.engines.nats import free_port
from api.engines.process import wait_until
from tests.conftest import NatsServer, need
from tests.engines import compose
from tests.engines.compose import ROOT
from tests.ingest.bridging import the_log

pytestmark = pytest.mark.engines


@pytest.fixture
def folder() -> Iterator[Path]:
    """Not below pytest's own tmp: as root Mosquitto goes on as a user who cannot enter that one."""
    made = Path(tempfile.mkdtemp(prefix="foremend-test-", dir="/tmp"))
    made.chmod(0o755)
    (made / "data").mkdir()
    subprocess.run(["/bin/sh", str(ROOT / "deploy" / "make-secrets.sh")], cwd=made, check=True)
    yield made
    shutil.rmtree(made)


@contextmanager
def running(command: list[str], environment: dict[str, str], log: Path) -> Iterator[None]:
    with log.open("w") as said:
        process = subprocess.Popen(command, env=environment, stdout=said, stderr=said)
    try:
        yield
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(20)


def mosquitto(folder: Path, port: int) -> Any:
    told = compose.environment("mosquitto") | {"MOSQUITTO_DATA": str(folder / "data"), "MOSQUITTO_PORT": str(port)}
    for name in ("DEVICE", "BRIDGE"):
        variable = f"MOSQUITTO_{name}_PASSWORD_FILE"
        told[variable] = str(folder / "secrets" / Path(told[variable]).name)
    path = f"{os.environ['PATH']}{os.pathsep}{Path(str(binary())).parent}"
    script = ["/bin/sh", str(ROOT / "deploy" / "mosquitto.sh")]
    return running(script, {"PATH": path, **told}, folder / "mosquitto.log")


def bridge(folder: Path, port: int, nats_url: str) -> Any:
    seen = folder / "seen"
    seen.mkdir()
    for target, source in compose.secrets("bridge").items():
        (seen / target).write_text((folder / "secrets" / source).read_text())
    (seen / "foremend_nats_url").write_text(nats_url)
    asked = [
        each.replace("mosquitto:1883", f"127.0.0.1:{port}")
        for each in compose.by_yaml()["services"]["bridge"]["command"]
    ]
    told = {**compose.environment("bridge"), "FOREMEND_SECRETS": str(seen), "FOREMEND_METRICS_PORT": "0"}
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("FOREMEND_")}
    return running([sys.executable, "-m", "api.cli", *asked], {**inherited, **told}, folder / "bridge.log")


def publish(port: int, password: str, topic: str, payload: bytes) -> bool:
    """With MQTT 5, for which it is there."""
    client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv5)
    client.username_pw_set("device", password)
    codes: list[Any] = []
    client.on_connect = lambda _c, _u, _f, code, _p: codes.append(code)
    client.connect("127.0.0.1", port)
    client.loop_start()
    try:
        assert wait_until(lambda: bool(codes), 5)
        if codes[0].is_failure:
            return False
        client.publish(topic, payload, qos=1).wait_for_publish(5)
        return True
    finally:
        client.disconnect()
        client.loop_stop()


def test_what_a_device_says_to_the_profiles_mosquitto_is_in_the_log(folder: Path, nats_server: NatsServer) -> None:
    need(binary(), "Mosquitto is not there (Debian: apt-get install mosquitto)")
    port, start = free_port(), nats_server.clear()
    password = (folder / "secrets" / "nats_device").read_text()

    def is_open() -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", port)) == 0

    with mosquitto(folder, port):
        assert wait_until(is_open, 10), (folder / "mosquitto.log").read_text()
        assert password not in (folder / "data" / "passwords").read_text()
        with bridge(folder, port, nats_server.url):
            said = folder / "bridge.log"
            assert wait_until(lambda: '"connected"' in said.read_text(), 20), said.read_text()
            assert not publish(port, "guessed", "fm/demo/d1/up/telemetry", b"0")
            assert publish(port, password, "fm/demo/d1/ctl/labels", b"1")
            assert publish(port, password, "fm/demo/d1/up/telemetry", b"2")
            found = the_log(nats_server, start, 1)
    assert [message.payload for message in found] == [b"2"]

"""The profile `mosquitto` of the compose file: Mosquitto as its script starts it and the relay tells it, the bridge by
its own settings."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from api.engines.process import wait_until
from tests.conftest import Database, NatsServer
from tests.engines import compose
from tests.engines.mosquitto_profile import House, Profile, comes, comes_in, profile
from tests.ingest.bridging import the_log

pytestmark = pytest.mark.engines
__all__ = ["profile"]  # a fixture


@contextmanager
def running(command: list[str], environment: dict[str, str], log: Path) -> Iterator[None]:
    with log.open("w") as said:
        process = subprocess.Popen(command, env=environment, stdout=said, stderr=said)
    try:
        yield
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(60)


def bridge(profile: Profile, nats_url: str) -> Any:
    seen = profile.folder / "seen"
    seen.mkdir()
    for target, source in compose.secrets("bridge").items():
        (seen / target).write_text(profile.secret(source))
    (seen / "foremend_nats_url").write_text(nats_url)
    asked = [
        each.replace("mosquitto:1882", f"127.0.0.1:{profile.house_port}")
        for each in compose.by_yaml()["services"]["bridge"]["command"]
    ]
    told = {**compose.environment("bridge"), "FOREMEND_SECRETS": str(seen), "FOREMEND_METRICS_PORT": "0"}
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("FOREMEND_")}
    command = [sys.executable, "-m", "api.cli", *asked]
    return running(command, {**inherited, **told}, profile.folder / "bridge.log")


def test_what_a_device_says_to_the_profiles_mosquitto_is_in_the_log(
    profile: Profile, database: Database, nats_server: NatsServer
) -> None:
    profile.start()
    start, house = nats_server.clear(), House(database, profile)
    issued = house.issue(house.device("d1"))
    with profile.kept(database), bridge(profile, nats_server.url):
        said = profile.folder / "bridge.log"
        assert wait_until(lambda: '"connected"' in said.read_text(), 60), said.read_text()
        assert not comes(profile, issued, password="guessed").is_in
        device = comes_in(profile, issued)
        assert not device.may_publish("fm/demo/d1/ctl/labels", b"1")
        assert device.may_publish("fm/demo/d1/up/telemetry", b"2")
        found = the_log(nats_server, start, 1)
        device.leave()
    assert [message.payload for message in found] == [b"2"]

"""The devices' door with TLS: who sees which certificate, and what a new one does to those who are connected."""

import contextlib
import socket
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import paho.mqtt.client as mqtt
import pytest

from api.engines.certificates import CertificateError
from api.engines.nats import Nats
from api.engines.nats_streams import stream_state
from api.engines.ports import free_port
from api.engines.process import wait_until
from api.settings import Settings
from api.watch import doors
from api.watch.checks import State
from tests import certificates

pytestmark = pytest.mark.engines
TOPIC = "fm/demo/d1/up/telemetry"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the owner's files lie: as root the engine's user cannot read them."""
    return tmp_path_factory.mktemp("certificates")


@pytest.fixture(scope="module")
def door(engines_folder: Path, made: Path) -> Iterator[Nats]:
    certificate = certificates.of_door(made)
    server = Nats(engines_folder / "encrypted", port=free_port(), mqtt_port=free_port(), certificate=certificate)
    server.start()
    yield server
    server.stop()


class Talking:
    """A device that says one thing after the other, each when the one before it is acknowledged."""

    def __init__(self, port: int, ca: Path, own: Path | None = None) -> None:
        self.lost: list[Any] = []
        self.said = 0
        self._client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, client_id="demo:d1")
        cert, key = (str(own / "cert.pem"), str(own / "key.pem")) if own else (None, None)
        self._client.tls_set(str(ca), cert, key)
        self._client.on_disconnect = lambda *args: self.lost.append(args[3])
        self._client.connect("127.0.0.1", port)
        self._client.loop_start()
        assert wait_until(self._client.is_connected, 60)

    def say(self) -> None:
        self._client.publish(TOPIC, str(self.said).encode(), qos=1).wait_for_publish(60)
        self.said += 1

    def leave(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()


def renewed(door: Nats, between: Callable[[], None]) -> bool:
    """It is looked at every second; here as fast as it goes."""
    until = time.monotonic() + 60
    while time.monotonic() < until:
        if door.renew():
            return True
        between()
    return False


def test_a_new_certificate_is_served_to_who_comes_and_who_is_there_loses_nothing(door: Nats, made: Path) -> None:
    ca = certificates.ca(made)
    device, first = Talking(door.mqtt_port, ca), certificates.serial(door.mqtt_port, ca)
    before = stream_state(door.url).messages
    for _ in range(20):
        device.say()
    certificates.make(made, "door", "127.0.0.1")
    assert renewed(door, device.say)

    def shows_another() -> bool:
        device.say()
        return certificates.serial(door.mqtt_port, ca) != first

    assert wait_until(shows_another, 60)
    for _ in range(20):
        device.say()
    assert device.lost == []
    assert stream_state(door.url).messages - before == device.said
    device.leave()


def test_a_key_that_does_not_fit_is_not_served_and_the_old_pair_is(door: Nats, made: Path) -> None:
    ca = certificates.ca(made)
    first = certificates.serial(door.mqtt_port, ca)
    (made / "door" / "key.pem").write_bytes((made / "authority" / "ca.key").read_bytes())
    door.renew()  # it was written just now
    with pytest.raises(CertificateError, match="cannot be served with its key"):
        door.renew()
    assert not door.renew()  # said once
    assert certificates.serial(door.mqtt_port, ca) == first


def test_no_device_speaks_in_the_clear_to_an_encrypted_door(door: Nats) -> None:
    with socket.create_connection(("127.0.0.1", door.mqtt_port), 60) as wire:
        wire.sendall(b"\x10\x0c\x00\x04MQTT\x04\x02\x00\x3c\x00\x00")
        with contextlib.suppress(ConnectionError):
            assert not wire.recv(4).startswith(b"\x20")


def test_the_key_is_the_engines_alone(door: Nats, engines_folder: Path) -> None:
    assert (engines_folder / "encrypted" / "nats" / "door-key.pem").stat().st_mode & 0o077 == 0


@pytest.mark.parametrize(("days", "state"), [(90, State.OK), (14, State.WARNING)])
def test_a_certificate_that_ends_soon_is_a_warning(door: Nats, made: Path, days: int, state: State) -> None:
    certificates.of_door(made, days=days)
    assert renewed(door, lambda: None)
    tls = doors.trusting(certificates.ca(made))

    def look() -> doors.Door:
        return doors.met("mqtt", "127.0.0.1", door.mqtt_port, tls, datetime.now(UTC))

    assert wait_until(lambda: look().days_left == pytest.approx(days, abs=0.1), 60)
    met = look()
    assert [check.state for check in doors.certificates((met,))] == [state]


def test_both_brokers_doors_are_looked_at_where_they_are_encrypted(door: Nats, made: Path) -> None:
    plain = Settings(dsn="", mqtt_port=door.mqtt_port)
    assert doors.look(plain, datetime.now(UTC)) == ()
    certificates.of_door(made)
    told = {"mqtt_tls": True, "mosquitto_door": f"127.0.0.1:{door.mqtt_port}", "mqtt_ca": certificates.ca(made)}
    looked = doors.look(plain.model_copy(update=told), datetime.now(UTC))
    assert [(each.name, each.error) for each in looked] == [("mqtt", ""), ("mosquitto", "")]
    lost = doors.look(plain.model_copy(update={**told, "mqtt_ca": made / "nowhere"}), datetime.now(UTC))
    assert all("nowhere" in each.error for each in lost)


def test_a_door_whose_authority_we_do_not_know_has_failed(door: Nats, made: Path) -> None:
    (other := made / "other").mkdir()
    certificates.of_door(other)
    met = doors.met("mqtt", "127.0.0.1", door.mqtt_port, doors.trusting(certificates.ca(other)), datetime.now(UTC))
    (check,) = doors.certificates((met,))
    assert check.state is State.FAILED
    assert (
        "unable to get local issuer" in check.sentence
        or "self-signed" in check.sentence
        or "signature" in check.sentence
    )

"""An encrypted door at which devices sign in and show certificates of their own: NATS, the process that answers it, and
paho as somebody else's appliance."""

import json
import ssl
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import paho.mqtt.client as mqtt
import pytest

from api.door import leaf
from api.engines.nats import Nats
from api.engines.ports import free_port
from api.engines.process import wait_until
from api.settings import SignIn
from devices.credentials.model import Issued
from tests import certificates
from tests.conftest import Database
from tests.engines.doorway import AT_ONCE_S, Client, Doorway

pytestmark = pytest.mark.engines
LONG = f"{'t' * 64}:{'d' * 64}"  # a common name ends after 64 characters


@pytest.fixture
def door(engines_folder: Path, database: Database, tmp_path: Path) -> Iterator[Doorway]:
    certificates.of_door(tmp_path)
    certificate = certificates.of_door(tmp_path, client_ca=certificates.ca(tmp_path))
    folder = engines_folder / "certified"
    nats = Nats(folder, port=free_port(), mqtt_port=free_port(), sign_in=SignIn.REQUIRED, certificate=certificate)
    nats.start()
    doorway = Doorway(nats=nats, database=database)
    try:
        with doorway.answering():
            yield doorway
    finally:
        nats.stop()


class Certified(Client):
    def __init__(self, door: Doorway, issued: Issued, ca: Path, own: Path | None) -> None:
        self._files = (ca, own)
        super().__init__(door.nats.mqtt_port, str(issued.username), issued.password, issued.username.client_id)

    def prepare(self, client: mqtt.Client) -> None:
        ca, own = self._files
        client.tls_set(str(ca), *((str(own / "cert.pem"), str(own / "key.pem")) if own else ()))


def test_who_shows_his_own_certificate_comes_in_and_stays_while_the_doors_is_renewed(
    door: Doorway, tmp_path: Path
) -> None:
    ca = certificates.ca(tmp_path)
    first, second = door.issue("d1"), door.issue("d2")
    own = certificates.make(tmp_path, "device", "demo:d1")
    device = Certified(door, first, ca, own)
    assert device.is_in

    assert not Certified(door, second, ca, own).is_in, "it is another device's"
    with pytest.raises((AssertionError, ssl.SSLError, OSError)):
        assert Certified(door, first, ca, None).is_in, "without any"
    stranger = tmp_path / "stranger"
    foreign = certificates.make(stranger, "device", "demo:d1")
    with pytest.raises((AssertionError, ssl.SSLError, OSError)):
        assert Certified(door, first, ca, foreign).is_in, "of an authority that is not ours"

    before, said = door.log().messages, 0
    shown = _serial(door, ca, own)
    certificates.make(tmp_path, "door", "127.0.0.1")
    while not door.nats.renew():
        device.publish("fm/demo/d1/up/telemetry")
        said += 1
    while _serial(door, ca, own) == shown:
        device.publish("fm/demo/d1/up/telemetry")
        said += 1
    for _ in range(50):
        device.publish("fm/demo/d1/up/telemetry")
        said += 1
    assert not device.lost.is_set(), door.nats.said.read_text()[-3000:]
    assert wait_until(lambda: door.log().messages - before == said, 60)
    assert (device.subscribe("fm/demo/d1/down/#"), device.subscribe("fm/demo/d2/down/#")) == (1, 0x80)
    named = json.loads((door.nats.said.parent / "server.conf").read_text())["accounts"]["HOUSE"]["users"]
    (meanwhile,) = (user for user in named if user["user"] == "demo.d1.1")
    guest = Certified(door, replace(first, password=meanwhile["password"]), ca, own)
    assert not guest.is_in, "what is written down for the reload opens nothing"
    door.revoke("d1")
    assert device.lost.wait(AT_ONCE_S)
    device.leave()
    assert door.ask("SELECT times > 0 FROM door_count WHERE what = 'FOREIGN_CERTIFICATE'") == [(True,)]


def _serial(door: Doorway, ca: Path, own: Path) -> object:
    return certificates.serial(door.nats.mqtt_port, ca, own)


def test_while_nobody_answers_for_the_door_a_new_certificate_waits(
    engines_folder: Path, database: Database, tmp_path: Path
) -> None:
    certificate = certificates.of_door(tmp_path)
    ports = {"port": free_port(), "mqtt_port": free_port()}
    nats = Nats(engines_folder / "waits", **ports, sign_in=SignIn.REQUIRED, certificate=certificate)
    with ExitStack() as ends:
        ends.callback(nats.stop)
        nats.start()
        certificates.make(tmp_path, "door", "127.0.0.1")
        assert [nats.renew() for _ in range(3)] == [False] * 3
        with Doorway(nats=nats, database=database).answering():
            assert wait_until(nats.renew, 60)


@pytest.mark.parametrize("client_id", ["demo:d1", LONG])
def test_a_certificate_says_whose_it_is(tmp_path: Path, client_id: str) -> None:
    made = certificates.make(tmp_path, "device", client_id)
    assert client_id in leaf.names((made / "cert.pem").read_text())


def test_what_is_no_certificate_is_nobodys(tmp_path: Path) -> None:
    made = certificates.make(tmp_path, "door", "demo.example.com")
    assert leaf.names((made / "cert.pem").read_text()) == {"demo.example.com"}
    whole = (made / "cert.pem").read_text()
    for text in ("", "rubbish", whole[: len(whole) // 2], "MAA=", "MIIB"):
        assert leaf.names(text) == frozenset()

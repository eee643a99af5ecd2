"""Mosquitto's encrypted door: its own certificate is renewed, and those of devices say who they are."""

import shutil
import time

import pytest

from api.engines.process import wait_until
from devices.credentials.model import Issued
from tests import certificates
from tests.conftest import Database
from tests.engines.mosquitto_profile import AT_ONCE_S, HOST, SOON_S, Client, House, Profile, comes, comes_in, profile

pytestmark = pytest.mark.engines
__all__ = ["profile"]  # a fixture


@pytest.fixture
def house(database: Database, profile: Profile) -> House:
    """The broker is not there yet."""
    certificates.of_door(profile.certificates)
    return House(database, profile)


def test_a_renewed_certificate_leaves_mosquittos_devices_connected(house: House) -> None:
    profile = house.profile
    profile.start()
    ca = certificates.ca(profile.certificates)
    issued = house.issue(house.device("d1"))
    with profile.kept(house.database):
        device = comes_in(profile, issued, ca=ca)
        bridge = Client(profile.house_port, "bridge", profile.secret("bridge"), "bridge")
        assert bridge.may_subscribe("fm/+/+/up/#")
        first, said = certificates.serial(profile.port, ca), 0

        def another() -> bool:
            nonlocal said
            assert device.may_publish("fm/demo/d1/up/telemetry", str(said).encode())
            said += 1
            return certificates.serial(profile.port, ca) != first

        assert not another()
        certificates.make(profile.certificates, "door", HOST)
        assert wait_until(another, 60)
        assert not device.lost
        assert wait_until(lambda: [int(payload) for _, payload in bridge.heard] == [*range(said)], 60)
        bridge.leave()
        device.leave()


def test_where_certificates_are_asked_for_whose_it_is_is_who_he_is(house: House) -> None:
    profile = house.profile
    ca = certificates.ca(profile.certificates)
    shutil.copy(ca, profile.certificates / "door" / "client-ca.pem")
    profile.start()
    one = house.device("d1")
    first, second = house.issue(one), house.issue(house.device("d2"))
    own = certificates.make(profile.certificates, "device", str(first.username))
    strange = certificates.make(profile.folder / "strange", "device", str(first.username))
    with profile.kept(house.database):
        device = comes_in_and_may_speak(profile, first, "fm/demo/d1/up/telemetry", ca=ca, own=own)
        assert not comes(profile, first, ca=ca).is_in, "the password alone"
        assert not comes(profile, first, ca=ca, own=strange).is_in, "of an authority of his own"
        victim = comes(profile, second, ca=ca, own=certificates.make(profile.certificates, "device", "demo.d2.1"))
        assert victim.may_subscribe("fm/demo/d2/down/#")
        thief = comes(profile, second, ca=ca, own=own)  # with all that the other one says, but his key
        assert wait_until(lambda: bool(device.lost), 60), "he is who he was: the first one's own session has ended"
        assert not thief.may_publish("fm/demo/d2/up/telemetry")
        assert not thief.may_subscribe("fm/demo/d2/down/#")
        assert thief.may_publish("fm/demo/d1/up/telemetry")
        assert victim.is_in, "and its session is not taken"
        house.revoke(one)
        assert wait_until(lambda: bool(thief.lost), AT_ONCE_S)
        again = comes(profile, first, ca=ca, own=own)
        assert not (again.is_in and again.may_publish("fm/demo/d1/up/telemetry"))
        assert not (again.is_in and again.may_subscribe("fm/demo/d1/down/#"))
        for client in (device, victim, thief, again):
            client.leave()


def comes_in_and_may_speak(profile: Profile, issued: Issued, topic: str, **how: object) -> Client:
    """With a certificate he is in before the broker has been told what he may."""
    until = time.monotonic() + SOON_S
    client = comes(profile, issued, **how)
    while not client.may_publish(topic):
        assert time.monotonic() < until
        time.sleep(0.05)
    return client

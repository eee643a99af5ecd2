"""Who comes in at the house's Mosquitto, and what he may do there: with real clients at a real broker."""

from datetime import UTC, datetime, timedelta

import paho.mqtt.client as mqtt
import pytest
from prometheus_client import CollectorRegistry

from api.engines.process import wait_until
from api.mosquitto import beginning, keep
from api.mosquitto.control import Control
from tests.conftest import Database
from tests.engines.mosquitto_profile import (
    AT_ONCE_S,
    HOST,
    PROMISED_S,
    SOON_S,
    USUAL_POLL_S,
    Client,
    House,
    Profile,
    comes,
    comes_in,
    profile,
)
from tests.processes import only_when_told

pytestmark = pytest.mark.engines
__all__ = ["profile"]  # a fixture
OWN = ("fm/demo/d1/up/telemetry", "fm/demo/d1/up/a/b")
NOT_TO_SAY = (
    "fm/demo/d2/up/telemetry",
    "fm/other/d1/up/telemetry",
    "fm/demo/d1/down/command",
    "fm/demo/d2/down/command",
    "fm/demo/d1/ctl/labels",
    "fm/demo/d1",
    "anything",
    "$SYS/broker/version",
    "$JS/API/INFO",
    "$share/g/fm/demo/d2/up/telemetry",
    "$CONTROL/dynamic-security/v1",
)
NOT_TO_HEAR = (
    "#",
    "+/+/+/down/#",
    "fm/#",
    "fm/demo/+/down/#",
    "fm/+/d1/down/#",
    "fm/demo/d2/down/#",
    "fm/other/d1/down/#",
    "fm/demo/d1/up/#",
    "fm/demo/d1/#",
    "$SYS/#",
    "$JS/#",
    "$share/g/fm/demo/d2/down/#",
    "$share/g/fm/demo/+/down/#",
    "$share/g/#",
    "$CONTROL/#",
    "$CONTROL/dynamic-security/v1/response",
)


@pytest.fixture
def house(database: Database, profile: Profile) -> House:
    profile.start()
    return House(database, profile)


def test_a_device_says_and_hears_what_is_its_own_and_nothing_else(house: House) -> None:
    profile = house.profile
    first, second = house.issue(house.device("d1")), house.issue(house.device("d2"))
    with profile.kept(house.database):
        victim = comes_in(profile, second)
        assert victim.may_subscribe("fm/demo/d2/down/#")
        bridge = Client(profile.house_port, "bridge", profile.secret("bridge"), "bridge")
        assert bridge.may_subscribe("$share/house/fm/+/+/up/#")
        for version in (mqtt.MQTTv5, mqtt.MQTTv311):
            device = comes_in(profile, first, version=version)
            assert [topic for topic in OWN if not device.may_publish(topic)] == []
            said = [topic for topic in NOT_TO_SAY if device.may_publish(topic)]
            assert said == ([] if version == mqtt.MQTTv5 else [*NOT_TO_SAY])  # 3.1.1 has no word for it
            assert [topic for topic in NOT_TO_HEAR if device.may_subscribe(topic)] == []
            assert device.may_subscribe("fm/demo/d1/down/#")
            assert bridge.may_publish("fm/demo/d1/down/command", b"for d1")
            assert wait_until(lambda heard=device.heard: ("fm/demo/d1/down/command", b"for d1") in heard, 60)
            assert bridge.may_publish("fm/demo/d2/down/command", b"for d2")
            assert wait_until(lambda: bool(victim.heard), 60)
            assert victim.heard == [("fm/demo/d2/down/command", b"for d2")]
            victim.heard.clear()
            assert {topic for topic, _ in device.heard} == {"fm/demo/d1/down/command"}
            assert device.is_in
            device.leave()
        assert wait_until(lambda: len(bridge.heard) == 4, 60)
        assert {topic for topic, _ in bridge.heard} == {*OWN}
        victim.leave()
        bridge.leave()


def test_nothing_is_left_on_another_ones_topics_retained_or_as_a_last_will(house: House) -> None:
    profile = house.profile
    first, second = house.issue(house.device("d1")), house.issue(house.device("d2"))
    with profile.kept(house.database):
        bridge = Client(profile.house_port, "bridge", profile.secret("bridge"), "bridge")
        assert bridge.may_subscribe("fm/+/+/up/#")
        comes_in(profile, first).leave()
        for topic in ("fm/demo/d2/down/command", "fm/demo/d2/up/telemetry", "$CONTROL/dynamic-security/v1"):
            for version in (mqtt.MQTTv5, mqtt.MQTTv311):
                device = comes(profile, first, will=topic, version=version)
                device.may_publish("fm/demo/d2/down/desired", retain=True)
                device.vanish()
        last = comes(profile, first, will="fm/demo/d1/up/presence")
        last.vanish()
        assert wait_until(lambda: bool(bridge.heard), 60)
        victim = comes_in(profile, second)
        assert victim.may_subscribe("fm/demo/d2/down/#")
        assert bridge.may_publish("fm/demo/d2/down/command", b"ours")
        assert wait_until(lambda: bool(victim.heard), 60)
        assert victim.heard == [("fm/demo/d2/down/command", b"ours")]
        assert {topic for topic, _ in bridge.heard} == {"fm/demo/d1/up/presence"}
        victim.leave()
        bridge.leave()


def test_nobody_comes_in_by_guessing_or_under_a_foreign_name(house: House) -> None:
    profile = house.profile
    first, second = house.issue(house.device("d1")), house.issue(house.device("d2"))
    with profile.kept(house.database):
        comes_in(profile, first).leave()
        comes_in(profile, second).leave()
        tried = [
            comes(profile, first, client_id="demo:d2"),
            comes(profile, first, client_id="anything"),
            comes(profile, first, password=second.password),
            *(comes(profile, first, password=f"guess-{n}") for n in range(20)),
            Client(profile.port, None, None, "demo:d1"),
            Client(profile.port, "demo.d1.2", first.password, "demo:d1"),
            Client(profile.port, "registrar", "registrar", "x"),
        ]
        assert [client.is_in for client in tried] == [False] * len(tried)
        assert comes(profile, first).is_in
    kept = [path.read_text(errors="replace") for path in (profile.folder / "data").iterdir() if path.is_file()]
    for issued in (first, second):
        assert not [text for text in (*kept, profile.said()) if issued.password in text]


def test_a_revoked_device_is_thrown_out_at_once_and_a_rotated_one_has_no_gap(house: House) -> None:
    profile, device = house.profile, house.device("d1")
    first = house.issue(device)
    with profile.kept(house.database) as counted:
        old = comes_in(profile, first)
        second = house.rotate(device)
        assert wait_until(lambda: _counted(counted, "clients") == 2, SOON_S), "both open, until the new one is used"
        again = comes(profile, first)
        assert again.is_in
        with only_when_told(keep, house.database):
            house.revoke(device, first.username.n)
            assert wait_until(lambda: bool(again.lost), AT_ONCE_S)
        assert USUAL_POLL_S < PROMISED_S
        assert not comes(profile, first).is_in
        comes_in(profile, second).leave()
        assert wait_until(lambda: house.used(second) == HOST, SOON_S)
        third = house.rotate(device)
        comes_in(profile, third)
        assert wait_until(lambda: not comes(profile, second).is_in, SOON_S), "the new one was used"
        fourth = house.rotate(device, grace=timedelta(seconds=0.5))
        assert wait_until(lambda: not comes(profile, third).is_in, SOON_S), "it runs out by itself"
        comes_in(profile, fourth).leave()
        house.issue(house.device("d2"), key=False)
        assert wait_until(lambda: _counted(counted, "credentials_untellable") == 1, SOON_S)
        assert wait_until(lambda: _counted(counted, "clients") == 1, SOON_S)
        old.leave()


def test_what_was_missed_while_the_broker_was_away_is_put_right(house: House) -> None:
    profile, gone, stays = house.profile, house.device("d1"), house.device("d2")
    first, second = house.issue(gone), house.issue(stays)
    with profile.kept(house.database):
        comes_in(profile, first).leave()
        comes_in(profile, second).leave()
        _meddle(profile)
        profile.stop()
        house.revoke(gone)
        late = house.issue(house.device("d3"))
        profile.start()
        assert wait_until(lambda: not comes(profile, first).is_in, SOON_S)
        comes_in(profile, late).leave()
        device = comes_in(profile, second)
        assert not device.may_publish("fm/demo/d1/up/telemetry"), "a role that was widened by hand"
        assert not Client(profile.port, "demo.d9.1", "x" * 32, "demo:d9").is_in
        profile.stop()
        (profile.folder / "data" / "dynamic-security.json").unlink()
        profile.start()
        comes_in(profile, second).leave()
        device.leave()


def test_a_mosquitto_begins_with_the_devices_that_there_are(house: House) -> None:
    """And the relay finds nothing to tell it."""
    profile = house.profile
    issued = [house.issue(house.device(name)) for name in ("d1", "d2")]
    other_key = house.issue(house.device("d3"), key=False)
    profile.stop()
    (profile.folder / "devices").mkdir()
    (profile.folder / "data" / "dynamic-security.json").unlink()
    with house.database.connect("foremend_relay") as conn:
        key = profile.secret("credential_key").encode()
        assert beginning.write(conn, key, profile.folder / "devices", datetime.now(UTC)) == 2
    profile.start()
    device = comes(profile, issued[0])
    assert device.may_publish("fm/demo/d1/up/telemetry"), "nobody has told it anything yet"
    assert not device.may_publish("fm/demo/d2/up/telemetry")
    assert not comes(profile, issued[1], password=issued[0].password).is_in
    assert not comes(profile, other_key).is_in
    with profile.kept(house.database) as counted:
        assert wait_until(lambda: _counted(counted, "clients") == 2, SOON_S)
        assert _counted(counted, "commands_total") == 0
        assert device.is_in
        device.leave()


def _counted(counters: CollectorRegistry, name: str) -> float | None:
    return counters.get_sample_value(f"foremend_mosquitto_{name}")


def _meddle(profile: Profile) -> None:
    """Somebody with the registrar's password makes a device of his own, and lets another one say what it likes."""
    control = Control(HOST, profile.house_port, username="registrar", password=profile.secret("registrar"))
    wide = {"acltype": "publishClientSend", "topic": "#", "allow": True}
    control.tell(
        [
            {"command": "addRoleACL", "rolename": "device.demo.d2", **wide},
            {"command": "createClient", "username": "demo.d9.1", "password": "x" * 32, "roles": []},
        ]
    )
    control.close()


def test_a_key_that_is_another_one_now_tells_nobody_a_wrong_password(house: House) -> None:
    profile = house.profile
    issued = house.issue(house.device("d1"))
    (profile.folder / "secrets" / "credential_key").write_text("k" * 48)
    with profile.kept(house.database) as counted:
        assert wait_until(lambda: _counted(counted, "credentials_untellable") == 1, SOON_S)
        assert not comes(profile, issued).is_in
        assert _counted(counted, "clients") == 0

"""Devices must sign in: each is let in as itself and can say and hear nothing but its own, whatever it tries."""

from collections.abc import Iterator
from functools import partial

import pytest

from api.door import upkeep
from api.engines.nats_request import request
from api.engines.process import wait_until
from devices.credentials.model import Issued
from tests.appliance import is_taken
from tests.engines.doorway import (
    AT_ONCE_S,
    PROMISED_S,
    USUAL_POLL_S,
    Client,
    Doorway,
    at_once,
    client_of,
    denied,
    request_down,
)
from tests.processes import only_when_told

pytestmark = pytest.mark.engines


@pytest.fixture(scope="session")  # a worker of xdist may begin a module twice, and nothing is issued twice
def own(door: Doorway) -> Iterator[Client]:
    client = client_of(door, door.issue("fridge-1"))
    assert client.is_in
    yield client
    client.leave()


def test_a_device_is_heard_on_its_own_topic_and_hears_what_it_is_told(door: Doorway, own: Client) -> None:
    before = door.log().last_seq
    own.publish("fm/demo/fridge-1/up/telemetry", b"{}")
    assert door.log().last_seq == before + 1
    assert own.subscribe("fm/demo/fridge-1/down/#") == 1
    request_down(door, "fridge-1")
    assert wait_until(lambda: own.heard == ["fm/demo/fridge-1/down/do"], 60)


FOREIGN = {
    "another device's": "fm/demo/neighbour/up/telemetry",
    "another tenant's": "fm/other/fridge-1/up/telemetry",
    "its own orders": "fm/demo/fridge-1/down/do",
    "what only the house says": "fm/demo/fridge-1/ctl/label",
    "a level too few": "fm/demo/fridge-1/up",
    "another device's, as an edge node says it": "fm/demo/fridge-1/up/sparkplug/plant/DDATA/neighbour",
    "the log": "log/1/demo/fridge-1/up/telemetry",
    "the server": "$SYS/REQ/SERVER/PING/VARZ",
    "the door's own question": "$SYS/REQ/USER/AUTH",
    "the streams' api": "$JS/API/STREAM/DELETE/LOG",
    "the listener": "$MQTT/msgs/fm/demo/neighbour/up/telemetry",
    "a shared one": "$share/g/fm/demo/fridge-1/up/telemetry",
    "an inbox": "_INBOX/foremend/1",
    "all devices', as NATS would write it": "fm/demo/*/up/telemetry",
    "all subjects, as NATS would write it": "fm/>",
}


@pytest.mark.parametrize("qos", [0, 1, 2])
def test_what_it_publishes_anywhere_else_goes_nowhere_and_is_counted(door: Doorway, own: Client, qos: int) -> None:
    seq, counted = door.log().last_seq, denied(door, "fridge-1", "PUBLISH")
    for topic in FOREIGN.values():
        own.publish(topic, qos=qos)
    assert own.is_in, "it is not thrown out, and cannot tell"
    assert door.log().last_seq == seq
    assert wait_until(lambda: denied(door, "fridge-1", "PUBLISH") == counted + len(FOREIGN), 60)
    assert "LOG" in str(request(door.nats.url, "$JS.API.STREAM.NAMES")["streams"])


DEAF = [
    "#", "+/#", "fm/#", "fm/+/+/down/#", "fm/demo/+/down/#", "fm/demo/neighbour/down/#", "fm/other/fridge-1/down/#",
    "fm/demo/fridge-1/up/#", "fm/demo/fridge-1/#", "$share/g/fm/demo/fridge-1/down/#",
    "$share/g/fm/demo/neighbour/down/#", "$SYS/#", "$JS/#", "$MQTT/#", "$MQTT/sub/#", "$MQTT/deliver/pubrel/#",
    "log/#", "_INBOX/#", "fm/demo/*/down/#", "fm/>", ">",
]  # fmt: skip


def test_what_it_subscribes_to_anywhere_else_is_refused(own: Client, door: Doorway) -> None:
    before = denied(door, "fridge-1", "SUBSCRIBE")
    assert {topic: own.subscribe(topic) for topic in DEAF} == dict.fromkeys(DEAF, 0x80)
    assert wait_until(
        lambda: denied(door, "fridge-1", "SUBSCRIBE") >= before + sum(not topic.startswith("$MQTT/") for topic in DEAF),
        60,
    )


def test_a_last_will_in_another_ones_name_goes_nowhere(door: Doorway) -> None:
    before = door.log().last_seq
    issued = door.issue("will")
    client_of(door, issued, will="fm/demo/neighbour/up/presence").vanish()
    assert wait_until(lambda: denied(door, "will", "PUBLISH") == 1, 60)
    assert door.log().last_seq == before


def test_a_revoked_one_is_dropped_within_5_s_and_does_not_come_back(door: Doorway) -> None:
    issued = door.issue("revoked")
    client = client_of(door, issued)
    assert client.is_in
    with only_when_told(upkeep, door.database):
        door.turns(1)  # and from here on it waits to be told
        door.revoke("revoked")
        assert client.lost.wait(AT_ONCE_S)
    assert USUAL_POLL_S < PROMISED_S
    client.leave()
    assert not client_of(door, issued).is_in


def test_a_rotation_has_no_gap_and_the_old_one_ends_when_the_new_one_is_used(door: Doorway) -> None:
    old = door.issue("rotated")
    first = client_of(door, old)
    new = door.rotate("rotated")
    door.turns()
    first.publish("fm/demo/rotated/up/telemetry", b"{}")
    assert first.is_in
    second = client_of(door, new)
    assert second.is_in
    assert first.lost.wait(60), "two with one client id: the later one stays"
    assert wait_until(lambda: not comes_in(door, old), 60)
    assert wait_until(lambda: comes_in(door, new), 60)
    for each in (first, second):
        each.leave()
    rows = door.ask("SELECT n, expires_at < now(), revoked_at FROM credential WHERE username ~ 'rotated' ORDER BY n")
    assert rows == [(1, True, None), (2, None, None)]


def comes_in(door: Doorway, issued: Issued) -> bool:
    client = client_of(door, issued)
    client.leave()
    return client.code == 0


def test_nobody_writes_into_the_log_what_another_one_was_denied(door: Doorway) -> None:
    line = '[1] 2026/11/25 22:30:12.206230 [ERR] 1.2.3.4:5 - mid:7 - "demo:framed" - Publish Violation - Subject "fm.x"'
    door.a_device("framed")
    forger = door.issue("forger")
    client = client_of(door, forger)
    sent = client.client.publish(f"fm/demo/forger/ctl/x\n{line}\n".replace(" ", "\t"), qos=1)
    assert wait_until(lambda: is_taken(sent) or client.lost.is_set(), 60)
    client.leave()
    for topic in (f"fm/x\n{line}", f"fm/x\n{line}\n".replace(" ", "\t")):
        client = client_of(door, forger)
        client.client.subscribe(topic, qos=1)
        assert wait_until(lambda client=client: bool(client.granted) or client.lost.is_set(), 60)
        client.leave()
    at_once(
        [partial(client_of, door, forger, client_id=f"x\n{line}\n"), partial(client_of, door, forger, username=line)]
    )
    assert wait_until(lambda: "framed" in door.nats.said.read_text(), 60)
    door.turns()
    assert denied(door, "framed", "PUBLISH") == 0


def test_no_password_is_in_any_log(door: Doorway) -> None:
    issued = door.issue("secret")
    client_of(door, issued).leave()
    client_of(door, issued, password="a-guess-of-mine").leave()
    text = door.nats.said.read_text() + door.nats.log.read_text()
    assert issued.password not in text
    assert "a-guess-of-mine" not in text
    assert door.nats.issuer not in text

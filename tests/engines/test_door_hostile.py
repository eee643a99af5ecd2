"""A device with credentials of its own that means harm: what it can make the server keep has an end, and nobody else
notices it."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from api.door import upkeep
from api.door.notes import Notes
from api.door.sessions import Hoarder
from api.door.upkeep import Upkeep
from api.engines.nats_request import request
from api.engines.nats_streams import QOS_2_STREAM
from api.engines.process import wait_until
from devices.credentials.model import Issued, Username
from ingest import topics
from tests.engines.doorway import Client, Doorway, client_of, denied, request_down
from tests.engines.test_door_strangers import a_connect

pytestmark = pytest.mark.engines
MADE_UP = "y" * 60_000


@contextmanager
def speaking(door: Doorway, issued: Issued) -> Iterator[socket.socket]:
    """In by its own credential, and free to send what no library would."""
    said = (issued.username.client_id, str(issued.username), issued.password)
    with socket.create_connection(("127.0.0.1", door.nats.mqtt_port), 60) as wire:
        wire.sendall(a_connect(*(field.encode() for field in said)))
        assert wire.recv(4) == b"\x20\x02\x00\x00"
        yield wire


def a_publish(topic: str, payload: bytes, packet_id: int, qos: int = 1) -> bytes:
    body = len(topic).to_bytes(2, "big") + topic.encode() + packet_id.to_bytes(2, "big") + payload
    size = bytes([len(body) & 127 | 128, len(body) >> 7 & 127 | 128, len(body) >> 14])
    return bytes([0x30 | qos << 1]) + size + body


def kept(door: Doorway, stream: str) -> tuple[int, int]:
    """Messages, and different subjects among them."""
    state = request(door.nats.url, f"$JS.API.STREAM.INFO.{stream}")["state"]
    return state["messages"], state.get("num_subjects", 0)


def test_whatever_is_listened_to_may_be_said(door: Doorway) -> None:
    own, before = client_of(door, door.issue("speaker")), door.log().messages
    for kind in topics.spoken():
        own.publish(f"fm/demo/speaker/up/{kind}")
    assert door.log().messages == before + len(topics.spoken())
    own.leave()


def test_topics_that_a_device_makes_up_do_not_fill_the_servers_memory(door: Doorway) -> None:
    """It keeps the subjects of all that is in the log: 5,000 of these took 1.2 GB."""
    issued, before = door.issue("inventor"), (kept(door, "LOG"), kept(door, "$MQTT_rmsgs"))
    with speaking(door, issued) as wire:
        for kind in ("", "telemetry/", "sparkplug/g/NDATA/"):
            wire.sendall(a_publish(f"fm/demo/inventor/up/{kind}{MADE_UP}", b"x", 1))
            assert wire.recv(4) == b"\x40\x02\x00\x01", "it is acknowledged, as on another one's topic"
    own = client_of(door, issued)
    own.client.publish("fm/demo/inventor/up/kept", b"x", qos=1, retain=True).wait_for_publish(60)
    own.leave()
    assert (kept(door, "LOG"), kept(door, "$MQTT_rmsgs")) == before
    assert wait_until(lambda: denied(door, "inventor", "PUBLISH") == 4, 60)


def test_what_comes_with_qos_2_and_is_never_released_has_an_end(door: Doorway) -> None:
    issued, most = door.issue("twice"), QOS_2_STREAM["max_msgs"]
    with speaking(door, issued) as wire:
        wire.sendall(b"".join(a_publish("fm/demo/neighbour/up/x", b"x", n, qos=2) for n in range(1, most + 100)))
        assert wait_until(lambda: kept(door, "$MQTT_qos2in")[0] == most, 60)
        assert wait_until(lambda: _is_over(wire), 60)
        assert kept(door, "$MQTT_qos2in")[0] == most
    own = client_of(door, issued)
    before = door.log().messages
    own.publish("fm/demo/twice/up/telemetry", b"{}")
    assert door.log().messages == before + 1, "with QoS 1 nobody notices"
    own.leave()
    request(door.nats.url, "$JS.API.STREAM.PURGE.$MQTT_qos2in")


def _is_over(wire: socket.socket) -> bool:
    try:
        return wire.recv(65_536) == b""
    except TimeoutError:
        return False
    except OSError:
        return True


def test_a_device_that_subscribes_without_end_is_put_out_and_stays_outside_for_a_while(door: Doorway) -> None:
    issued = door.issue("listener")
    own = client_of(door, issued)
    own.client.subscribe([(f"fm/demo/listener/down/{n}", 0) for n in range(2 * upkeep.MOST_SUBSCRIPTIONS)])
    assert own.lost.wait(60)
    own.leave()
    assert not client_of(door, issued).is_in, "its session would bring them all back"
    assert wait_until(lambda: denied(door, "listener", "SUBSCRIBE") == 1, 60)


def test_a_server_that_is_late_to_put_a_device_out_has_it_told_once(
    door: Doorway, monkeypatch: pytest.MonkeyPatch
) -> None:
    late = Hoarder(username=Username("demo", "late", 1), held=999, server="s", server_id="S", connection=1)
    monkeypatch.setattr(upkeep.sessions, "hoarders", lambda *_: [late])
    monkeypatch.setattr(upkeep.sessions, "put_out", lambda *_: None)
    notes = Notes()
    keeping = Upkeep(settings=door.settings, notes=notes, servers=[], logs=[])
    for _ in range(3):
        keeping._looked_s = 0.0
        keeping._end_hoarders()
    assert notes.totals == {"SUBSCRIBE": 1}


def test_nothing_is_left_on_another_ones_orders(door: Doorway) -> None:
    """Neither said nor as a last will, retained or not, and whoever comes later hears nothing either."""

    class Willed(Client):
        def prepare(self, client: object) -> None:
            client.will_set("fm/demo/ordered/down/command", b"evil", qos=1, retain=True)  # type: ignore[attr-defined]

    issued, victim = door.issue("orders"), door.issue("ordered")
    own = Willed(door.nats.mqtt_port, str(issued.username), issued.password, issued.username.client_id)
    for qos in (0, 1, 2):
        own.client.publish("fm/demo/ordered/down/desired", b"evil", qos=qos, retain=True).wait_for_publish(60)
    own.vanish()
    assert wait_until(lambda: denied(door, "orders", "PUBLISH") == 4, 60)
    heard = client_of(door, victim)
    assert heard.subscribe("fm/demo/ordered/down/#") == 1
    request_down(door, "ordered")
    assert wait_until(lambda: bool(heard.heard), 60)
    assert heard.heard == ["fm/demo/ordered/down/do"]
    heard.leave()

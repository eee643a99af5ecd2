"""The embedded NATS as a device and as a stranger meet it."""

import stat
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import paho.mqtt.client as mqtt
import pytest

from api.engines.nats import Nats
from api.engines.nats_request import NatsRequestError, request
from api.engines.nats_streams import LISTENER_STREAM, LOG_STREAM, STREAM, stream_state
from api.engines.ports import free_port
from api.engines.process import wait_until
from tests.appliance import is_taken, taken
from tests.conftest import NatsServer

pytestmark = pytest.mark.engines


class Device:
    """A paho client, as somebody else's appliance would be."""

    def __init__(self, port: int, client_id: str = "", will: str | None = None) -> None:
        self.heard: list[tuple[str, bytes]] = []
        self.granted: list[int] = []
        self._client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, client_id=client_id, reconnect_on_failure=False)
        self._client.on_message = lambda _c, _u, message: self.heard.append((message.topic, message.payload))
        self._client.on_subscribe = lambda _c, _u, _m, codes, _p: self.granted.extend(code.value for code in codes)
        if will:
            self._client.will_set(will, b"gone", qos=1)
        self._client.connect("127.0.0.1", port)
        self._client.loop_start()
        assert wait_until(self._client.is_connected, 60)

    def publish(self, topic: str, payload: bytes, *, retain: bool = False) -> None:
        sent = self._client.publish(topic, payload, qos=1, retain=retain)
        sent.wait_for_publish(60)
        assert sent.is_published(), topic

    def subscribe(self, topic: str) -> int:
        self._client.subscribe(topic, qos=1)
        assert wait_until(lambda: bool(self.granted), 60)
        return self.granted.pop()

    def vanish(self) -> None:
        """As when the power fails: no farewell, so that the last will is spoken."""
        if (wire := self._client.socket()) is not None:
            wire.close()
        self._client.loop_stop()

    def leave(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()


@contextmanager
def connected(server: Nats, lost: threading.Event | None = None) -> Iterator[mqtt.Client]:
    """One that comes again whenever it is thrown out; `lost`: it was."""
    client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2)
    if lost is not None:
        client.on_disconnect = lambda *_: lost.set()
    client.connect("127.0.0.1", server.mqtt_port)
    client.loop_start()
    try:
        assert wait_until(client.is_connected, 60)
        yield client
    finally:
        client.disconnect()
        client.loop_stop()


@pytest.fixture
def device(nats_server: NatsServer) -> Iterator[Device]:
    device = Device(nats_server.mqtt_port)
    yield device
    device.leave()


def test_what_a_device_publishes_is_in_the_log_when_it_is_acknowledged(nats_server: NatsServer, device: Device) -> None:
    before = nats_server.clear()
    device.publish("fm/demo/fridge-1/up/telemetry", b"one")
    assert nats_server.state().last_seq == before + 1
    message = _message(nats_server.url, before + 1)
    head, slot, tail = message["subject"].split(".", 2)
    assert (head, tail) == ("log", "demo.fridge-1.up.telemetry")
    assert 0 <= int(slot) < 64


def test_a_device_has_one_slot_for_ever(nats_server: NatsServer, device: Device) -> None:
    before = nats_server.clear()
    for kind in ("telemetry", "status", "telemetry"):
        device.publish(f"fm/demo/fridge-2/up/{kind}", b"x")
    slots = {_message(nats_server.url, before + n)["subject"].split(".")[1] for n in (1, 2, 3)}
    assert len(slots) == 1


@pytest.mark.parametrize(
    "topic", ["fm/demo/x/ctl/label", "fm/demo/x/down/do", "log/1/demo/x/up/telemetry", "other", "fm/demo/x/up"]
)
def test_what_a_device_publishes_elsewhere_goes_nowhere(nats_server: NatsServer, device: Device, topic: str) -> None:
    before = nats_server.clear()
    device.publish(topic, b"?")
    assert nats_server.state().last_seq == before


def test_retained_messages_and_last_wills_are_in_the_log(nats_server: NatsServer, device: Device) -> None:
    before = nats_server.clear()
    device.publish("fm/demo/x/up/status", b"kept", retain=True)
    Device(nats_server.mqtt_port, will="fm/demo/x/up/presence").vanish()
    assert wait_until(lambda: nats_server.state().last_seq == before + 2, 60)
    assert _message(nats_server.url, before + 2)["subject"].endswith(".demo.x.up.presence")


@pytest.mark.parametrize("topic", ["fm/demo/+/up/#", "fm/#", "#", "log/#", "$JS/#"])
def test_a_device_does_not_hear_what_others_measure(device: Device, topic: str) -> None:
    assert device.subscribe(topic) == 0x80


def test_a_device_hears_what_it_is_told(device: Device) -> None:
    assert device.subscribe("fm/demo/x/down/#") == 1


def test_the_clients_door_needs_a_password(nats_server: NatsServer) -> None:
    for who in ("", "device:@", "house:wrong@"):
        with pytest.raises(NatsRequestError, match="Authorization"):
            request(f"nats://{who}127.0.0.1:{nats_server.port}", "$JS.API.INFO")


def test_the_log_has_no_limit_of_its_own(nats_server: NatsServer) -> None:
    config = request(nats_server.url, f"$JS.API.STREAM.INFO.{STREAM}")["config"]
    assert (config["max_age"], config["max_bytes"], config["max_msgs"]) == (0, -1, -1)
    assert (config["storage"], config["retention"]) == ("file", "limits")


def test_the_log_survives_a_kill_and_the_passwords_are_private(engines_folder: Path) -> None:
    folder = engines_folder / "killed"
    server = Nats(folder, port=free_port(), mqtt_port=free_port())
    server.start()
    device = Device(server.mqtt_port)
    for n in range(50):
        device.publish("fm/demo/x/up/telemetry", b"%d" % n)
    server.process.kill()
    device.leave()
    url = server.url
    server.start()
    try:
        assert stream_state(server.url).last_seq == 50
        assert server.url == url
        for name in ("secrets.json", "server.conf"):
            assert stat.S_IMODE((folder / "nats" / name).stat().st_mode) == 0o600
    finally:
        server.stop()


def test_a_log_that_refuses_gets_no_acknowledgement(engines_folder: Path) -> None:
    """So PUBACK comes from the log itself, and from no other store."""
    server, lost = Nats(engines_folder / "refuses", port=free_port(), mqtt_port=free_port()), threading.Event()
    server.start()
    try:
        with connected(server, lost) as client:
            client.publish("fm/demo/x/up/telemetry", b"taken", qos=1).wait_for_publish(60)
            request(server.url, f"$JS.API.STREAM.UPDATE.{STREAM}", {**LOG_STREAM, "max_msgs": 1})
            sent = client.publish("fm/demo/x/up/telemetry", b"refused", qos=1)
            assert lost.wait(60), "that is NATS' answer"
            assert not is_taken(sent)
            request(server.url, f"$JS.API.STREAM.UPDATE.{STREAM}", LOG_STREAM)
            taken(sent)  # the device sends it again by itself
            assert stream_state(server.url).messages == 2
    finally:
        server.stop()


def test_a_log_of_an_earlier_version_listens_where_this_one_does(engines_folder: Path) -> None:
    """Before, it listened beside the listener's own stream, which took all."""
    server = Nats(engines_folder / "earlier", port=free_port(), mqtt_port=free_port())
    server.start()
    for name in ("LOG", "$MQTT_msgs"):
        request(server.url, f"$JS.API.STREAM.DELETE.{name}")
    beside = {"subjects": ["fm.*.*.up.>"], "subject_transform": {"src": "fm.*.*.*.>", "dest": "log.0.$1.$2.$3.>"}}
    for earlier in ({**LOG_STREAM, **beside}, {**LISTENER_STREAM, "subjects": ["$MQTT.msgs.>"]}):
        assert "error" not in request(server.url, f"$JS.API.STREAM.CREATE.{earlier['name']}", earlier)
    server.start()
    try:
        with connected(server) as client:
            client.publish("fm/demo/x/up/telemetry", b"taken", qos=1).wait_for_publish(60)
        assert stream_state(server.url).messages == 1
        assert request(server.url, f"$JS.API.STREAM.INFO.{STREAM}")["config"]["subjects"] == LOG_STREAM["subjects"]
    finally:
        server.stop()


def test_when_the_disk_is_full_devices_get_no_acknowledgement_and_the_log_keeps_what_it_acknowledged(
    engines_folder: Path,
) -> None:
    server = Nats(engines_folder / "full", port=free_port(), mqtt_port=free_port(), max_file_bytes=2_000_000)
    server.start()
    acknowledged, full = 0, threading.Event()
    try:
        with connected(server, full) as client:
            for _ in range(60):
                sent = client.publish("fm/demo/x/up/telemetry", b"x" * 50_000, qos=1)
                assert wait_until(lambda sent=sent: is_taken(sent) or full.is_set(), 60)
                if full.is_set():
                    break
                acknowledged += 1
            assert 0 < acknowledged < 60
            assert stream_state(server.url).messages >= acknowledged
    finally:
        server.stop()


def _message(url: str, seq: int) -> dict[str, Any]:
    for _ in range(500):
        answer = request(url, f"$JS.API.STREAM.MSG.GET.{STREAM}", {"seq": seq})
        if "message" in answer:
            return answer["message"]
        time.sleep(0.02)
    raise AssertionError(answer)

"""What is too large to be read is acknowledged and refused, so that no device sends it for ever."""

import socket
from contextlib import suppress

import pytest

from api.engines.nats import MAX_PAYLOAD_BYTES
from ingest import limits
from tests.ingest.house import House
from tests.processes import working

pytestmark = pytest.mark.engines
TOPIC = b"fm/demo/d1/up/telemetry"
HEADERS = len(b"NATS/1.0\r\nNmqtt-Pub:1\r\n\r\n")  # which NATS puts before what it stores, and counts
CONNECT = b"\x10\x0c\x00\x04MQTT\x04\x02\x00\x3c\x00\x00"


def test_a_payload_beyond_64_kib_is_acknowledged_and_refused_and_its_device_stays_connected(house: House) -> None:
    ended: list[str] = []
    house.device.on_disconnect = lambda *_: ended.append("disconnected")
    sizes = [limits.PAYLOAD_BYTES + 1, 1 << 20, MAX_PAYLOAD_BYTES - HEADERS]
    with working(house.settings):
        for size in sizes:
            house.publish(b"%d" % size + b" " * (size - len(str(size))))
        house.caught_up()
    assert house.refusals() == ["TOO_LARGE"] * len(sizes)
    assert house.one("SELECT max(length(payload)) FROM refusal") == limits.PAYLOAD_BYTES
    assert ended == []


@pytest.mark.parametrize("claimed", [2 * MAX_PAYLOAD_BYTES, 268_435_455])
def test_what_is_far_beyond_what_the_broker_takes_ends_its_own_connection_before_its_bytes_are_sent(
    house: House, claimed: int
) -> None:
    before = house.nats.state().last_seq
    with socket.create_connection(("127.0.0.1", house.nats.mqtt_port), 60) as device:
        device.sendall(CONNECT)
        assert device.recv(4) == b"\x20\x02\x00\x00"
        device.sendall(b"\x32" + _length(claimed) + len(TOPIC).to_bytes(2, "big") + TOPIC + b"\x00\x01")
        with suppress(ConnectionResetError):
            assert device.recv(1) == b""
    house.publish(b"others go on")
    assert house.nats.state().last_seq == before + 1


def _length(number: int) -> bytes:
    """MQTT's variable byte integer."""
    out = b""
    while number > 127:
        out, number = out + bytes([number % 128 | 128]), number // 128
    return out + bytes([number])


def test_one_byte_beyond_what_the_broker_takes_ends_only_its_own_connection(house: House) -> None:
    """And goes on doing so if it is sent again: MQTT 3.1.1 has no other answer."""
    before = house.nats.state().last_seq
    payload = b" " * (MAX_PAYLOAD_BYTES - HEADERS + 1)
    packet = len(TOPIC).to_bytes(2, "big") + TOPIC + b"\x00\x01" + payload
    for _ in range(2):
        with socket.create_connection(("127.0.0.1", house.nats.mqtt_port), 60) as device, suppress(ConnectionError):
            device.sendall(CONNECT)
            assert device.recv(4) == b"\x20\x02\x00\x00"
            device.sendall(b"\x32" + _length(len(packet)) + packet)
            assert device.recv(1) == b""
    house.publish(b"others go on")
    assert house.nats.state().last_seq == before + 1

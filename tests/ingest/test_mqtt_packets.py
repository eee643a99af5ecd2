"""The bridge's codec: what others encode it reads, wherever the bytes are cut, and rubbish is its own error only."""

from collections.abc import Sequence
from contextlib import suppress
from typing import Any, cast

import paho.mqtt.client as mqtt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest import mqtt_packets
from ingest.errors import PacketError
from ingest.limits import PAYLOAD_BYTES
from ingest.mqtt_packets import MOST_HELD, Answer, Packets, Publish

CONNACK, SUBACK, PINGRESP = b"\x20\x02\x01\x00", b"\x90\x04\x00\x01\x01\x80", b"\xd0\x00"
EVERY = 10_000


def paho() -> mqtt.Client:
    """With a socket and a thread that only seem to be there: it keeps what it would send."""
    client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, client_id="bridge", clean_session=False)
    client._sock = client._thread = cast("Any", object())
    return client


def said(client: mqtt.Client) -> bytes:
    client._sock = client._thread = None
    return b"".join(bytes(out["packet"]) for out in client._out_packet)


def publish(topic: str, payload: bytes, *, packet_id: int = 7, qos: int = 1, **flags: bool) -> bytes:
    """As paho encodes it."""
    client = paho()
    client._send_publish(packet_id, topic.encode(), payload, qos, flags.get("retain", False), flags.get("dup", False))
    return said(client)


def read(data: bytes, cuts: Sequence[int] = ()) -> list[Publish | Answer]:
    packets, found = Packets(), []
    for start, stop in zip([0, *cuts], [*cuts, len(data)], strict=True):
        packets.feed(data[start:stop])
        found += packets.take(EVERY)
    assert packets.held == 0
    return found


STREAM = b"".join(
    [
        CONNACK,
        publish("plant/1/state", b'{"ts": 1, "m": {"a": 1}}'),
        SUBACK,
        publish("p", b""),
        publish("plant/温度", b"x" * 200, packet_id=65535, dup=True),
        PINGRESP,
        publish("loose", b"\x00\xff", qos=0, retain=True),
        publish("long", b"y" * 400, packet_id=256),
    ]
)


def test_every_packet_cut_at_every_byte_is_the_same_packet() -> None:
    whole = read(STREAM)
    assert [type(packet) for packet in whole] == [Answer, Publish, Answer, Publish, Publish, Answer, Publish, Publish]
    assert whole[4] == Publish("plant/温度".encode(), 65535, b"x" * 200, mqtt_packets.DUP)
    assert whole[6] == Publish(b"loose", 0, b"\x00\xff", mqtt_packets.RETAIN)
    for cut in range(len(STREAM)):
        assert read(STREAM, [cut]) == whole


def test_bytes_that_come_one_by_one_are_the_same_packets() -> None:
    data = STREAM[:-1]
    packets, found = Packets(), []
    for place in range(len(data)):
        packets.feed(data[place : place + 1])
        found += packets.take(EVERY)
    assert found == read(STREAM)[:7]


@pytest.mark.parametrize("size", [0, 1, 113, 114, 115, 16_369, 16_370, 16_371, PAYLOAD_BYTES - 1, PAYLOAD_BYTES])
def test_lengths_around_every_digit_of_the_length(size: int) -> None:
    payload = bytes(size)
    assert read(publish("plant/1/temp", payload)) == [Publish(b"plant/1/temp", 7, payload, 0)]


def test_not_more_is_taken_than_asked_for_and_the_rest_stays() -> None:
    packets = Packets()
    packets.feed(STREAM)
    parts = [packets.take(3), packets.take(0), packets.take(1), packets.take(EVERY)]
    assert [len(part) for part in parts] == [3, 0, 1, 4]
    assert [packet for part in parts for packet in part] == read(STREAM)


@pytest.mark.parametrize("size", [PAYLOAD_BYTES + 1, PAYLOAD_BYTES + 2, 200_000, 3_000_000])
@pytest.mark.parametrize("at_once", [1 << 20, 4096])
def test_a_large_message_is_cut_one_byte_beyond_the_limit_and_never_held_whole(size: int, at_once: int) -> None:
    data = publish("plant/1", b"z" * size) + publish("plant/2", b"next", packet_id=8)
    packets, found, most = Packets(), [], 0
    for start in range(0, len(data), at_once):
        packets.feed(data[start : start + at_once])
        found += packets.take(EVERY)
        most = max(most, packets.held)
    assert found == [
        Publish(b"plant/1", 7, b"z" * (PAYLOAD_BYTES + 1), 0),
        Publish(b"plant/2", 8, b"next", 0),
    ]
    assert most <= MOST_HELD + 5


def test_the_longest_topic_with_a_large_payload_is_read_too() -> None:
    topic = "t" * 65_535
    (found,) = read(publish(topic, b"z" * 100_000))
    assert found == Publish(topic.encode(), 7, b"z" * (PAYLOAD_BYTES + 1), 0)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"\x34\x05\x00\x01a\x00\x01", "QoS 2"),
        (b"\x36\x05\x00\x01a\x00\x01", "QoS 2 or 3"),
        (b"\x32\x04\x00\x00\x00\x01", "without a topic"),
        (b"\x32\x00", "without a topic"),
        (b"\x30\x01\x00", "without a topic"),
        (b"\x32\x03\x00\x01a", "shorter than its own head"),
        (b"\x30\x03\x00\x09a", "shorter than its own head"),
        (b"\x32\x05\x00\x01a\x00\x00", "without a packet id"),
        (b"\x32\xff\xff\xff\xff\x01", "four bytes"),
        (b"\x20\xff\xff\x7f", "may not send"),
        (b"\x00\x00", "may not send"),
        (b"\xf0\x00", "may not send"),
        (b"\x10\x00", "may not send"),
        (b"\x92\x00", "may not send"),
        (b"\xe0\x00", "may not send"),
    ],
)
def test_what_no_broker_may_send_is_an_error(data: bytes, words: str) -> None:
    with pytest.raises(PacketError, match=words):
        read(data)


@given(st.lists(st.binary(max_size=40), max_size=8))
def test_random_bytes_raise_nothing_but_the_codecs_own_error(parts: list[bytes]) -> None:
    packets = Packets()
    with suppress(PacketError):
        for part in parts:
            packets.feed(part)
            packets.take(EVERY)


@given(st.data())
def test_a_stream_with_flipped_bytes_raises_nothing_but_the_codecs_own_error(data: Any) -> None:
    broken = bytearray(STREAM[:400])
    for _ in range(data.draw(st.integers(1, 4))):
        broken[data.draw(st.integers(0, len(broken) - 1))] = data.draw(st.integers(0, 255))
    packets = Packets()
    packets.feed(bytes(broken))
    with suppress(PacketError):
        packets.take(EVERY)


TOPICS = st.text(st.characters(exclude_characters="\0+#", exclude_categories=["Cs"]), min_size=1, max_size=30)


@given(
    st.lists(st.tuples(TOPICS, st.binary(max_size=300), st.integers(1, 65535), st.booleans()), max_size=6),
    st.lists(st.integers(0, 2000), max_size=5),
)
def test_what_paho_encodes_is_read_as_it_was_said(
    messages: list[tuple[str, bytes, int, bool]], cuts: list[int]
) -> None:
    data = b"".join(publish(topic, payload, packet_id=number, dup=dup) for topic, payload, number, dup in messages)
    expected = [
        Publish(topic.encode(), number, payload, mqtt_packets.DUP if dup else 0)
        for topic, payload, number, dup in messages
    ]
    assert read(data, sorted(min(cut, len(data)) for cut in cuts)) == expected


@pytest.mark.parametrize("username", [None, "plant", "设备"])
@pytest.mark.parametrize("password", [None, "s:e c/ret", ""])
def test_connect_is_what_paho_says(username: str | None, password: str | None) -> None:
    if username is None and password is not None:
        return  # MQTT 3.1.1 has no password without a name
    client = paho()
    client.username_pw_set(username, password)
    client._send_connect(30)
    assert mqtt_packets.connect("bridge", keep_alive_s=30, username=username, password=password) == said(client)


def test_a_clean_session_is_asked_for_in_one_bit() -> None:
    kept, clean = (mqtt_packets.connect("b", keep_alive_s=0, clean=each) for each in (False, True))
    assert [place for place in range(len(kept)) if kept[place] != clean[place]] == [9]
    assert (kept[9], clean[9]) == (0, 2)


@pytest.mark.parametrize("filters", [["plant/#"], ["$share/g/plant/+/state", "温/+", "x" * 200]])
def test_subscribe_is_what_paho_says(filters: list[str]) -> None:
    client = paho()
    client._send_subscribe(False, [(each.encode(), 1) for each in filters])
    assert mqtt_packets.subscribe(1, filters) == said(client)


def test_pubacks_are_what_paho_says() -> None:
    client = paho()
    for packet_id in (1, 255, 256, 65535):
        client._send_puback(packet_id)
    assert mqtt_packets.pubacks([1, 255, 256, 65535]) == said(client)
    assert mqtt_packets.pubacks([]) == b""


@pytest.mark.parametrize("text", ["x" * 65_536, "nul\0", "\ud800"])
def test_a_text_that_mqtt_cannot_carry_is_an_error(text: str) -> None:
    with pytest.raises(PacketError, match="MQTT's texts"):
        mqtt_packets.connect(text, keep_alive_s=0)

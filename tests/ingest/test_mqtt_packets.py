"""The bridge's codec: what others encode it reads, wherever the bytes are cut, and rubbish is its own error only."""

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.reasoncodes import ReasonCode
from paho.mqtt.subscribeoptions import SubscribeOptions

from ingest.bridge import packets as mqtt_packets
from ingest.bridge.packets import MOST_HELD, Answer, Packets, Publish
from ingest.bridge.properties import varint
from ingest.bridge.versions import LEVEL_3, LEVEL_5
from ingest.errors import PacketError
from ingest.limits import PAYLOAD_BYTES
from tests.ingest.mqtt_speech import EVERY, LEVELS, STREAMS, of_message, of_packet, paho, publish, read, said

both = pytest.mark.parametrize("level", LEVELS)


@both
def test_every_packet_cut_at_every_byte_is_the_same_packet(level: int) -> None:
    stream = STREAMS[level]
    whole = read(stream, level=level)
    last = Answer if level == LEVEL_5 else Publish
    assert [type(packet) for packet in whole] == [Answer, Publish, Answer, Publish, Publish, Answer, Publish, last]
    assert whole[4] == Publish("plant/温度".encode(), 65535, b"x" * 200, mqtt_packets.DUP)
    assert whole[6] == Publish(b"loose", 0, b"\x00\xff", mqtt_packets.RETAIN)
    for cut in range(len(stream)):
        assert read(stream, [cut], level=level) == whole


@both
def test_bytes_that_come_one_by_one_are_the_same_packets(level: int) -> None:
    data = STREAMS[level][:-1]
    packets, found = Packets(level), []
    for place in range(len(data)):
        packets.feed(data[place : place + 1])
        found += packets.take(EVERY)
    assert found == read(STREAMS[level], level=level)[:7]


@both
@pytest.mark.parametrize("size", [0, 1, 112, 113, 114, 115, 16_369, 16_370, 16_371, PAYLOAD_BYTES - 1, PAYLOAD_BYTES])
def test_lengths_around_every_digit_of_the_length(size: int, level: int) -> None:
    payload = bytes(size)
    assert read(publish("plant/1/temp", payload, level=level), level=level) == [Publish(b"plant/1/temp", 7, payload, 0)]


@both
def test_not_more_is_taken_than_asked_for_and_the_rest_stays(level: int) -> None:
    packets = Packets(level)
    packets.feed(STREAMS[level])
    parts = [packets.take(3), packets.take(0), packets.take(1), packets.take(EVERY)]
    assert [len(part) for part in parts] == [3, 0, 1, 4]
    assert [packet for part in parts for packet in part] == read(STREAMS[level], level=level)


@both
@pytest.mark.parametrize("size", [PAYLOAD_BYTES + 1, PAYLOAD_BYTES + 2, 200_000, 3_000_000])
@pytest.mark.parametrize("at_once", [1 << 20, 4096])
def test_a_large_message_is_cut_one_byte_beyond_the_limit_and_never_held_whole(
    size: int, at_once: int, level: int
) -> None:
    data = publish("plant/1", b"z" * size, level=level) + publish("plant/2", b"next", level=level, packet_id=8)
    packets, found, most = Packets(level), [], 0
    for start in range(0, len(data), at_once):
        packets.feed(data[start : start + at_once])
        found += packets.take(EVERY)
        most = max(most, packets.held)
    assert found == [
        Publish(b"plant/1", 7, b"z" * (PAYLOAD_BYTES + 1), 0),
        Publish(b"plant/2", 8, b"next", 0),
    ]
    assert most <= MOST_HELD + 5


@both
def test_the_longest_topic_with_a_large_payload_is_read_too(level: int) -> None:
    topic = "t" * 65_535
    (found,) = read(publish(topic, b"z" * 100_000, level=level), level=level)
    assert found == Publish(topic.encode(), 7, b"z" * (PAYLOAD_BYTES + 1), 0)


@pytest.mark.parametrize("many", [327, 328, 400, 5000])
def test_a_message_whose_properties_are_too_many_to_be_held_is_too_large_and_its_neighbour_is_read(many: int) -> None:
    """328 of 200 bytes are 64 KiB and some."""
    much = of_message(UserProperty=[("k" * 95, "v" * 100)] * many)
    data = publish("t" * 65_535, b"small", level=LEVEL_5, properties=much) + publish("p", b"next", level=LEVEL_5)
    packets, found = Packets(LEVEL_5), []
    for start in range(0, len(data), 4096):
        packets.feed(data[start : start + 4096])
        found += packets.take(EVERY)
        assert packets.held <= MOST_HELD + 5
    large, neighbour = found
    assert isinstance(large, Publish)
    assert (large.payload == b"small") is (many == 327)
    assert (len(large.payload) > PAYLOAD_BYTES) is (many > 327)
    assert neighbour == Publish(b"p", 7, b"next", 0)


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


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"\x32\x05\x00\x01a\x00\x01", "shorter than its own head"),
        (b"\x30\x03\x00\x01a", "shorter than its own head"),
        (b"\x32\x05\x00\x00\x00\x01\x00", "without a topic"),
        (b"\x32\x08\x00\x00\x00\x01\x03\x23\x00\x01", "without a topic"),
        (b"\x32\x06\x00\x01a\x00\x01\x01", "longer than their packet"),
        (b"\x32\x09\x00\x01a\x00\x01\xff\xff\xff\xff", "does not end"),
        (b"\x32\x08\x00\x01a\x00\x01\x02\x21\x00", "a property 33"),
        (b"\xf0\x00", "may not send"),
        (b"\xe1\x00", "may not send"),
        (b"\x20\xff\xff\x7f", "may not send"),
    ],
)
def test_what_no_broker_of_mqtt_5_may_send_is_an_error(data: bytes, words: str) -> None:
    with pytest.raises(PacketError, match=words):
        read(data, level=LEVEL_5)


@both
@given(st.lists(st.binary(max_size=40), max_size=8))
def test_random_bytes_raise_nothing_but_the_codecs_own_error(level: int, parts: list[bytes]) -> None:
    packets = Packets(level)
    with suppress(PacketError):
        for part in parts:
            packets.feed(part)
            packets.take(EVERY)


@both
@given(st.data())
def test_a_stream_with_flipped_bytes_raises_nothing_but_the_codecs_own_error(level: int, data: Any) -> None:
    broken = bytearray(STREAMS[level][:400])
    for _ in range(data.draw(st.integers(1, 4))):
        broken[data.draw(st.integers(0, len(broken) - 1))] = data.draw(st.integers(0, 255))
    packets = Packets(level)
    packets.feed(bytes(broken))
    with suppress(PacketError):
        packets.take(EVERY)


@both
@given(data=st.data())
def test_what_is_read_in_the_fast_loop_is_what_care_reads(level: int, data: Any) -> None:
    """Whole, cut short, and with bytes that are not as they should be."""
    parts = data.draw(
        st.lists(st.tuples(st.integers(0, 300), st.integers(0, 3), st.sampled_from([0x32, 0x30, 0x3A, 0x33, 0xD0])))
    )
    stream = bytearray()
    for size, topic, first in parts:
        head = topic.to_bytes(2, "big") + b"abc"[:topic] + b"\0\7" + b"\0" * (level == LEVEL_5)
        body = b"" if first == 0xD0 else head + b"p" * size
        stream += bytes([first]) + varint(len(body)) + body
    for _ in range(data.draw(st.integers(0, 2)) if stream else 0):
        stream[data.draw(st.integers(0, len(stream) - 1))] = data.draw(st.sampled_from([0, 1, 2, 127, 128, 255]))
    said = bytes(stream[: data.draw(st.integers(0, len(stream)))])
    assert _outcome(said, level) == _outcome(said, level, careful=True)


def _outcome(said: bytes, level: int, *, careful: bool = False) -> object:
    with pytest.MonkeyPatch.context() as patch:
        if careful:
            patch.setattr(mqtt_packets, "_PLAIN", -1)
        packets, found = Packets(level), []
        packets.feed(said)
        try:
            while some := packets.take(1):
                found += some
        except PacketError as error:
            return found, str(error)
        return found, packets.held


TOPICS = st.text(st.characters(exclude_characters="\0+#", exclude_categories=["Cs"]), min_size=1, max_size=30)


@both
@given(
    messages=st.lists(st.tuples(TOPICS, st.binary(max_size=300), st.integers(1, 65535), st.booleans()), max_size=6),
    cuts=st.lists(st.integers(0, 2000), max_size=5),
)
def test_what_paho_encodes_is_read_as_it_was_said(
    level: int, messages: list[tuple[str, bytes, int, bool]], cuts: list[int]
) -> None:
    data = b"".join(
        publish(topic, payload, level=level, packet_id=number, dup=dup) for topic, payload, number, dup in messages
    )
    expected = [
        Publish(topic.encode(), number, payload, mqtt_packets.DUP if dup else 0)
        for topic, payload, number, dup in messages
    ]
    assert read(data, sorted(min(cut, len(data)) for cut in cuts), level=level) == expected


@both
@pytest.mark.parametrize("username", [None, "plant", "设备"])
@pytest.mark.parametrize("password", [None, "s:e c/ret", ""])
def test_connect_is_what_paho_says(username: str | None, password: str | None, level: int) -> None:
    if username is None and password is not None:
        return  # MQTT 3.1.1 has no password without a name
    client = paho(level)
    client.username_pw_set(username, password)
    if level == LEVEL_5:
        client._connect_properties = of_packet(
            PacketTypes.CONNECT, SessionExpiryInterval=mqtt_packets.FOR_EVER_S, ReceiveMaximum=2048
        )
    client._send_connect(30)
    ours = mqtt_packets.connect(
        "bridge", level=level, keep_alive_s=30, username=username, password=password, receive_maximum=2048
    )
    assert ours == said(client)


def test_a_clean_session_of_mqtt_5_ends_with_its_connection() -> None:
    client = paho(LEVEL_5)
    client._clean_start = True
    client._connect_properties = of_packet(PacketTypes.CONNECT, SessionExpiryInterval=0, ReceiveMaximum=7)
    client._send_connect(30)
    ours = mqtt_packets.connect("bridge", level=LEVEL_5, keep_alive_s=30, clean=True, receive_maximum=7)
    assert ours == said(client)


def test_a_clean_session_is_asked_for_in_one_bit() -> None:
    kept, clean = (mqtt_packets.connect("b", keep_alive_s=0, clean=each) for each in (False, True))
    assert [place for place in range(len(kept)) if kept[place] != clean[place]] == [9]
    assert (kept[9], clean[9]) == (0, 2)


@both
@pytest.mark.parametrize("filters", [["plant/#"], ["$share/g/plant/+/state", "温/+", "x" * 200]])
def test_subscribe_is_what_paho_says(filters: list[str], level: int) -> None:
    """With MQTT 5, retained messages come once and not with each reconnect."""
    client = paho(level)
    options = 1 if level == LEVEL_3 else SubscribeOptions(qos=1, retainHandling=1)
    client._send_subscribe(False, [(each.encode(), options) for each in filters])
    assert mqtt_packets.subscribe(1, filters, level=level) == said(client)


@both
def test_pubacks_are_what_paho_says(level: int) -> None:
    client = paho(level)
    for packet_id in (1, 255, 256, 65535):
        client._send_puback(packet_id)
    assert mqtt_packets.pubacks([1, 255, 256, 65535]) == said(client)
    assert mqtt_packets.pubacks([]) == b""


@both
def test_the_last_word_is_what_paho_says(level: int) -> None:
    friendly, broken = paho(level), paho(LEVEL_5)
    friendly._send_disconnect()
    broken._send_disconnect(ReasonCode(PacketTypes.DISCONNECT, identifier=0x81))
    assert (said(friendly), said(broken)) == (mqtt_packets.FAREWELL, mqtt_packets.farewell(0x81))


@pytest.mark.parametrize("text", ["x" * 65_536, "nul\0", "\ud800"])
def test_a_text_that_mqtt_cannot_carry_is_an_error(text: str) -> None:
    with pytest.raises(PacketError, match="MQTT's texts"):
        mqtt_packets.connect(text, keep_alive_s=0)


@both
def test_what_we_publish_is_a_message_with_qos_0(level: int) -> None:
    said = mqtt_packets.publish("spBv1.0/plant/NCMD/edge1", b"x" * 200, level=level)
    assert read(said, level=level) == [Publish(b"spBv1.0/plant/NCMD/edge1", 0, b"x" * 200, 0)]

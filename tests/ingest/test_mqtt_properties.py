"""Properties of MQTT 5: what paho packs is read as it was meant, what the specification forbids is an error."""

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from ingest.bridge.packets import FOR_EVER_S
from ingest.bridge.properties import CONNACK, DISCONNECT, PUBACK, PUBLISH, SUBACK, Property, number, read, say, varint
from ingest.errors import PacketError
from tests.ingest.mqtt_speech import of_packet

HEARD = (CONNACK, PUBLISH, PUBACK, SUBACK, DISCONNECT)
NAMES = {ident: name.replace(" ", "") for name, ident in Properties(PacketTypes.PUBLISH).names.items()}
TEXT = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=20)
POSITIVE = {11, 33, 35, 39}


def value_of(ident: int, kind: str) -> st.SearchStrategy[Any]:
    lowest = 1 if ident in POSITIVE else 0
    return {
        "Byte": st.integers(0, 1),
        "Two Byte Integer": st.integers(lowest, 0xFFFF),
        "Four Byte Integer": st.integers(lowest, 268_435_455 if ident == 39 else FOR_EVER_S),
        "Variable Byte Integer": st.integers(1, 268_435_455),
        "Binary Data": st.binary(max_size=20),
        "UTF-8 Encoded String": TEXT,
        "UTF-8 String Pair": st.lists(st.tuples(TEXT, TEXT), min_size=1, max_size=3),
    }[kind]


@st.composite
def properties_of(draw: st.DrawFn, packet: int) -> tuple[bytes, dict[int, Any]]:
    """As paho packs them, and as they were meant."""
    made = Properties(packet)
    allowed = [ident for ident, (_, packets) in made.properties.items() if packet in packets]
    meant = {}
    for ident in draw(st.lists(st.sampled_from(allowed), unique=True, max_size=8)):
        value = draw(value_of(ident, made.types[made.properties[ident][0]]))
        setattr(made, NAMES[ident], value)
        meant[ident] = value
    return made.pack(), meant


@pytest.mark.parametrize("packet", HEARD)
@given(data=st.data())
def test_what_paho_packs_is_read_as_it_was_meant_and_cut_anywhere_it_is_an_error(packet: int, data: Any) -> None:
    packed, meant = data.draw(properties_of(packet))
    assert read(packet, b"head" + packed + b"tail", 4) == (meant, 4 + len(packed))
    for cut in range(len(packed)):
        with pytest.raises(PacketError):
            read(packet, packed[:cut], 0)


@pytest.mark.parametrize("packet", HEARD)
def test_every_property_is_known_where_the_specification_allows_it_and_an_error_elsewhere(packet: int) -> None:
    """By paho's table, which is not ours."""
    table = Properties(packet).properties
    for ident in range(256):
        allowed = ident in table and packet in table[ident][1]
        with pytest.raises(PacketError, match="cut short|does not end" if allowed else f"with a property {ident}$"):
            read(packet, bytes([1, ident]), 0)


@pytest.mark.parametrize(
    ("packet", "said", "words"),
    [
        (CONNACK, b"\x21\x00\x00", "RECEIVE_MAXIMUM is 0"),
        (CONNACK, b"\x27\x00\x00\x00\x00", "MAXIMUM_PACKET_BYTES is 0"),
        (CONNACK, b"\x24\x02", "MAXIMUM_QOS is 2"),
        (CONNACK, b"\x2a\x07", "SHARED_AVAILABLE is 7"),
        (CONNACK, b"\x13\x00\x01\x13\x00\x01", "SERVER_KEEP_ALIVE_S twice"),
        (CONNACK, b"\x1f\x00\x02\xff\xfe", "no UTF-8"),
        (CONNACK, b"\x1f\x00\x01\x00", "NUL"),
        (PUBLISH, b"\x0b\x00", "SUBSCRIPTION_ID is 0"),
        (PUBLISH, b"\x0b\xff\xff\xff\xff", "does not end"),
        (PUBLISH, b"\x26\x00\x01a\x00", "cut short"),
    ],
)
def test_a_value_that_may_not_be_is_an_error(packet: int, said: bytes, words: str) -> None:
    with pytest.raises(PacketError, match=words):
        read(packet, bytes([len(said)]) + said, 0)


def test_a_message_may_match_several_subscriptions() -> None:
    assert read(PUBLISH, b"\x04\x0b\x01\x0b\x02", 0) == ({Property.SUBSCRIPTION_ID: 2}, 5)


@given(st.sampled_from(HEARD), st.binary(max_size=60))
def test_random_bytes_raise_nothing_but_the_codecs_own_error(packet: int, data: bytes) -> None:
    with suppress(PacketError):
        read(packet, data, 0)


@given(st.integers(0, 268_435_455))
def test_a_number_is_read_as_it_was_said(value: int) -> None:
    said = varint(value)
    assert number(b"x" + said + b"x", 1) == (value, 1 + len(said))


def test_what_we_say_is_what_paho_packs() -> None:
    ours = say({Property.SESSION_EXPIRY_S: 3600, Property.RECEIVE_MAXIMUM: 2048})
    assert ours == of_packet(PacketTypes.CONNECT, SessionExpiryInterval=3600, ReceiveMaximum=2048).pack()
    assert say({}) == Properties(PacketTypes.CONNECT).pack() == b"\0"

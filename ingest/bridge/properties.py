"""Properties of MQTT 5: typed by the specification's table, bounded by the packet that carries them.

A property that the table does not have, that this kind of packet may not carry, that comes twice, or that is cut short
is the sender's error. Specification: https://docs.oasis-open.org/mqtt/mqtt/v5.0/os/mqtt-v5.0-os.html, 2.2.2.
"""

from collections.abc import Callable
from enum import IntEnum
from typing import NamedTuple, TypeVar

from ingest.errors import PacketError

CONNECT, CONNACK, PUBLISH, PUBACK, SUBSCRIBE, SUBACK, DISCONNECT = 1, 2, 3, 4, 8, 9, 14  # kinds of packets

Value = int | bytes | str | list[tuple[str, str]]  # the list: user properties, the only ones that may be many
Properties = dict["Property", Value]


class Property(IntEnum):
    """Those that a subscriber says or hears."""

    PAYLOAD_FORMAT = 1
    MESSAGE_EXPIRY_S = 2
    CONTENT_TYPE = 3
    RESPONSE_TOPIC = 8
    CORRELATION_DATA = 9
    SUBSCRIPTION_ID = 11
    SESSION_EXPIRY_S = 17
    ASSIGNED_CLIENT_ID = 18
    SERVER_KEEP_ALIVE_S = 19
    AUTHENTICATION_METHOD = 21
    AUTHENTICATION_DATA = 22
    RESPONSE_INFORMATION = 26
    SERVER_REFERENCE = 28
    REASON = 31
    RECEIVE_MAXIMUM = 33
    TOPIC_ALIAS_MAXIMUM = 34
    TOPIC_ALIAS = 35
    MAXIMUM_QOS = 36
    RETAIN_AVAILABLE = 37
    USER = 38
    MAXIMUM_PACKET_BYTES = 39
    WILDCARDS_AVAILABLE = 40
    SUBSCRIPTION_IDS_AVAILABLE = 41
    SHARED_AVAILABLE = 42


_Otherwise = TypeVar("_Otherwise", int, None)
_Read = Callable[[bytes, int], tuple[Value, int]]  # the value at a place, and the place after it


class _Kind(NamedTuple):
    read: _Read
    packets: frozenset[int]
    values: range | None = None


def read(packet: int, data: bytes, at: int) -> tuple[Properties, int]:
    """What stands at `at` of a packet of this kind, its length first, and the place after it. Raises PacketError."""
    size, at = number(data, at)
    end = at + size
    if end > len(data):
        raise PacketError("properties are longer than their packet")
    data = data[:end]
    found: Properties = {}
    while at < end:
        kind, known = data[at], _TABLE.get(data[at])  # one byte each, though the specification reserves four
        if known is None or packet not in known.packets:
            raise PacketError(f"a packet of kind {packet} with a property {kind}")
        name = Property(kind)
        value, at = known.read(data, at + 1)
        if known.values and value not in known.values:
            raise PacketError(f"the property {name.name} is {value!r}")
        if isinstance(value, list):
            value = [*_pairs(found.get(name)), *value]
        elif name in found and not (name is Property.SUBSCRIPTION_ID and packet == PUBLISH):
            raise PacketError(f"the property {name.name} twice")
        found[name] = value
    return found, end


def say(numbers: dict[Property, int]) -> bytes:
    """With the length before it."""
    said = b"".join(bytes([name]) + value.to_bytes(_BYTES[_TABLE[name].read], "big") for name, value in numbers.items())
    return varint(len(said)) + said


def varint(value: int) -> bytes:
    digits = b""
    while True:
        value, digit = divmod(value, 128)
        digits += bytes([digit | 0x80 if value else digit])
        if not value:
            return digits


def number(data: bytes, at: int) -> tuple[int, int]:
    """A variable byte integer at a place of a whole packet, and the place after it. Raises PacketError."""
    value = 0
    for shift, digit in enumerate(data[at : at + 4]):
        value |= (digit & 127) << 7 * shift
        if digit < 128:
            return value, at + shift + 1
    raise PacketError("a number that does not end")


def text(properties: Properties, name: Property) -> str | None:
    value = properties.get(name)
    return value if isinstance(value, str) else None


def integer(properties: Properties, name: Property, otherwise: _Otherwise) -> int | _Otherwise:
    value = properties.get(name)
    return value if isinstance(value, int) else otherwise


def _pairs(value: Value | None) -> list[tuple[str, str]]:
    return value if isinstance(value, list) else []


def _byte(data: bytes, at: int) -> tuple[int, int]:
    return _fixed(data, at, 1)


def _two(data: bytes, at: int) -> tuple[int, int]:
    return _fixed(data, at, 2)


def _four(data: bytes, at: int) -> tuple[int, int]:
    return _fixed(data, at, 4)


def _fixed(data: bytes, at: int, size: int) -> tuple[int, int]:
    if at + size > len(data):
        raise PacketError("a property that is cut short")
    return int.from_bytes(data[at : at + size], "big"), at + size


def _binary(data: bytes, at: int) -> tuple[bytes, int]:
    size, at = _two(data, at)
    if at + size > len(data):
        raise PacketError("a property that is cut short")
    return data[at : at + size], at + size


def _text(data: bytes, at: int) -> tuple[str, int]:
    said, at = _binary(data, at)
    try:
        words = said.decode()
    except UnicodeDecodeError:
        raise PacketError("a property that is no UTF-8") from None
    if "\0" in words:
        raise PacketError("a property with a NUL")
    return words, at


def _pair(data: bytes, at: int) -> tuple[list[tuple[str, str]], int]:
    name, at = _text(data, at)
    value, at = _text(data, at)
    return [(name, value)], at


_BYTES: dict[_Read, int] = {_byte: 1, _two: 2, _four: 4}
_SWITCH, _POSITIVE, _SOME = range(2), range(1, 1 << 32), range(1, 1 << 28)
_MESSAGE, _WELCOME = frozenset({PUBLISH}), frozenset({CONNACK})
_BOTH_GREETINGS = frozenset({CONNECT, CONNACK})
_ANSWERS = frozenset({CONNACK, PUBACK, SUBACK, DISCONNECT})
_TABLE: dict[int, _Kind] = {
    Property.PAYLOAD_FORMAT: _Kind(_byte, _MESSAGE, _SWITCH),
    Property.MESSAGE_EXPIRY_S: _Kind(_four, _MESSAGE),
    Property.CONTENT_TYPE: _Kind(_text, _MESSAGE),
    Property.RESPONSE_TOPIC: _Kind(_text, _MESSAGE),
    Property.CORRELATION_DATA: _Kind(_binary, _MESSAGE),
    Property.SUBSCRIPTION_ID: _Kind(number, frozenset({PUBLISH, SUBSCRIBE}), _SOME),
    Property.SESSION_EXPIRY_S: _Kind(_four, _BOTH_GREETINGS | {DISCONNECT}),
    Property.ASSIGNED_CLIENT_ID: _Kind(_text, _WELCOME),
    Property.SERVER_KEEP_ALIVE_S: _Kind(_two, _WELCOME),
    Property.AUTHENTICATION_METHOD: _Kind(_text, _BOTH_GREETINGS),
    Property.AUTHENTICATION_DATA: _Kind(_binary, _BOTH_GREETINGS),
    Property.RESPONSE_INFORMATION: _Kind(_text, _WELCOME),
    Property.SERVER_REFERENCE: _Kind(_text, frozenset({CONNACK, DISCONNECT})),
    Property.REASON: _Kind(_text, _ANSWERS),
    Property.RECEIVE_MAXIMUM: _Kind(_two, _BOTH_GREETINGS, _POSITIVE),
    Property.TOPIC_ALIAS_MAXIMUM: _Kind(_two, _BOTH_GREETINGS),
    Property.TOPIC_ALIAS: _Kind(_two, _MESSAGE, _POSITIVE),
    Property.MAXIMUM_QOS: _Kind(_byte, _WELCOME, _SWITCH),
    Property.RETAIN_AVAILABLE: _Kind(_byte, _WELCOME, _SWITCH),
    Property.USER: _Kind(_pair, _ANSWERS | {CONNECT, PUBLISH, SUBSCRIBE}),
    Property.MAXIMUM_PACKET_BYTES: _Kind(_four, _BOTH_GREETINGS, _POSITIVE),
    Property.WILDCARDS_AVAILABLE: _Kind(_byte, _WELCOME, _SWITCH),
    Property.SUBSCRIPTION_IDS_AVAILABLE: _Kind(_byte, _WELCOME, _SWITCH),
    Property.SHARED_AVAILABLE: _Kind(_byte, _WELCOME, _SWITCH),
}

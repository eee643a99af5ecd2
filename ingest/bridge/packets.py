"""MQTT 3.1.1 and 5 as a subscriber with QoS 1 speaks them: what it says as bytes, what it hears as packets; no sockets.

A packet is read by its length, and no more of it is held than a payload may have and one byte, so that a larger one
is still seen to be too large.
Specifications: https://docs.oasis-open.org/mqtt/mqtt/v3.1.1/os/mqtt-v3.1.1-os.html and
https://docs.oasis-open.org/mqtt/mqtt/v5.0/os/mqtt-v5.0-os.html.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from ingest import limits
from ingest.bridge.properties import Property, number, read, say, varint
from ingest.bridge.versions import LEVEL_3, LEVEL_5
from ingest.errors import PacketError

CONNACK, PUBLISH, SUBACK, PINGRESP, DISCONNECT = 2, 3, 9, 13, 14
PINGREQ, FAREWELL = b"\xc0\x00", b"\xe0\x00"
QOS_1, RETAIN, DUP = 0x02, 0x01, 0x08
FOR_EVER_S = 0xFFFFFFFF  # a session, as MQTT 3.1.1 has it

_KEPT_BYTES = limits.PAYLOAD_BYTES + 1
_LONGEST_TEXT = 65_535
_MOST_PROPERTIES = _KEPT_BYTES  # of a message; beyond it the message is too large, whatever its payload is
MOST_HELD = 2 + _LONGEST_TEXT + 2 + 4 + _MOST_PROPERTIES + _KEPT_BYTES  # topic, packet id, properties, payload
_LONGEST_ANSWER = {LEVEL_3: 2 + 1024, LEVEL_5: 1 << 18}  # a SUBACK to as many filters; and what is said with it
_ANSWERS = {  # with the flags that they must have
    LEVEL_3: {CONNACK << 4, SUBACK << 4, PINGRESP << 4},
    LEVEL_5: {CONNACK << 4, SUBACK << 4, PINGRESP << 4, DISCONNECT << 4},
}
_PUBACK = 0x4002
_PLAIN = PUBLISH << 4 | QOS_1  # neither retained nor sent again: nearly all that comes
_SHORTEST_PLAIN = 9  # two bytes of head, a topic of one, packet id, length of the properties
_PLAIN_BYTES = min(1 << 14, limits.PAYLOAD_BYTES)  # their length has two digits at most
_ONCE = 0x10  # retained messages come with a new subscription, not with each that is renewed


class Publish(NamedTuple):
    """A message. `packet_id` is 0 with QoS 0; a payload longer than limits.PAYLOAD_BYTES is cut one byte after it."""

    topic: bytes
    packet_id: int
    payload: bytes
    flags: int


class Answer(NamedTuple):
    """What the broker says to something of ours, or of itself: CONNACK, SUBACK, PINGRESP, DISCONNECT."""

    kind: int
    body: bytes


def connect(
    client_id: str,
    *,
    keep_alive_s: int,
    level: int = LEVEL_3,
    clean: bool = False,
    username: str | None = None,
    password: str | None = None,
    receive_maximum: int = 65_535,
) -> bytes:
    """With `clean` false the broker keeps the session, and for it what comes while we are away. `receive_maximum`:
    how much may be under way to us, which only MQTT 5 can say."""
    flags = (clean << 1) | ((password is not None) << 6) | ((username is not None) << 7)
    body = b"\x00\x04MQTT" + bytes([level, flags]) + keep_alive_s.to_bytes(2, "big")
    if level == LEVEL_5:
        kept_s = 0 if clean else FOR_EVER_S
        body += say({Property.SESSION_EXPIRY_S: kept_s, Property.RECEIVE_MAXIMUM: receive_maximum})
    body += _text(client_id) + b"".join(_text(each) for each in (username, password) if each is not None)
    return _packet(0x10, body)


def subscribe(packet_id: int, filters: Sequence[str], *, level: int = LEVEL_3) -> bytes:
    """With QoS 1."""
    options, properties = (b"\x01", b"") if level == LEVEL_3 else (bytes([1 | _ONCE]), b"\x00")
    asked = b"".join(_text(each) + options for each in filters)
    return _packet(0x82, packet_id.to_bytes(2, "big") + properties + asked)


def farewell(reason: int) -> bytes:
    """MQTT 5 can say why; FAREWELL is the one that is friendly."""
    return b"\xe0\x01" + bytes([reason])


def publish(topic: str, payload: bytes, *, level: int = LEVEL_3, retain: bool = False) -> bytes:
    """With QoS 0."""
    return _packet(0x30 | (RETAIN if retain else 0), _text(topic) + (b"\x00" if level == LEVEL_5 else b"") + payload)


def pubacks(packet_ids: Sequence[int]) -> bytes:
    """Success, which in MQTT 5 is said by saying nothing more."""
    said = np.full((len(packet_ids), 2), _PUBACK, ">u2")
    said[:, 1] = packet_ids
    return said.tobytes()


class Packets:
    """The bytes of one connection as packets. Raises PacketError for what no broker may send, and nothing else."""

    def __init__(self, level: int = LEVEL_3) -> None:
        self._answers, self._longest_answer = _ANSWERS[level], _LONGEST_ANSWER[level]
        self._has_properties = level == LEVEL_5
        self._buffer = b""
        self._skip = 0  # bytes to come of a packet of which enough is known

    @property
    def held(self) -> int:
        return len(self._buffer)

    def feed(self, data: bytes) -> None:
        skipped = min(self._skip, len(data))
        self._skip -= skipped
        self._buffer += data[skipped:]

    def take(self, most: int) -> list[Publish | Answer]:
        """The next whole packets; what is not whole stays. The plain messages are read in this loop, where every call
        counts; all else, and what is not as it should be, is read with care."""
        buffer, at, end, has_properties = self._buffer, 0, len(self._buffer), self._has_properties
        found: list[Publish | Answer] = []
        while len(found) < most and at + 2 <= end:
            if buffer[at] == _PLAIN and at + _SHORTEST_PLAIN <= end:
                size, body = buffer[at + 1], at + 2
                if size > 127:
                    size, body = size & 127 | buffer[body] << 7, body + 1
                stop, topic = body + size, body + 2 + (buffer[body] << 8 | buffer[body + 1])
                start = topic + 2 + has_properties
                if (
                    start <= stop <= end
                    and size < _PLAIN_BYTES
                    and (packet_id := buffer[topic] << 8 | buffer[topic + 1])
                    and topic > body + 2
                    and not (has_properties and buffer[start - 1])
                ):
                    found.append(_made(Publish, (buffer[body + 2 : topic], packet_id, buffer[start:stop], 0)))
                    at = stop
                    continue
            packet, at = self._read(at)
            if packet is None:
                break
            found.append(packet)
        self._buffer = buffer[at:]
        return found

    def _read(self, at: int) -> tuple[Publish | Answer | None, int]:
        """The packet at a place and the place after it, or None if it is not all here."""
        buffer, end = self._buffer, len(self._buffer)
        first, size, body = buffer[at], buffer[at + 1], at + 2
        if size > 127:
            size, body = _size(buffer, body)
            if not body:
                return None, at
        stop = body + size
        if first >> 4 != PUBLISH:
            if first not in self._answers or size > self._longest_answer:
                raise PacketError(f"a broker may not send 0x{first:02x} with {size} bytes")
            return (Answer(first >> 4, buffer[body:stop]), stop) if stop <= end else (None, at)
        whole = min(stop, body + MOST_HELD)
        if whole > end:
            return None, at
        if stop > end:
            self._skip, stop = stop - end, end
        return _publish(first, buffer[body:whole], self._has_properties), stop


_made = tuple.__new__  # a NamedTuple's own is Python, and three times as slow


def _publish(first: int, body: bytes, has_properties: bool) -> Publish:  # noqa: FBT001
    size = len(body)
    at = 2 + (body[0] << 8 | body[1]) if size >= 2 else 2
    qos = first & 0x06
    if qos > QOS_1:
        raise PacketError("a message with QoS 2 or 3: we subscribe with QoS 1")
    start = at + qos  # the id's two bytes are there with QoS 1, which is the bit of that value
    if at == 2 or start + has_properties > size:
        raise PacketError("a message without a topic, or shorter than its own head")
    packet_id = body[at] << 8 | body[at + 1] if qos else 0
    if qos and not packet_id:
        raise PacketError("a message with QoS 1 and without a packet id")
    if has_properties:
        start = start + 1 if not body[start] else _past_properties(body, start)
    return Publish(body[2:at], packet_id, body[start : start + _KEPT_BYTES], first & (DUP | RETAIN))


def _past_properties(body: bytes, at: int) -> int:
    """Where the payload begins. Nothing that they say concerns us: no alias was granted, what expires the broker
    drops itself. Those that are too many to be held make the message too large, as if they were payload."""
    size, start = number(body, at)
    return start if size > _MOST_PROPERTIES else read(PUBLISH, body, at)[1]


def _size(buffer: bytes, at: int) -> tuple[int, int]:
    """The remaining length, of whose digits the first is before `at`, and where the body begins; 0: not all here."""
    size, shift = buffer[at - 1] & 127, 7
    for digit in buffer[at : at + 3]:
        size |= (digit & 127) << shift
        at, shift = at + 1, shift + 7
        if digit < 128:
            return size, at
    if shift > 21:
        raise PacketError("a length of more than four bytes")
    return 0, 0


def _packet(first: int, body: bytes) -> bytes:
    return bytes([first]) + varint(len(body)) + body


def _text(text: str) -> bytes:
    """Raises PacketError for one that MQTT cannot carry."""
    try:
        encoded = text.encode()
    except UnicodeEncodeError:
        raise PacketError("MQTT's texts are UTF-8") from None
    if len(encoded) > _LONGEST_TEXT or b"\0" in encoded:
        raise PacketError("MQTT's texts have at most 65535 bytes and no NUL")
    return len(encoded).to_bytes(2, "big") + encoded

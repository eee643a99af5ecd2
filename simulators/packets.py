"""MQTT 3.1.1 packets: one of each kind that a device needs, or thousands of QoS 1 PUBLISH as rows of bytes.

Every packet of one load has the same length, so that only packet id, `ts` and name are written into copied templates.
"""

import re
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

Bytes = npt.NDArray[np.uint8]
Ints = npt.NDArray[np.int64]

TS_DIGITS = 13  # epoch ms, from 2001 to 2286
PACKET_IDS = 65_535  # 1 .. 65535; 0 is no packet id
_POWERS = 10 ** np.arange(TS_DIGITS - 1, -1, -1, dtype=np.int64)
_PUBACK_BYTES = 4


PINGREQ, DISCONNECT = b"\xc0\x00", b"\xe0\x00"
CONNACK, PUBLISH, PUBACK = 0x20, 0x30, 0x40  # of what comes in, the first byte's upper half


def connect(
    client_id: str,
    keep_alive_s: int = 0,
    username: str | None = None,
    password: str | None = None,
    will: tuple[str, bytes] | None = None,
) -> bytes:
    """CONNECT with a clean session; 0 s: the broker expects no pings. `will`: topic and payload, QoS 1, retained."""
    words = [client_id.encode()]
    words += [will[0].encode(), will[1]] if will else []
    words += [word.encode() for word in (username, password) if word is not None]
    flags = 0x02 | (0x80 if username is not None else 0) | (0x40 if password is not None else 0) | (0x2C if will else 0)
    body = b"\x00\x04MQTT\x04" + bytes([flags]) + keep_alive_s.to_bytes(2, "big")
    body += b"".join(len(word).to_bytes(2, "big") + word for word in words)
    return b"\x10" + _length(len(body)) + body


def publish(topic: bytes, payload: bytes, packet_id: int, *, retain: bool = False) -> bytes:
    """PUBLISH, QoS 1."""
    length = _length(4 + len(topic) + len(payload))
    return b"".join((b"\x33" if retain else b"\x32", length, _word(topic), packet_id.to_bytes(2, "big"), payload))


def puback(packet_id: int) -> bytes:
    return b"\x40\x02" + packet_id.to_bytes(2, "big")


def subscribe(topics: Sequence[str], packet_id: int) -> bytes:
    """SUBSCRIBE, QoS 1."""
    body = packet_id.to_bytes(2, "big") + b"".join(_word(topic.encode()) + b"\x01" for topic in topics)
    return b"\x82" + _length(len(body)) + body


def split(received: bytes) -> tuple[list[tuple[int, bytes]], bytes]:
    """Whole packets as (first byte, what follows its length), and the bytes of one not yet whole."""
    packets, at = [], 0
    while at + 1 < len(received):
        length = shift = 0
        body = at + 1
        while body < len(received):
            digit = received[body]
            length |= (digit & 0x7F) << shift
            body, shift = body + 1, shift + 7
            if digit < 0x80:
                break
        else:
            break
        if body + length > len(received):
            break
        packets.append((received[at], received[body : body + length]))
        at = body + length
    return packets, received[at:]


def published(first: int, body: bytes) -> tuple[str, bytes, int]:
    """Topic, payload and packet id (0: QoS 0) of a PUBLISH that came in."""
    end = 2 + int.from_bytes(body[:2], "big")
    packet_id = int.from_bytes(body[end : end + 2], "big") if first & 0x06 else 0
    return body[2:end].decode(), body[end + 2 if first & 0x06 else end :], packet_id


def _word(text: bytes) -> bytes:
    return len(text).to_bytes(2, "big") + text


class Templates:
    """PUBLISH packets of `topics` (one a device) times `payloads` (variants). In each payload a `ts` of 13 zeros stands
    wherever one is to be written, and where the first of `names` stands each device's own does."""

    def __init__(self, topics: list[str], payloads: list[bytes], names: list[str] | None = None) -> None:
        heads = [_head(topic.encode(), len(payloads[0])) for topic in topics]
        for each in (heads, payloads, names or []):
            if len(set(map(len, each))) > 1:
                raise ValueError("packets of one load have one length")
        self.n_topics = len(topics)
        self._heads, self._payloads = _rows(heads), _rows(payloads)
        self._id = self._heads.shape[1]
        body = self._id + 2
        self.packet_bytes = body + len(payloads[0])
        self._ts = body + np.array([found.start() for found in re.finditer(b"0{13}", payloads[0])], dtype=np.int64)
        self._names = _rows([name.encode() for name in names]) if names else None
        self._name = body + payloads[0].index(names[0].encode()) if names else 0

    def packets(self, numbers: Ints, ts_ms: Ints) -> bytes:
        """Messages `numbers` (n,): number i is of device i % n_topics, with packet id `packet_ids(i)`; `ts_ms`
        (n, readings): of each of its readings."""
        turn, device = np.divmod(numbers, self.n_topics)
        rows = np.empty((len(numbers), self.packet_bytes), np.uint8)
        rows[:, : self._id] = self._heads[device]
        rows[:, self._id + 2 :] = self._payloads[turn % len(self._payloads)]
        ids = packet_ids(numbers)
        rows[:, self._id] = ids >> 8
        rows[:, self._id + 1] = ids & 0xFF
        if self._names is not None:
            rows[:, self._name : self._name + self._names.shape[1]] = self._names[device]
        for place, power in enumerate(_POWERS):
            rows[:, self._ts + place] = ts_ms // power % 10 + ord("0")
        return rows.tobytes()


def packet_ids(numbers: Ints) -> Ints:
    return numbers % PACKET_IDS + 1


def pubacks(received: bytes) -> tuple[Ints, bytes]:
    """Packet ids of the PUBACKs in `received`, and the bytes of one not yet whole. ValueError on another packet."""
    whole = len(received) // _PUBACK_BYTES * _PUBACK_BYTES
    rows = np.frombuffer(received, np.uint8, whole).reshape(-1, _PUBACK_BYTES).astype(np.int64)
    if not ((rows[:, 0] == 0x40) & (rows[:, 1] == 2)).all():
        raise ValueError("the broker sent something that is no PUBACK")
    return rows[:, 2] << 8 | rows[:, 3], received[whole:]


def _head(topic: bytes, payload_bytes: int) -> bytes:
    """Of a PUBLISH, up to its packet id."""
    variable = len(topic).to_bytes(2, "big") + topic
    return b"\x32" + _length(len(variable) + 2 + payload_bytes) + variable


def _rows(texts: list[bytes]) -> Bytes:
    return np.frombuffer(b"".join(texts), np.uint8).reshape(len(texts), -1)


def _length(n: int) -> bytes:
    encoded = b""
    while True:
        n, digit = divmod(n, 128)
        encoded += bytes([digit | 0x80 if n else digit])
        if not n:
            return encoded

"""MQTT 3.1.1 packets as rows of bytes: thousands of QoS 1 PUBLISH encoded at once, PUBACKs read at once.

Every packet of one load has the same length, so that only packet id, `ts` and name are written into copied templates.
"""

import re

import numpy as np
import numpy.typing as npt

Bytes = npt.NDArray[np.uint8]
Ints = npt.NDArray[np.int64]

TS_DIGITS = 13  # epoch ms, from 2001 to 2286
PACKET_IDS = 65_535  # 1 .. 65535; 0 is no packet id
_POWERS = 10 ** np.arange(TS_DIGITS - 1, -1, -1, dtype=np.int64)
_PUBACK_BYTES = 4


def connect(client_id: str, keep_alive_s: int = 0, username: str | None = None, password: str | None = None) -> bytes:
    """CONNECT with a clean session; 0 s: the broker expects no pings."""
    words = [word.encode() for word in (client_id, username, password) if word is not None]
    flags = 0x02 | (0x80 if username is not None else 0) | (0x40 if password is not None else 0)
    body = b"\x00\x04MQTT\x04" + bytes([flags]) + keep_alive_s.to_bytes(2, "big")
    body += b"".join(len(word).to_bytes(2, "big") + word for word in words)
    return b"\x10" + _length(len(body)) + body


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

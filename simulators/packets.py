"""MQTT 3.1.1 packets as rows of bytes: thousands of QoS 1 PUBLISH encoded at once, PUBACKs read at once.

Every packet of one load has the same length, so that only packet id and `ts` are written into copied templates.
"""

import numpy as np
import numpy.typing as npt

Bytes = npt.NDArray[np.uint8]
Ints = npt.NDArray[np.int64]

TS_DIGITS = 13  # epoch ms, from 2001 to 2286
PACKET_IDS = 65_535  # 1 .. 65535; 0 is no packet id
_POWERS = 10 ** np.arange(TS_DIGITS - 1, -1, -1, dtype=np.int64)
_PUBACK_BYTES = 4


def connect(client_id: str, keep_alive_s: int = 0) -> bytes:
    """CONNECT with a clean session; 0 s: the broker expects no pings."""
    name = client_id.encode()
    body = b"\x00\x04MQTT\x04\x02" + keep_alive_s.to_bytes(2, "big") + len(name).to_bytes(2, "big") + name
    return b"\x10" + _length(len(body)) + body


class Templates:
    """PUBLISH packets of `topics` (one a device) times `payloads` (variants); in each payload `ts` stands at the
    first 13 zeros."""

    def __init__(self, topics: list[str], payloads: list[bytes]) -> None:
        packets = [_publish(topic.encode(), payload) for payload in payloads for topic in topics]
        if len({len(packet) for packet in packets}) != 1:
            raise ValueError("packets of one load have one length")
        self.n_topics, self.n_variants = len(topics), len(payloads)
        self.packet_bytes = len(packets[0])
        self._rows = np.frombuffer(b"".join(packets), np.uint8).reshape(self.n_variants, self.n_topics, -1)
        head = packets[0].index(topics[0].encode()) + len(topics[0])
        self._id = slice(head, head + 2)
        at = packets[0].index(b"0" * TS_DIGITS, head + 2)
        self._ts = slice(at, at + TS_DIGITS)

    def packets(self, numbers: Ints, ts_ms: Ints) -> bytes:
        """Messages `numbers` (n,): number i is of device i % n_topics, with packet id `packet_ids(i)`."""
        turn, device = np.divmod(numbers, self.n_topics)
        rows: Bytes = self._rows[turn % self.n_variants, device]
        ids = packet_ids(numbers)
        rows[:, self._id.start] = ids >> 8
        rows[:, self._id.start + 1] = ids & 0xFF
        rows[:, self._ts] = ts_ms[:, None] // _POWERS % 10 + ord("0")
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


def _publish(topic: bytes, payload: bytes) -> bytes:
    body = len(topic).to_bytes(2, "big") + topic + b"\x00\x01" + payload
    return b"\x32" + _length(len(body)) + body


def _length(n: int) -> bytes:
    encoded = b""
    while True:
        n, digit = divmod(n, 128)
        encoded += bytes([digit | 0x80 if n else digit])
        if not n:
            return encoded

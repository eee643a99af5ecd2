"""One connection of a load: sends its share, reads what is acknowledged, and remembers when it sent what."""

import errno
import os
import socket
import time
from dataclasses import dataclass

import numpy as np

from simulators.load_messages import device_name, payloads
from simulators.packets import Ints, Templates, connect, packet_ids, pubacks

_CHUNK = 256  # readings encoded at once
_CONNACK = b"\x20\x02\x00\x00"
_PATIENCE_S = 30  # for a broker that is there and busy
FUTURE_MS = 300_000  # the house refuses readings from further ahead


@dataclass(frozen=True, kw_only=True)
class Order:
    """What is to be published. `first_ts_ms` and `step_ms` as in the module's words."""

    host: str
    port: int
    tenant: str
    devices: int
    seconds: float
    rate: float | None  # messages a second over all publishers; None: flat out
    publishers: int
    window: int
    first_ts_ms: int
    step_ms: int
    reconnect: bool
    bad_every: int | None = None
    keep_alive_s: int = 0  # 0: the broker may be silent for ever
    first_device: int = 1
    turns: int | None = None  # messages a device, at most
    readings: int = 1  # a message
    named: bool = False  # the payload says the device, too
    username: str | None = None
    password: str | None = None


class Publisher:
    """One connection with its share of the devices. Sends again from the first unacknowledged after a disconnect."""

    def __init__(self, order: Order, first_device: int, n_devices: int) -> None:
        self.order, self.first_device, self.n_devices = order, first_device, n_devices
        names = [device_name(first_device + i) for i in range(n_devices)]
        topics = [f"fm/{order.tenant}/{name}/up/telemetry" for name in names]
        said = payloads(order.bad_every, order.readings, names[0] if order.named else None)
        self._templates = Templates(topics, said, names if order.named else None)
        self.published = self.acknowledged = self.reconnects = 0
        self.sends: list[tuple[int, float]] = []  # from this number on, messages went out at this time
        self.sent = 0  # on this connection and before; falls back to `acknowledged` on a new one
        self._out, self._in = b"", b""
        self._heard_s = time.monotonic()
        self.socket = self._open(_PATIENCE_S)

    def _client_id(self) -> str:
        """A device that signs in, `{tenant}.{device}.{n}`, must bear its own; whoever speaks for many has any."""
        tenant, _, rest = (self.order.username or "").partition(".")
        device = rest.partition(".")[0]
        return f"{tenant}:{device}" if device else f"load-{os.getpid()}-{self.first_device}"

    def _open(self, patience_s: float) -> socket.socket:
        made = socket.create_connection((self.order.host, self.order.port), patience_s)
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        who = (self._client_id(), self.order.keep_alive_s, self.order.username)
        made.sendall(connect(*who, self.order.password))
        answer = b""
        while len(answer) < len(_CONNACK):
            part = made.recv(len(_CONNACK) - len(answer))
            if not part:
                raise ConnectionResetError("the broker closed the connection at CONNECT")
            answer += part
        if answer != _CONNACK:
            raise ConnectionRefusedError(f"the broker refuses the connection: {answer.hex()}")
        made.setblocking(False)
        self._heard_s = time.monotonic()
        return made

    def reopen(self) -> bool:
        """False while the broker is away."""
        self.socket.close()
        try:
            self.socket = self._open(self.order.keep_alive_s or _PATIENCE_S)
        except OSError:
            return False
        self.sent, self._out, self._in = self.acknowledged, b"", b""
        self.reconnects += 1
        return True

    def may_send(self, due: int) -> int:
        """How many messages may go out now, when `due` in all are wanted of this publisher."""
        return min(self.acknowledged + self.order.window, due, self._last_number()) - self.sent

    def _last_number(self) -> int:
        ahead_ms = time.time() * 1000 + FUTURE_MS - self.order.first_ts_ms
        turns = int(ahead_ms // (self.order.step_ms * self.order.readings))
        return (turns if self.order.turns is None else min(turns, self.order.turns)) * self.n_devices

    def is_done(self) -> bool:
        """Everything was published and acknowledged that may be."""
        wanted = None if self.order.turns is None else self.order.turns * self.n_devices
        return self.acknowledged == wanted

    def send(self, due: int) -> None:
        """Raises OSError when the connection is lost."""
        while self._out or self.may_send(due) > 0:
            if not self._out:
                count = min(-(-_CHUNK // self.order.readings), self.may_send(due))
                numbers = np.arange(self.sent, self.sent + count, dtype=np.int64)
                self._out = self._templates.packets(numbers, self._ts_ms(numbers))
                if self.sent >= self.published:  # what is sent again went out before
                    self.sends.append((self.sent, time.time()))
                self.sent += count
                self.published = max(self.published, self.sent)
            try:
                done = self.socket.send(self._out)
            except BlockingIOError:
                return
            self._out = self._out[done:]

    def _ts_ms(self, numbers: Ints) -> Ints:
        """(n, readings)"""
        readings = self.order.readings
        turns = numbers[:, None] // self.n_devices * readings + np.arange(readings)
        return self.order.first_ts_ms + turns * self.order.step_ms

    def receive(self) -> None:
        """Raises OSError when the connection is lost, ValueError when the broker acknowledges out of order."""
        now_s = time.monotonic()
        try:
            data = self.socket.recv(262_144)
        except BlockingIOError:
            if self.sent == self.acknowledged:
                self._heard_s = now_s
            elif self.order.keep_alive_s and now_s - self._heard_s > self.order.keep_alive_s:
                raise TimeoutError("the broker says nothing") from None
            return
        self._heard_s = now_s
        if not data:
            raise ConnectionResetError(errno.ECONNRESET, "the broker closed the connection")
        ids, self._in = pubacks(self._in + data)
        expected = packet_ids(np.arange(self.acknowledged, self.acknowledged + len(ids), dtype=np.int64))
        if not np.array_equal(ids, expected):
            raise ValueError("PUBACKs out of order")
        self.acknowledged += len(ids)

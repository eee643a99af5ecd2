"""Load for measuring: single readings over MQTT, QoS 1, as many as the broker acknowledges, with little CPU of our own.

`python -m simulators.load --port 1883 --tenant demo --devices 1000 --seconds 10 --flat-out --keys-out keys.json`

Devices `bench-00001` ... are cold rooms; message i of a publisher is of its device i % n, at `first_ts_ms` +
(i // n) * `step_ms`. MQTT acknowledges in order, so two numbers a publisher say which (device, ts) were published and
which acknowledged; `--keys-out` writes them for each device.
"""

import argparse
import errno
import json
import os
import socket
import sys
import time
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np

from simulators.load_messages import payloads
from simulators.packets import PACKET_IDS, Templates, connect, packet_ids, pubacks

_CHUNK = 256  # messages encoded at once
_CONNACK = b"\x20\x02\x00\x00"
_SETTLE_S = 30.0
_TICK_S = 0.002
_RETRY_S = 0.2
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


class Publisher:
    """One connection with its share of the devices. Sends again from the first unacknowledged after a disconnect."""

    def __init__(self, order: Order, first_device: int, n_devices: int) -> None:
        self.order, self.first_device, self.n_devices = order, first_device, n_devices
        names = [device_name(first_device + i) for i in range(n_devices)]
        topics = [f"fm/{order.tenant}/{name}/up/telemetry" for name in names]
        self._templates = Templates(topics, payloads(order.bad_every))
        self.published = self.acknowledged = self.reconnects = 0
        self.sends: list[tuple[int, float]] = []  # from this number on, messages went out at this time
        self.sent = 0  # on this connection and before; falls back to `acknowledged` on a new one
        self._out, self._in = b"", b""
        self._heard_s = time.monotonic()
        self.socket = self._open()

    def _open(self) -> socket.socket:
        made = socket.create_connection((self.order.host, self.order.port), timeout=5)
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        made.sendall(connect(f"load-{os.getpid()}-{self.first_device}", self.order.keep_alive_s))
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
            self.socket = self._open()
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
        turns = int(ahead_ms // self.order.step_ms)
        return (turns if self.order.turns is None else min(turns, self.order.turns)) * self.n_devices

    def is_done(self) -> bool:
        """Everything was published and acknowledged that may be."""
        wanted = None if self.order.turns is None else self.order.turns * self.n_devices
        return self.acknowledged == wanted

    def send(self, due: int) -> None:
        """Raises OSError when the connection is lost."""
        while self._out or self.may_send(due) > 0:
            if not self._out:
                count = min(_CHUNK, self.may_send(due))
                numbers = np.arange(self.sent, self.sent + count, dtype=np.int64)
                ts_ms = self.order.first_ts_ms + numbers // self.n_devices * self.order.step_ms
                self._out = self._templates.packets(numbers, ts_ms)
                if self.sent >= self.published:  # what is sent again went out before
                    self.sends.append((self.sent, time.time()))
                self.sent += count
                self.published = max(self.published, self.sent)
            try:
                done = self.socket.send(self._out)
            except BlockingIOError:
                return
            self._out = self._out[done:]

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


def run(order: Order) -> tuple[list[Publisher], float]:
    """Publish for `order.seconds`, wait for what is under way; returns the publishers and the seconds it took."""
    bounds = np.linspace(0, order.devices, min(order.publishers, order.devices) + 1).astype(int)
    publishers = [Publisher(order, order.first_device + int(a), int(b - a)) for a, b in pairwise(bounds)]
    share = order.rate / len(publishers) if order.rate else None
    begin = last_ack = time.monotonic()
    while (elapsed := time.monotonic() - begin) < order.seconds + _SETTLE_S:
        sending = elapsed < order.seconds and not all(publisher.is_done() for publisher in publishers)
        if not sending and all(publisher.acknowledged == publisher.published for publisher in publishers):
            break
        for place, publisher in enumerate(publishers):
            phase = place / len(publishers)  # one after the other, as devices are, and not all at the same moment
            due = publisher.published if not sending else int(share * elapsed + phase) if share else sys.maxsize
            if _turn(publisher, due):
                last_ack = time.monotonic()
        time.sleep(_TICK_S)  # instead of a selector: PUBACKs are then read by the hundred, not one by one
    for publisher in publishers:
        publisher.socket.close()
    return publishers, last_ack - begin


def _turn(publisher: Publisher, due: int) -> bool:
    """Whether something was acknowledged. Raises OSError when the broker is gone and should not be waited for."""
    try:
        before = publisher.acknowledged
        publisher.receive()
        publisher.send(due)
    except OSError:
        if not publisher.order.reconnect:
            raise
        if not publisher.reopen():
            time.sleep(_RETRY_S)
        return False
    return publisher.acknowledged > before


def device_name(number: int) -> str:
    return f"bench-{number:05d}"


def keys(publishers: list[Publisher]) -> list[dict[str, object]]:
    """A row a device: its readings stand at first_ts_ms + i * step_ms for i below `published`."""
    rows: list[dict[str, object]] = []
    for publisher in publishers:
        for i in range(publisher.n_devices):
            published, acknowledged = (
                max(0, -(-(count - i) // publisher.n_devices))
                for count in (publisher.published, publisher.acknowledged)
            )
            rows.append(
                {
                    "device": device_name(publisher.first_device + i),
                    "first_ts_ms": publisher.order.first_ts_ms,
                    "step_ms": publisher.order.step_ms,
                    "published": published,
                    "acknowledged": acknowledged,
                }
            )
    return rows


def sends(publishers: list[Publisher]) -> list[dict[str, object]]:
    """When messages went out, a row a publisher; the first time, if a lost connection made it send them again."""
    return [
        {
            "first_device": publisher.first_device,
            "devices": publisher.n_devices,
            "first_ts_ms": publisher.order.first_ts_ms,
            "step_ms": publisher.order.step_ms,
            "first": [number for number, _ in publisher.sends],
            "at_s": [at_s for _, at_s in publisher.sends],
        }
        for publisher in publishers
    ]


def _order(arguments: list[str] | None) -> tuple[Order, argparse.Namespace]:
    parser = argparse.ArgumentParser(prog="python -m simulators.load", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--tenant", required=True)
    parser.add_argument("--devices", type=int, default=1000)
    parser.add_argument("--seconds", type=float, default=10.0)
    pace = parser.add_mutually_exclusive_group(required=True)
    pace.add_argument("--rate", type=float, help="messages a second")
    pace.add_argument("--flat-out", action="store_true")
    parser.add_argument("--publishers", type=int, default=4)
    parser.add_argument("--window", type=int, default=4096, help="unacknowledged messages a publisher")
    parser.add_argument("--first-ts-ms", type=int, help="default: an hour ago")
    parser.add_argument("--step-ms", type=int, default=10)
    parser.add_argument("--reconnect", action="store_true", help="wait for a broker that went away and go on")
    parser.add_argument("--bad-every", type=int, metavar="N", help="every N-th message of a device is bad")
    parser.add_argument("--keep-alive", type=int, default=0, metavar="S", help="of a silent broker")
    parser.add_argument("--first-device", type=int, default=1, metavar="N", help="number of the first one")
    parser.add_argument("--turns", type=int, metavar="N", help="messages a device, then the end")
    parser.add_argument("--keys-out", help="file for what was published, a row a device")
    parser.add_argument("--sends-out", help="file for when messages went out, a row a publisher")
    given = parser.parse_args(arguments)
    if not 0 < given.window < PACKET_IDS:
        parser.error(f"--window must be between 1 and {PACKET_IDS - 1}")
    order = Order(
        host=given.host,
        port=given.port,
        tenant=given.tenant,
        devices=given.devices,
        seconds=given.seconds,
        rate=given.rate,
        publishers=given.publishers,
        window=given.window,
        first_ts_ms=given.first_ts_ms or int(time.time() * 1000) - 3_600_000,
        step_ms=given.step_ms,
        reconnect=given.reconnect,
        bad_every=given.bad_every,
        keep_alive_s=given.keep_alive,
        first_device=given.first_device,
        turns=given.turns,
    )
    return order, given


def main(arguments: list[str] | None = None) -> int:
    order, given = _order(arguments)
    begin_s = time.time()
    try:
        publishers, seconds = run(order)
    except (OSError, ValueError) as error:
        print(f"load: {order.host}:{order.port}: {error}", file=sys.stderr)
        return 1
    for path, rows in ((given.keys_out, keys), (given.sends_out, sends)):
        if path:
            Path(path).write_text(json.dumps(rows(publishers)), encoding="utf-8")
    acknowledged = sum(publisher.acknowledged for publisher in publishers)
    result = {
        "published": sum(publisher.published for publisher in publishers),
        "acknowledged": acknowledged,
        "seconds": round(seconds, 3),
        "msg_s": round(acknowledged / max(seconds, 1e-9), 1),
        "metrics": 8,
        "acknowledged_at_s": begin_s + seconds,
        "cpu_s": time.process_time(),
        "reconnects": sum(publisher.reconnects for publisher in publishers),
    }
    print(json.dumps(result), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""One connection in NATS' own protocol: questions with their answers, messages into the log, and what a subscription
brings. Protocol: https://docs.nats.io/reference/reference-protocols/nats-protocol."""

import json
import secrets
import socket
import sys
from typing import Any, NamedTuple
from urllib.parse import unquote, urlsplit

from ingest.errors import LogError
from ingest.topics import DOOR

DELIVERIES = {b"MSG", b"HMSG"}
_PORT = 4222
_RECEIVE_BYTES = 1 << 20


class Delivery(NamedTuple):
    """What a subscription brought; `payload` is what comes after the headers, where there are some."""

    subject: bytes
    sid: bytes
    reply: bytes | None
    payload: bytes
    has_headers: bool


def dial(url: str, timeout_s: float) -> tuple[socket.socket, dict[str, str]]:
    """A connection to one of the servers of `nats://user:password@host:port,host:port`, any that takes it, and what
    CONNECT must say of us. Raises OSError."""
    login, _, servers = url.removeprefix("nats://").rpartition("@")
    user, _, password = login.partition(":")
    refused = OSError("it has no address")
    for server in sorted(servers.split(","), key=lambda _: secrets.token_bytes(4)):  # not all of us to the same one
        at = urlsplit(f"//{server}")
        try:
            made = socket.create_connection((at.hostname, at.port or _PORT), timeout_s)
        except OSError as error:
            refused = error
        else:
            return made, {"user": unquote(user), "pass": unquote(password)}
    raise refused


class Wire:
    """One connection. Requests are answered before a subscription delivers; afterwards it only receives."""

    def __init__(self, url: str, timeout_s: float = 5.0) -> None:
        self._inbox = f"_INBOX.{secrets.token_hex(8)}".encode()
        self._asked = 0
        self.buffer = b""
        try:
            self.socket, who = dial(url, timeout_s)
        except OSError as error:
            raise LogError(f"NATS cannot be reached: {error}") from error
        try:
            self._greet(who)
        except LogError:
            self.socket.close()
            raise

    def _greet(self, who: dict[str, str]) -> None:
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._line()  # INFO
        options = {"verbose": False, "pedantic": False, "lang": "python", "version": "1", "headers": True, **who}
        self.send(b"CONNECT %b\r\nSUB %b.* 0\r\nPING\r\n" % (json.dumps(options).encode(), self._inbox))
        while (line := self._line()) != b"PONG":
            if line.startswith(b"-ERR"):
                raise LogError(f"NATS refuses us: {line.decode(errors='replace')}")

    def close(self) -> None:
        self.socket.close()

    def send(self, data: bytes) -> None:
        try:
            self.socket.sendall(data)
        except OSError as error:
            raise LogError(f"NATS is gone: {error}") from error

    def request(self, subject: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        """The JSON answer. Raises LogError for an error, too."""
        text = json.dumps(body).encode() if body is not None else b""
        reply = self._next_reply()
        return self._ask(subject, reply, b"PUB %b %b %d\r\n%b\r\n" % (subject.encode(), reply, len(text), text))

    def publish(self, subject: str, payload: bytes, headers: dict[str, str]) -> int:
        """The log's sequence of the message, once it is stored; of the one that is there if its Nats-Msg-Id came
        before. `subject`: `fm.{tenant}.{device}...`. Raises LogError."""
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        head = f"NATS/1.0\r\n{lines}\r\n".encode()
        sizes = len(head), len(head) + len(payload)
        reply = self._next_reply()
        frame = b"HPUB %b %b %d %d\r\n%b%b\r\n" % ((DOOR + subject).encode(), reply, *sizes, head, payload)
        return int(self._ask(subject, reply, frame)["seq"])

    def tell(self, subject: str, payload: bytes) -> None:
        """To whoever listens now; nobody keeps it."""
        self.send(b"PUB %b %d\r\n%b\r\n" % (subject.encode(), len(payload), payload))

    def settle(self) -> None:
        """Until the server has read all that was sent; what a subscription brings meanwhile stays in the buffer. Raises
        LogError when it says no."""
        self.send(b"PING\r\n")
        others: list[bytes] = []
        while (line := self._line()) != b"PONG":
            fields = line.split(b" ")
            if fields[0] in DELIVERIES:
                others += [line, b"\r\n", self._exactly(int(fields[-1]) + 2)]
            else:
                self.answer(fields)
        self.buffer = b"".join(others) + self.buffer

    def _next_reply(self) -> bytes:
        """Servers of a cluster that changes its leader answer twice now and then: an answer belongs to one question."""
        self._asked += 1
        return b"%b.%d" % (self._inbox, self._asked)

    def _ask(self, subject: str, reply: bytes, frame: bytes) -> dict[str, Any]:
        """What else comes meanwhile stays in the buffer, but for late answers to earlier questions."""
        self.send(frame)
        others: list[bytes] = []
        while True:
            line = self._line()
            fields = line.split(b" ")
            if fields[0] not in DELIVERIES:
                self.answer(fields)
                continue
            data = self._exactly(int(fields[-1]) + 2)
            if fields[1] == reply:
                break
            others += [line, b"\r\n", data] if fields[2] != b"0" else []
        self.buffer = b"".join(others) + self.buffer
        if fields[0] == b"HMSG":  # only a status comes with headers: nobody listens at that subject
            raise LogError(f"NATS has nobody at {subject}: is JetStream on?")
        answer: dict[str, Any] = json.loads(data)
        if "error" in answer:
            raise LogError(f"NATS refuses {subject}: {answer['error'].get('description')}")
        return answer

    def deliveries(self, buffer: bytes, most: int = sys.maxsize) -> tuple[list[Delivery], bytes]:
        """What is whole in `buffer`, `most` of it at the most, and what is left; other lines are answered."""
        found: list[Delivery] = []
        at = 0
        while len(found) < most and (line_end := buffer.find(b"\r\n", at)) >= 0:
            fields = buffer[at:line_end].split(b" ")
            if fields[0] not in DELIVERIES:
                self.answer(fields)
                at = line_end + 2
                continue
            start = line_end + 2
            stop = start + int(fields[-1])
            if stop + 2 > len(buffer):
                break
            at = stop + 2
            has_headers = fields[0] == b"HMSG"
            _, subject, sid, *reply = fields[: -2 if has_headers else -1]
            payload = start + int(fields[-2]) if has_headers else start
            found.append(Delivery(subject, sid, reply[0] if reply else None, buffer[payload:stop], has_headers))
        return found, buffer[at:]

    def answer(self, fields: list[bytes]) -> None:
        """A line that brings nothing: only PING wants something back."""
        if fields[0] == b"PING":
            self.send(b"PONG\r\n")
        elif fields[0] == b"-ERR":
            raise LogError(f"NATS says {b' '.join(fields[1:]).decode(errors='replace')}")

    def receive(self) -> bytes:
        """What has come; raises LogError at the end of the connection."""
        try:
            data = self.socket.recv(_RECEIVE_BYTES)
        except OSError as error:
            raise LogError(f"NATS is gone: {error}") from error
        if not data:
            raise LogError("NATS closed the connection")
        return data

    def _line(self) -> bytes:
        while (end := self.buffer.find(b"\r\n")) < 0:
            self.buffer += self.receive()
        line, self.buffer = self.buffer[:end], self.buffer[end + 2 :]
        return line

    def _exactly(self, size: int) -> bytes:
        while len(self.buffer) < size:
            self.buffer += self.receive()
        data, self.buffer = self.buffer[:size], self.buffer[size:]
        return data

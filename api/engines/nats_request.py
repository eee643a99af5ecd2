"""One question to NATS and its answer, over a socket of its own: administration needs no client library."""

import json
import secrets
from typing import Any

from ingest.adapter_wire import dial


class NatsRequestError(Exception):
    """NATS cannot be reached, or refuses; the message is its own."""


def request(url: str, subject: str, body: dict[str, Any] | None = None, timeout_s: float = 5) -> dict[str, Any]:
    """The JSON answer. `url` is nats://user:password@host:port. Raises NatsRequestError."""
    try:
        return _request(url, subject, json.dumps(body or {}).encode(), timeout_s)
    except OSError as error:
        raise NatsRequestError(f"NATS does not answer: {error}") from error


def _request(url: str, subject: str, body: bytes, timeout_s: float) -> dict[str, Any]:
    wire, who = dial(url, timeout_s)
    inbox = f"_INBOX.{secrets.token_hex(8)}".encode()  # of nobody else who asks at the same moment
    options = {"verbose": False, "pedantic": False, "lang": "python", "version": "1", "headers": False, **who}
    with wire, wire.makefile("rb") as lines:
        lines.readline()  # INFO
        wire.sendall(
            b"CONNECT %b\r\nSUB %b 1\r\nPUB %b %b %d\r\n%b\r\n"
            % (json.dumps(options).encode(), inbox, subject.encode(), inbox, len(body), body)
        )
        for line in lines:
            if line.startswith(b"MSG "):
                answer: dict[str, Any] = json.loads(lines.read(int(line.split()[-1])))
                return answer
            if line.startswith(b"-ERR"):
                raise NatsRequestError(line.decode().strip())
            if line.startswith(b"PING"):
                wire.sendall(b"PONG\r\n")
    raise NatsRequestError("NATS closed the connection")

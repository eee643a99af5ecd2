"""The way out by HTTP: one POST, short timeouts, no redirects, to the very address that was looked at."""

import socket
import ssl
import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import httpcore2
import httpx2

from ticketing.notify.envelope import Envelope
from ticketing.notify.model import Attempt, Trouble
from ticketing.notify.outside import refuse_addresses, refuse_url

STEP_S = {"connect": 5.0, "read": 10.0, "write": 10.0, "pool": 5.0}
WHOLE_S = 20.0  # of all steps together: who answers a byte at a time does not keep us
_GONE = 410  # Standard Webhooks: the receiver wants no more
_OK = range(200, 300)


def post(url: str, envelope: Envelope, *, allow_private: bool) -> Attempt:
    refused = refuse_url(url)
    if refused:
        return Attempt.failed(Trouble.BAD_URL, refused, final=True)
    try:
        addresses = _resolve(url)
    except OSError as error:
        return Attempt.failed(Trouble.UNRESOLVED, error)
    refused = None if allow_private else refuse_addresses(addresses)
    if refused:
        return Attempt.failed(Trouble.NOT_PUBLIC, refused, final=True)
    return _send(url, addresses[0], envelope)


def _send(url: str, address: str, envelope: Envelope) -> Attempt:
    deadline = time.monotonic() + WHOLE_S
    try:
        return _judge(_ask(httpx2.URL(url), _Way(address, deadline), envelope))
    except httpcore2.TimeoutException as error:
        over = time.monotonic() >= deadline
        return Attempt.failed(Trouble.SILENT, f"{WHOLE_S:g}") if over else _unreachable(error)
    except (httpcore2.NetworkError, httpcore2.ProtocolError, httpx2.InvalidURL, OSError) as error:
        return _unreachable(error)


def _unreachable(error: Exception) -> Attempt:
    return Attempt.failed(Trouble.UNREACHABLE, f"{type(error).__name__}: {error}")


def _resolve(url: str) -> list[str]:
    parts = urlsplit(url)
    port = parts.port or {"http": 80, "https": 443}[parts.scheme]
    found = socket.getaddrinfo(parts.hostname, port, type=socket.SOCK_STREAM)
    return [str(address[0]) for *_, address in found]


def _ask(url: httpx2.URL, way: "_Way", envelope: Envelope) -> int:
    """One request, one connection, no redirect followed, no proxy asked; the answer's body is not read."""
    target = httpcore2.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path)
    headers = [
        *envelope.headers.items(),
        ("host", url.netloc.decode("ascii")),
        ("content-length", str(len(envelope.body))),
        ("user-agent", "foremend"),
    ]
    with (
        httpcore2.ConnectionPool(max_connections=1, max_keepalive_connections=0, network_backend=way) as pool,
        pool.stream("POST", target, headers=headers, content=envelope.body, extensions={"timeout": STEP_S}) as response,
    ):
        return int(response.status)


@dataclass(frozen=True)
class _Way(httpcore2.NetworkBackend):
    """Leads to `address`, not to the name: between looking and connecting, a name can change its mind."""

    address: str
    deadline: float

    def connect_tcp(
        self,
        host: str,  # noqa: ARG002 - certificate and Host header still say the name; the way is the address
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> httpcore2.NetworkStream:
        stream = httpcore2.SyncBackend().connect_tcp(
            self.address, port, _left(self.deadline, timeout), local_address, socket_options
        )
        return _Stream(stream, self.deadline)


@dataclass(frozen=True)
class _Stream(httpcore2.NetworkStream):
    """A connection of which every step ends at the deadline of all."""

    inner: httpcore2.NetworkStream
    deadline: float

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self.inner.read(max_bytes, _left(self.deadline, timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self.inner.write(buffer, _left(self.deadline, timeout))

    def close(self) -> None:
        self.inner.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore2.NetworkStream:
        inner = self.inner.start_tls(ssl_context, server_hostname, _left(self.deadline, timeout))
        return _Stream(inner, self.deadline)

    def get_extra_info(self, info: str) -> Any:
        return self.inner.get_extra_info(info)


def _left(deadline: float, timeout: float | None) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise httpcore2.ReadTimeout
    return left if timeout is None else min(left, timeout)


def _judge(status: int) -> Attempt:
    if status in _OK:
        return Attempt()
    return Attempt.failed(Trouble.HTTP, status, final=status == _GONE)

"""Ports are looked at before anything starts: one sentence then is better than a half-started house."""

import secrets
import socket
from collections.abc import Iterator
from contextlib import ExitStack
from itertools import count
from pathlib import Path

from api.engines.errors import PortTakenError

_LOOPBACK = "127.0.0.1"
_LOWEST = 10_000
_OUTGOING = Path("/proc/sys/net/ipv4/ip_local_port_range")


def check(wanted: dict[str, int], host: str = _LOOPBACK) -> None:
    """`wanted`: option -> port. Raises PortTakenError for one that is taken, also by another of ours."""
    with ExitStack() as held:
        for option, port in wanted.items():
            probe = held.enter_context(socket.socket())
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as the servers do: TIME_WAIT is no obstacle
            try:
                probe.bind((host, port))
            except OSError as error:
                raise PortTakenError(port, option) from error
            probe.listen()


def free_port() -> int:
    """A port that nothing listens on now; for tests and trials. Never the same twice in one process, and none of those
    that the system gives to outgoing connections: one of them may have it before its server listens."""
    return next(port for port in _untried if _is_free(port))


def _from_somewhere() -> Iterator[int]:
    """Each process begins elsewhere, so two that run side by side do not choose the same."""
    ports = _first_outgoing() - _LOWEST
    start = secrets.randbelow(ports)
    return (_LOWEST + (start + step) % ports for step in count())


def _first_outgoing() -> int:
    """Linux says where they begin; other systems begin higher. Where nearly all are outgoing ones, so be it."""
    usual = 32_768
    try:
        first = int(_OUTGOING.read_text().split()[0])
    except OSError:
        return usual
    return first if first > 2 * _LOWEST else usual


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind((_LOOPBACK, port))
        except OSError:
            return False
    return True


_untried = _from_somewhere()

"""Ports are looked at before anything starts: one sentence then is better than a half-started house."""

import secrets
import socket
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

from api.engines.errors import PortTakenError

_LOOPBACK = "127.0.0.1"
_LOWEST = 10_000
_BLOCK = 100
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
    """A port that nothing listens on now, and that no other process of ours is given meanwhile; for tests and trials.
    Never the same twice in one process, and none of those that the system gives to outgoing connections: one of them
    may have it before its server listens."""
    return next(port for port in _untried if _is_free(port))


def _one_after_another() -> Iterator[int]:
    """Of blocks of ports, each held by its first, which is bound and never listened on: whoever runs beside us (three
    test processes, each with servers that are killed and started again) finds it taken, and takes another block. The
    system lets go of it when we end, however we end."""
    blocks = range(_LOWEST, _first_outgoing() - _BLOCK, _BLOCK)
    start = secrets.randbelow(len(blocks))
    for step in range(len(blocks)):
        first = blocks[(start + step) % len(blocks)]
        guard = socket.socket()
        try:
            guard.bind((_LOOPBACK, first))
        except OSError:
            guard.close()
            continue
        _guards.append(guard.detach())  # without its object it stays open, and nobody warns of it at the end
        yield from range(first + 1, first + _BLOCK)
    raise RuntimeError("every block of ports is somebody's")


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


_guards: list[int] = []
_untried = _one_after_another()

"""Ports are looked at before anything starts: one sentence then is better than a half-started house."""

import socket
from contextlib import ExitStack

from api.engines.errors import PortTakenError


def check(wanted: dict[str, int], host: str = "127.0.0.1") -> None:
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

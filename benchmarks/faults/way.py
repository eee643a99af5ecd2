"""A way between two that can go dead without a word: half-open TCP, seen from both ends."""

import contextlib
import selectors
import socket
import threading
from collections.abc import Callable
from typing import Any, Self

_HOST = "127.0.0.1"
_AT_ONCE = 1 << 18
_TICK_S = 0.05
_CLOSED = {7, 8}  # CLOSE, CLOSE_WAIT: linux/tcp_states.h


class Way:
    """Listens at `port` and forwards to whatever `reach` connects to. `go_dead`: of all connections that are and of
    those that come, nothing is forwarded any more, nor that an end closed; each end's kernel goes on acknowledging.
    `revive`: for new connections; those that were stay dead, as behind a firewall that forgot them."""

    def __init__(self, reach: Callable[[], socket.socket]) -> None:
        self._reach = reach
        self._listener = socket.create_server((_HOST, 0))
        self.port: int = self._listener.getsockname()[1]
        self._waiting = selectors.DefaultSelector()
        self._waiting.register(self._listener, selectors.EVENT_READ)
        self._ends: dict[socket.socket, socket.socket] = {}
        self._far: list[socket.socket] = []
        self._lost: list[socket.socket] = []
        self._lock = threading.Lock()
        self._dead = self._closed = False
        self._thread = threading.Thread(target=self._forward, name="way", daemon=True)
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._closed = True
        self._thread.join()
        for end in (*self._ends, self._listener):
            end.close()

    def go_dead(self) -> None:
        with self._lock:
            self._dead = True
            self._lost = [there for there in self._far if there in self._ends]
            for end in self._ends:
                with contextlib.suppress(KeyError):
                    self._waiting.unregister(end)

    def dropped(self) -> bool:
        """Whether the far end has closed everything that was there when the way went dead."""
        return all(end.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0] in _CLOSED for end in self._lost)

    def revive(self) -> None:
        with self._lock:
            self._dead = False

    def _forward(self) -> None:
        while not self._closed:
            for key, _ in self._waiting.select(_TICK_S):
                with self._lock:
                    if key.fileobj is self._listener:
                        self._accept()
                    elif not self._dead:
                        self._pass_on(key.fileobj)

    def _accept(self) -> None:
        here, _ = self._listener.accept()
        there = self._reach()
        self._ends |= {here: there, there: here}
        self._far.append(there)
        for end in (here, there):
            end.setblocking(True)
            if not self._dead:
                self._waiting.register(end, selectors.EVENT_READ)

    def _pass_on(self, end: Any) -> None:
        other = self._ends.get(end)
        if other is None:
            return
        try:
            data = end.recv(_AT_ONCE)
            other.sendall(data)
        except OSError:
            data = b""
        if not data:
            for each in (end, other):
                self._waiting.unregister(each)
                del self._ends[each]
                each.close()


def to_port(port: int) -> Callable[[], socket.socket]:
    return lambda: socket.create_connection((_HOST, port), 5)


def to_socket(path: str) -> Callable[[], socket.socket]:
    def reach() -> socket.socket:
        made = socket.socket(socket.AF_UNIX)
        made.connect(path)
        return made

    return reach

"""The HTTP process: one server for everything, and where asked for a second one for the public pages alone."""

import asyncio
import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from types import FrameType
from typing import Any

import structlog
import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol, RequestResponseCycle

from api import classes, database
from api.http import lan
from api.http.app import public_app, staff_app
from api.http.house import House
from api.settings import Settings

SILENT_S = 30  # for how long a connection may have nothing to ask
_STOP_S = 3  # how long a page that follows live may hold up the end
_LAST_ANSWERS_S = 15  # longer than that, and than a page waits for the database, which goes away afterwards


class _Patient(H11Protocol):
    """Whoever connects and begins no request is let go: what is open is bounded for all pages together."""

    _timer: asyncio.TimerHandle

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._look_again()

    def connection_lost(self, exc: Exception | None) -> None:
        self._timer.cancel()
        super().connection_lost(exc)

    def _look_again(self) -> None:
        self._timer = self.loop.call_later(SILENT_S, self._look, self.cycle)

    def _look(self, before: RequestResponseCycle | None) -> None:
        waits = self.cycle is None or self.cycle.response_complete
        if waits and self.cycle is before:
            self.transport.close()
        else:
            self._look_again()


class _Server(uvicorn.Server):
    """Stops when asked, and says so to the pages that follow live."""

    def __init__(self, config: uvicorn.Config, stopping: threading.Event) -> None:
        super().__init__(config)
        self._stopping = stopping

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        self._stopping.set()
        super().handle_exit(sig, frame)


def run(settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT. Raises OSError when an address is taken."""
    with database.pool(settings, "foremend_api") as pool, ExitStack() as open_sockets:
        house = House(settings=settings, pool=pool, catalogue=classes.of(settings))
        names = lan.HERE | lan.names(settings)
        here = open_sockets.enter_context(_listen(settings.http_host, settings.http_port))
        server = _Server(_config(staff_app(house, names), settings.proxies), house.stopping)
        open_sockets.enter_context(_beside(house, names))
        server.run(sockets=[here])


@contextmanager
def _beside(house: House, names: frozenset[str]) -> Iterator[None]:
    """The public pages at a port of their own, or with `lan` at the local network's address, if there is one; until
    the others end, however they do."""
    where = _public_address(house.settings)
    if where is None:
        yield
        return
    address, port = where
    with _listen(address, port) as there:
        server = uvicorn.Server(_config(public_app(house, names | {address}), house.settings.proxies))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [there]}, name="lan", daemon=True)
        thread.start()
        try:
            yield
        finally:
            server.should_exit = True
            thread.join(timeout=_LAST_ANSWERS_S)


def _public_address(settings: Settings) -> tuple[str, int] | None:
    if settings.public_port is not None:
        return settings.http_host, settings.public_port
    if not settings.lan:
        return None
    address = lan.address()
    if address == lan.NO_NETWORK:
        structlog.get_logger("api").warning("no local network", hint="the public pages stay on this machine")
        return None
    return address, settings.http_port


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.create_server((host, port), family=family, backlog=1024)
    # Accepted sockets inherit it. asyncio sets it only where the protocol is named, which create_server leaves out, and
    # an answer's body then waits 40 ms for the acknowledgement of its head.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener


def _config(app: Any, proxies: str) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        http=_Patient,
        log_level="warning",
        access_log=False,  # addresses with tokens do not belong in logs
        server_header=False,
        proxy_headers=bool(proxies),  # else anybody could say that he is somebody else
        forwarded_allow_ips=proxies or None,
        timeout_graceful_shutdown=_STOP_S,
        log_config=None,
    )

"""The HTTP process: one server on loopback for everything, with `lan` a second one for the public pages alone."""

import threading
from types import FrameType
from typing import Any

import uvicorn

from api import database
from api.http import lan
from api.http.app import LOOPBACK, public_app, staff_app
from api.http.house import House
from api.settings import Settings
from devices import catalogue

_STOP_S = 3  # how long a page that follows live may hold up the end


class _Server(uvicorn.Server):
    """Stops when asked, and says so to the pages that follow live."""

    def __init__(self, config: uvicorn.Config, stopping: threading.Event) -> None:
        super().__init__(config)
        self._stopping = stopping

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        self._stopping.set()
        super().handle_exit(sig, frame)


def run(settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT."""
    with database.pool(settings, "foremend_api") as pool:
        house = House(settings=settings, pool=pool, catalogue=catalogue.load())
        names = LOOPBACK | lan.names(settings)
        server = _Server(_config(staff_app(house, names), settings.http_host, settings.http_port), house.stopping)
        if settings.lan:
            address = lan.address()
            beside = uvicorn.Server(_config(public_app(house, names | {address}), address, settings.http_port))
            thread = threading.Thread(target=beside.run, name="lan", daemon=True)
            thread.start()
            lan.announce(address, settings.http_port)
            server.run()
            beside.should_exit = True
            thread.join(timeout=_STOP_S + 1)
        else:
            server.run()


def _config(app: Any, host: str, port: int) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        host=host,
        port=port,
        log_level="warning",
        access_log=False,  # addresses with tokens do not belong in logs
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=_STOP_S,
        log_config=None,
    )

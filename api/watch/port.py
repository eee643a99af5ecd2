"""A small port of a process without pages: /metrics for Prometheus, /livez for whoever supervises it."""

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from socketserver import ThreadingMixIn
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from prometheus_client import CollectorRegistry, ProcessCollector, make_wsgi_app

from api.settings import Settings

SILENT_S = 60.0  # a loop that has not turned for so long hangs


class Turns:
    """When each loop of this process last turned."""

    def __init__(self, *loops: str) -> None:
        self._at_s = dict.fromkeys(loops, time.monotonic())

    def mark(self, loop: str) -> None:
        self._at_s[loop] = time.monotonic()

    def silent(self) -> list[str]:
        now_s = time.monotonic()
        return [loop for loop, at_s in self._at_s.items() if now_s - at_s > SILENT_S]


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True


class _Quiet(WSGIRequestHandler):
    timeout = 5  # whoever connects and says nothing

    def log_message(self, *_: Any) -> None:
        pass


@contextmanager
def opened(settings: Settings, registry: CollectorRegistry, turns: Turns) -> Iterator[int | None]:
    """Yields the port, None without FOREMEND_METRICS_PORT. Raises OSError when it is taken."""
    if settings.metrics_port is None:
        yield None
        return
    ProcessCollector(registry=registry)
    app = _app(make_wsgi_app(registry), turns)
    with make_server(settings.metrics_host, settings.metrics_port, app, _Server, _Quiet) as server:
        thread = threading.Thread(target=server.serve_forever, name="metrics", daemon=True)
        thread.start()
        try:
            yield server.server_port
        finally:
            server.shutdown()
            thread.join()


def _app(metrics: Any, turns: Turns) -> Callable[[dict[str, Any], Any], Iterable[bytes]]:
    def app(environ: dict[str, Any], start: Any) -> Iterable[bytes]:
        path = environ["PATH_INFO"]
        if path == "/metrics":
            answer: Iterable[bytes] = metrics(environ, start)
            return answer
        if path != "/livez":
            start("404 Not Found", [("Content-Type", "text/plain")])
            return [b"/metrics and /livez are here\n"]
        silent = turns.silent()
        start("503 Service Unavailable" if silent else "200 OK", [("Content-Type", "text/plain")])
        return [f"silent: {', '.join(silent)}\n".encode() if silent else b"ok\n"]

    return app

"""A stand-in for one of our own processes: it answers, and keeps a journal. `python stand_in.py NAME DATA HTTP_PORT`

A file DATA/dies-NAME makes it die at its start, DATA/refuses-NAME makes it refuse its options. It imports little,
because a test starts many.
"""

import _thread
import http.server
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path


def act(name: str, data: Path, port: int) -> None:
    if (data / f"dies-{name}").exists():
        sys.exit(3)
    if (data / f"refuses-{name}").exists():
        print("usage: stand in\nthere is no such fault", file=sys.stderr)
        sys.exit(2)
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: _thread.start_new_thread(stop.set, ()))
    with answering(port) if name == "api" else nullcontext():
        live(name, data, stop)


def live(name: str, data: Path, stop: threading.Event) -> None:
    _journal(data, f"start {name} {os.getpid()}")
    if name == "fleet":
        assert not {"FOREMEND_DSN", "FOREMEND_NATS_URL"} & set(os.environ), "the fleet is a stranger"
        print('{"phase": "live", "done": 1, "total": 1}', flush=True)
    stop.wait()
    time.sleep(0.05)
    _journal(data, f"end {name} {os.getpid()}")


@contextmanager
def answering(port: int) -> Iterator[None]:
    with Server(("127.0.0.1", port), Answers) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield
        finally:
            server.shutdown()
            thread.join()


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = False  # at its end it waits for whoever is being answered


class Answers(http.server.BaseHTTPRequestHandler):
    timeout = 5  # whoever connects and says nothing

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *args: object) -> None:
        pass


def _journal(data: Path, line: str) -> None:
    with (data / "journal").open("a") as journal:
        journal.write(line + "\n")


act(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]))

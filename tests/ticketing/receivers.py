"""The other ends: a webhook's receiver and a mail server, on this machine, that remember what they got."""

import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Receiver:
    """Answers with the next of `answers`, and with 204 when they are used up; `hold` makes it wait before answering."""

    url: str = ""
    answers: list[int] = field(default_factory=list)
    got: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    arrived: threading.Event = field(default_factory=threading.Event)
    hold: threading.Event | None = None


@contextmanager
def receiver(*answers: int, hold: threading.Event | None = None) -> Iterator[Receiver]:
    box = Receiver(answers=list(answers), hold=hold)

    class Handler(BaseHTTPRequestHandler):
        timeout = 60

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            box.got.append(({name.lower(): value for name, value in self.headers.items()}, body))
            box.arrived.set()
            if box.hold is not None:
                box.hold.wait(60)
            status = box.answers.pop(0) if box.answers else 204
            self.send_response(status)
            if status in (301, 302, 307):
                self.send_header("location", "/elsewhere")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = False  # those who answer are waited for at the end

    with _serving(Server(("127.0.0.1", 0), Handler)) as server:
        box.url = f"http://127.0.0.1:{server.server_address[1]}/hook"
        yield box


@contextmanager
def dripping() -> Iterator[str]:
    """A receiver whose answer's head comes a byte at a time and has no end."""
    ends = threading.Event()

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            self.request.recv(65_536)
            self.request.sendall(b"HTTP/1.1 200 OK\r\nx-slow: ")
            with suppress(OSError):
                while not ends.wait(0.05):
                    self.request.sendall(b"x")

    with _serving(socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)) as server:
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}/hook"
        finally:
            ends.set()


@dataclass
class MailServer:
    url: str = ""
    letters: list[bytes] = field(default_factory=list)
    recipient_answer: str = "250 ok"


@contextmanager
def mail_server() -> Iterator[MailServer]:
    box = MailServer()

    class Handler(socketserver.StreamRequestHandler):
        timeout = 60

        def handle(self) -> None:
            self._say("220 trial")
            while line := self.rfile.readline().decode().strip():
                match line.split(" ")[0].upper().partition(":")[0]:
                    case "EHLO":
                        self._say("250 trial")
                    case "RCPT":
                        self._say(box.recipient_answer)
                    case "DATA":
                        self._say("354 go on")
                        box.letters.append(self._data())
                        self._say("250 kept")
                    case "QUIT":
                        self._say("221 bye")
                        return
                    case _:
                        self._say("250 ok")

        def _data(self) -> bytes:
            lines = []
            while (line := self.rfile.readline()) != b".\r\n":
                lines.append(line.removeprefix(b"."))
            return b"".join(lines)

        def _say(self, text: str) -> None:
            self.wfile.write(text.encode() + b"\r\n")

    with _serving(socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)) as server:
        box.url = f"smtp://127.0.0.1:{server.server_address[1]}"
        yield box


@contextmanager
def _serving(server: socketserver.TCPServer) -> Iterator[socketserver.TCPServer]:
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()

"""The HTTP process as it is started: it answers, ends when asked, and keeps to its doors."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from pathlib import Path

import httpx2
import pytest
import uvicorn

from api.engines.ports import free_port
from api.http import guard, lan, live, serve
from api.http.app import staff_app
from api.http.house import House
from tests.conftest import Database, need
from tests.processes import wait_for

PATIENCE_S = 90


def started(database: Database, folder: Path, **more: str) -> tuple[subprocess.Popen[bytes], int]:
    port = free_port()
    told = {"DSN": database.dsn, "HTTP_PORT": str(port), "DATA": str(folder), **more}
    environment = {**os.environ, **{f"FOREMEND_{name}": value for name, value in told.items()}}
    process = subprocess.Popen([sys.executable, "-m", "api.cli", "api"], env=environment)
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline and process.poll() is None:
        try:
            if httpx2.get(f"http://127.0.0.1:{port}/livez", timeout=PATIENCE_S).status_code == 200:
                return process, port
        except httpx2.HTTPError:
            time.sleep(0.05)
    process.kill()
    pytest.fail(f"the process did not answer; it ended with {process.wait()}")


def ended(process: subprocess.Popen[bytes]) -> int:
    process.send_signal(signal.SIGTERM)
    try:
        return process.wait(timeout=PATIENCE_S)
    finally:
        process.kill()


def test_it_ends_when_asked_though_a_page_follows_live(database: Database, tmp_path: Path) -> None:
    process, port = started(database, tmp_path)
    with httpx2.stream("GET", f"http://127.0.0.1:{port}/desk/live", timeout=PATIENCE_S) as answer:
        assert next(answer.iter_lines()) == "retry: 2000"
        assert ended(process) == 0


def test_an_answer_does_not_wait_until_its_head_was_acknowledged() -> None:
    """An acknowledgement may be put off by 40 ms; head and body are two writes."""
    with serve._listen("127.0.0.1", 0) as listener, socket.create_connection(listener.getsockname()):
        accepted, _ = listener.accept()
        with accepted:
            assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) == 1


def test_the_local_network_sees_the_public_pages_alone(database: Database, tmp_path: Path) -> None:
    address = lan.address()
    need(address != lan.NO_NETWORK, "this machine has no network address of its own")
    process, port = started(database, tmp_path, LAN="1")
    with httpx2.Client(base_url=f"http://{address}:{port}", timeout=PATIENCE_S) as client:
        assert client.get("/static/style.css").status_code == 200
        assert client.get("/r/nothing").status_code == 404
        assert "There is nothing here" in client.get("/r/nothing").text
        assert [client.get(path).status_code for path in ("/desk/", "/api/devices", "/livez")] == [404] * 3
        assert client.get("/r/nothing", headers={"host": "evil.example"}).status_code == 421
    assert ended(process) == 0


def test_a_taken_port_ends_the_process_with_an_error(database: Database, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        told = {"DSN": database.dsn, "HTTP_PORT": str(port), "DATA": str(tmp_path)}
        environment = {**os.environ, **{f"FOREMEND_{name}": value for name, value in told.items()}}
        done = subprocess.run(
            [sys.executable, "-m", "api.cli", "api"],
            env=environment,
            capture_output=True,
            timeout=PATIENCE_S,
            check=False,
        )
    assert done.returncode == 1
    assert b"Address already in use" in done.stderr


@pytest.mark.parametrize(("proxies", "answers"), [("", {404, 429}), ("127.0.0.0/8", {404})])
def test_whose_address_it_is_says_the_network_or_the_proxy_that_is_named(
    database: Database, tmp_path: Path, proxies: str, answers: set[int]
) -> None:
    """Who writes another address into each request is one address, unless we trust whoever passed it on."""
    process, port = started(database, tmp_path, PROXIES=proxies)
    with httpx2.Client(base_url=f"http://127.0.0.1:{port}", timeout=PATIENCE_S) as client:
        asked = [client.get("/01/9506000134352/21/S1", headers={"X-Forwarded-For": f"192.0.2.{n}"}) for n in range(99)]
    assert {answer.status_code for answer in asked} == answers
    assert ended(process) == 0


def test_the_public_pages_end_with_the_others_also_when_those_end_in_an_error(house: House) -> None:
    port = free_port()
    beside = replace(house, settings=house.settings.model_copy(update={"public_port": port}))
    with suppress(RuntimeError), serve._beside(beside, lan.HERE):
        assert said(("127.0.0.1", port), b"GET /livez HTTP/1.0\r\nHost: localhost\r\n\r\n").startswith(b"HTTP/1.1 404")
        raise RuntimeError("an ill server")
    assert [each.name for each in threading.enumerate() if each.name == "lan"] == []


@pytest.fixture
def hurried(house: House, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[str, int]]:
    """Where a house listens that waits for nobody as long as it would."""
    monkeypatch.setattr(serve, "SILENT_S", 0.5)
    monkeypatch.setattr(guard, "PIECE_S", 0.5)
    monkeypatch.setattr(live, "STILL_HERE_EVERY", 1)
    with serve._listen("127.0.0.1", 0) as listener:
        server = uvicorn.Server(serve._config(staff_app(house), ""))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        yield listener.getsockname()
        house.stopping.set()
        server.should_exit = True
        thread.join(PATIENCE_S)


def said(where: tuple[str, int], begun: bytes) -> bytes:
    """What is answered until the connection is ended from there. Whoever comes to ask only when it was ended hears
    nothing."""
    answer = b""
    with socket.create_connection(where, timeout=PATIENCE_S) as line, suppress(ConnectionError):
        line.sendall(begun)
        while some := line.recv(4096):
            answer += some
    return answer


def answered(where: tuple[str, int], begun: bytes, answer: bytes) -> None:
    """Sooner or later: a machine that is slow begins to ask when it was let go."""
    wait_for(lambda: said(where, begun).startswith(answer))


@contextmanager
def following(where: tuple[str, int]) -> Iterator[Iterator[str]]:
    """The lines of a page that follows live."""
    with ExitStack() as stack:
        opened: list[httpx2.Response] = []

        def open_it() -> bool:
            page = httpx2.stream("GET", f"http://{where[0]}:{where[1]}/desk/live", timeout=PATIENCE_S)
            with suppress(httpx2.TransportError):  # it asked only when it was let go
                opened.append(stack.enter_context(page))
            return bool(opened)

        wait_for(open_it)
        yield opened[0].iter_lines()


def test_who_asks_nothing_is_let_go_and_who_follows_a_page_is_not(hurried: tuple[str, int]) -> None:
    form = b"POST /r/x HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-www-form-urlencoded\r\n"
    with following(hurried) as lines:
        assert next(lines) == "retry: 2000"
        assert said(hurried, b"") == b""
        assert said(hurried, b"GET / HTTP/1.1\r\nHost: loc") == b""
        answered(hurried, form + b"Content-Length: 9\r\n\r\nwords=", b"HTTP/1.1 408 ")
        answered(hurried, b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\nGET /", b"HTTP/1.1 200 ")
        assert [line for _, line in zip(range(6), lines, strict=False) if line][-2:] == [": still here"] * 2

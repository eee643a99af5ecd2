"""The whole house as a newcomer starts it: `foremend up`, real processes, one data folder each."""

import json
import signal
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from api.engines.ports import free_port

Up = Callable[..., "House"]


@dataclass
class House:
    process: subprocess.Popen[str]
    http_port: int
    lines: list[str] = field(default_factory=list)
    ready: threading.Event = field(default_factory=threading.Event)
    ready_at: float = 0.0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.http_port}"

    def listen(self) -> None:
        for line in self.process.stdout or ():
            self.lines.append(line.rstrip())
            if line.startswith("ready"):
                self.ready_at = time.monotonic()
                self.ready.set()

    def wait_ready(self, timeout_s: float) -> None:
        assert self.ready.wait(timeout_s), "\n".join(self.lines[-20:])

    def get(self, path: str) -> Any:
        with urllib.request.urlopen(self.url + path, timeout=60) as answer:
            return json.load(answer)


@contextmanager
def _house(data: Path, *options: str) -> Iterator[House]:
    ports = {name: str(free_port()) for name in ("--http-port", "--mqtt-port", "--nats-port")}
    command = [sys.executable, "-m", "api.cli", "up", "--data", str(data), *options]
    command += [part for pair in ports.items() for part in pair]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        house = House(process=process, http_port=int(ports["--http-port"]))
        listener = threading.Thread(target=house.listen)
        listener.start()
        try:
            yield house
        finally:
            process.send_signal(signal.SIGINT)
            try:
                assert process.wait(120) == 0, "\n".join(house.lines[-20:])
            finally:
                process.kill()  # one that does not end
                listener.join()


@pytest.fixture
def up() -> Iterator[Up]:
    """`up("--devices", "9")` starts a house in a folder of its own; it is stopped, in order, at the test's end."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="foremend-test-", dir="/tmp")))
        folder.chmod(0o711)  # the engines' user passes through to folders of its own

        def start(*options: str) -> House:
            house = stack.enter_context(_house(folder / "data", *options))
            house.wait_ready(300)
            return house

        yield start

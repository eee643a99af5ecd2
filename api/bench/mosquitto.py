"""A Mosquitto of the bench's own, set up by somebody who wants to lose nothing."""

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from api.engines.ports import free_port

_PLACES = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin", "/opt/homebrew/sbin"])
_HOST = "127.0.0.1"
_LONGEST_S = 120  # to start or to end
KEEPS_ALL = (  # docs/how-to/join-another-broker.md
    "persistence true",
    "max_queued_messages 0",
    "max_queued_bytes 0",
    "max_inflight_messages 2000",
)
ANYBODY = ("allow_anonymous true",)


def binary() -> str | None:
    """Debian has it where only root's PATH leads."""
    return shutil.which("mosquitto", path=_PLACES)


class Mosquitto:
    """In `folder`, which it writes into; `listener`: lines of its configuration about who may come in."""

    def __init__(self, folder: Path, *, listener: tuple[str, ...] = ANYBODY) -> None:
        self.port = free_port()
        self._config, self._log = folder / "mosquitto.conf", folder / "mosquitto.log"
        user = ("user root",) if os.geteuid() == 0 else ()  # the folder is ours alone
        place = (f"persistence_location {folder}/", f"listener {self.port} {_HOST}")
        self._config.write_text("\n".join((*user, *KEEPS_ALL, *place, *listener)) + "\n")
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"mqtt://{_HOST}:{self.port}"

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process else None

    def start(self) -> None:
        program = binary()
        if program is None:
            raise RuntimeError("Mosquitto is not there; on Debian or Ubuntu: apt-get install mosquitto")
        with self._log.open("ab") as log:
            self._process = subprocess.Popen([program, "-c", str(self._config)], stdout=log, stderr=log)  # noqa: S603  found above
        until = time.monotonic() + _LONGEST_S
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > until:
                raise RuntimeError(f"Mosquitto does not start: {self.log()}")
            time.sleep(0.01)

    def log(self) -> str:
        return self._log.read_text()

    def stop(self) -> None:
        """It writes down what it holds."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait(_LONGEST_S)

    def _answers(self) -> bool:
        try:
            socket.create_connection((_HOST, self.port), 1).close()
        except OSError:
            return False
        return True


@contextmanager
def mosquitto(folder: Path, *, listener: tuple[str, ...] = ANYBODY) -> Iterator[Mosquitto]:
    broker = Mosquitto(folder, listener=listener)
    broker.start()
    try:
        yield broker
    finally:
        broker.stop()

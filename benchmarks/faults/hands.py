"""Processes of the house, each in one of its own, that a fault starts and kills."""

import multiprocessing
import os
import signal
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

from api.cli import _process
from api.relay import run as relay
from api.worker import checkpoint
from api.worker import run as worker
from ingest import partition

_processes = multiprocessing.get_context("forkserver")
_processes.set_forkserver_preload(["api.cli._process", "api.worker.run", "api.bridge.run", "benchmarks.faults.hands"])


_ENDS_S = 120.0  # against hanging


class Hand:
    """Forked from a server that has imported everything already, so that a start costs milliseconds."""

    def __init__(self, target: Callable[..., None], *args: Any) -> None:
        self._process = _processes.Process(target=target, args=args)
        self._process.start()

    def kill(self) -> None:
        """SIGKILL."""
        self._process.kill()
        self._process.join()

    def pause(self) -> None:
        """SIGSTOP: it holds what it holds, and knows nothing of the time that passes."""
        os.kill(self.pid, signal.SIGSTOP)

    def wake(self) -> None:
        os.kill(self.pid, signal.SIGCONT)

    @property
    def pid(self) -> int:
        assert self._process.pid is not None
        return self._process.pid

    def ask_to_stop(self) -> None:
        self._process.terminate()

    def ends_within(self, seconds: float) -> bool:
        self._process.join(seconds)
        return not self.lives()

    def stop(self) -> None:
        self.ask_to_stop()
        if not self.ends_within(_ENDS_S):
            self.kill()
            raise RuntimeError(f"a process does not stop within {_ENDS_S:g} s")

    def lives(self) -> bool:
        return self._process.is_alive()


class Worker(Hand):
    """As `foremend worker` runs it. `often`: with a checkpoint every few messages, for deaths around it; `lease_s`: for
    short forms."""

    def __init__(self, environment: Mapping[str, str], *, often: bool = False, lease_s: float | None = None) -> None:
        super().__init__(_work, dict(environment), often, lease_s)


class Relay(Hand):
    def __init__(self, environment: Mapping[str, str]) -> None:
        super().__init__(_relay, dict(environment))


class Api(Hand):
    def __init__(self, environment: Mapping[str, str]) -> None:
        super().__init__(_serve, dict(environment))


def _work(environment: dict[str, str], often: bool, lease_s: float | None) -> None:  # noqa: FBT001  through Process
    os.environ.update(environment)
    if often:
        checkpoint.EVERY_S, checkpoint._FEW, checkpoint._SHARE = 0.02, 10, 1.0  # noqa: SLF001  no setting for it
    if lease_s is not None:
        partition.LEASE = timedelta(seconds=lease_s)
        worker._RENEW_S = lease_s / 5  # noqa: SLF001
    _process.run("worker", worker.run)


def _relay(environment: dict[str, str]) -> None:
    os.environ.update(environment)
    _process.run("relay", relay.run)


def _serve(environment: dict[str, str]) -> None:
    os.environ.update(environment)
    from api.http import serve  # noqa: PLC0415  seconds, and only one fault needs it

    _process.run("api", lambda settings, _: serve.run(settings))

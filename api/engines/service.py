"""What lives under the supervisor: started again when it dies, given up when it dies again and again."""

import contextlib
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO

from api.engines.errors import EngineError, EngineStartError
from api.engines.nats import Nats
from api.engines.plan import Plan
from api.engines.postgres import Postgres
from api.engines.process import Child

_STEADY_S = 60  # whoever lived that long starts counting anew
_USAGE = 2  # the exit code for options that a program does not take: another start would say the same


class Watched(ABC):
    """Something that must live, and what is known of its deaths."""

    def __init__(self, name: str, log: Path, backoff_s: Sequence[float]) -> None:
        self.name = name
        self.log = log
        self._backoff_s = backoff_s
        self._deaths = 0
        self._started_s = 0.0
        self._due_s: float | None = None

    @abstractmethod
    def launch(self) -> None: ...

    @abstractmethod
    def exit_code(self) -> int | None:
        """None while it lives."""

    @abstractmethod
    def end(self) -> None: ...

    def start(self) -> None:
        self._due_s = None
        self._started_s = time.monotonic()
        self.launch()

    def look(self) -> str | None:
        """Start it again when it is due; news for the person when it died. Raises EngineError when it will not live."""
        if self._due_s is not None:
            return self._start_again() if time.monotonic() >= self._due_s else None
        code = self.exit_code()
        return None if code is None else self._died(_how(code))

    def _start_again(self) -> str | None:
        """What kept it from starting may pass, such as a full disk: one death more."""
        try:
            self.start()
        except EngineStartError as error:
            self._started_s = time.monotonic()  # however long it tried, it has not lived
            return self._died(str(error))
        return None

    def _died(self, how: str) -> str:
        self._deaths = 1 if time.monotonic() - self._started_s > _STEADY_S else self._deaths + 1
        if self._deaths > len(self._backoff_s):
            raise EngineError(f"the {self.name} died {self._deaths} times in a row; its last words are in {self.log}")
        wait_s = self._backoff_s[self._deaths - 1]
        self._due_s = time.monotonic() + wait_s
        return f"the {self.name} died ({how}); starting it again in {wait_s:g} s"


class WatchedEngine(Watched):
    """PostgreSQL or NATS."""

    def __init__(self, name: str, engine: Postgres | Nats, backoff_s: Sequence[float]) -> None:
        super().__init__(name, engine.log, backoff_s)
        self._engine = engine

    def launch(self) -> None:
        self._engine.start()

    def exit_code(self) -> int | None:
        return self._engine.process.exit_code()

    def end(self) -> None:
        self._engine.stop()


class Service(Watched):
    """One of our own processes: a command line and its environment. `on_line` hears what it prints."""

    def __init__(
        self,
        name: str,
        argv: Sequence[str],
        env: Mapping[str, str],
        *,
        plan: Plan,
        on_line: Callable[[str], None] | None = None,
    ) -> None:
        super().__init__(name, plan.data / "logs" / f"{name}.out", plan.backoff_s)
        self._process = Child(name, plan.data / "pids" / name)
        self._argv = argv
        self._env = env
        self._cwd = plan.checkout
        self._on_line = on_line
        self.log.write_bytes(b"")  # what it said under an earlier supervisor

    def launch(self) -> None:
        popen = self._process.start(
            self._argv, log=self.log, env=self._env, cwd=self._cwd, read_output=self._on_line is not None
        )
        if self._on_line is not None and popen.stdout is not None:
            _follow(popen.stdout, self._on_line, self.name)

    def exit_code(self) -> int | None:
        code = self._process.exit_code()
        if code == _USAGE:
            words = self.log.read_text(errors="replace").strip().rpartition("\n")[2]
            raise EngineError(f"the {self.name} does not take its options: {words}")
        return code

    def end(self) -> None:
        self._process.end()


def _how(code: int) -> str:
    return f"signal {-code}" if code < 0 else f"exit code {code}"


def _follow(lines: IO[str], on_line: Callable[[str], None], name: str) -> None:
    def read() -> None:
        with contextlib.suppress(ValueError):  # closed under us: the process has ended
            for line in lines:
                on_line(line)

    threading.Thread(target=read, name=f"{name} output", daemon=True).start()

"""How far a program of the yard has come: a bar on a terminal, JSON lines for whoever reads a pipe."""

import json
import sys
import time
from types import TracebackType
from typing import Any, Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bar

_EVERY_S, _LIVE_S = 0.5, 10.0


class Progress:
    """`say("generate", 3, 9)`: what is done of how much, with whatever else is worth knowing. On a pipe
    `{"phase": "generate", "done": 3, "total": 9}`, at most twice a second but for the last of a phase, and what is
    `live` every ten seconds."""

    def __init__(self) -> None:
        self._bar: Bar | None = None
        self._said_s, self._phase = 0.0, ""

    def __enter__(self) -> Self:
        if sys.stdout.isatty():
            text, more = TextColumn("{task.description}"), TextColumn("{task.fields[more]}")
            console = Console()
            self._bar = Bar(text, BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), more, console=console)
            self._task = self._bar.add_task("", total=None, more="")
            self._bar.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._bar is not None:
            self._bar.stop()

    def say(self, phase: str, done: int, total: int, **more: Any) -> None:
        if self._bar is not None:
            words = ", ".join(f"{value:,} {name}" for name, value in more.items())
            self._bar.update(self._task, description=phase, completed=done, total=total, more=words)
            return
        now_s = time.monotonic()
        every_s, last = (_LIVE_S, False) if phase == "live" else (_EVERY_S, done >= total)
        if phase != self._phase or last or now_s - self._said_s >= every_s:
            self._phase, self._said_s = phase, now_s
            print(json.dumps({"phase": phase, "done": done, "total": total, **more}), flush=True)

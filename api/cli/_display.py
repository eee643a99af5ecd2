"""Where `foremend up` writes its news: a terminal that redraws its last line, or plain lines for a log."""

import sys
import time

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from api.engines.progress import Display

_EVERY_S = 5.0


class TerminalDisplay:
    """One bar at the bottom, news above it."""

    def __init__(self, console: Console) -> None:
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        self._console = console
        self._bar = Progress(*columns, console=console, transient=True)
        self._task = self._bar.add_task("", visible=False, total=None)
        self._started = False

    def say(self, text: str) -> None:
        self._bar.stop()
        self._started = False
        self._console.print(text, highlight=False, soft_wrap=True)

    def progress(self, text: str, done: int, total: int) -> None:
        if not self._started:
            self._bar.start()
            self._started = True
        self._bar.update(self._task, description=text, completed=min(done, total), total=total, visible=True)
        if done >= total:
            self._bar.stop()
            self._started = False


class PlainDisplay:
    """A line every few seconds, flushed, for pipes and log files."""

    def __init__(self) -> None:
        self._told_s = 0.0
        self._told = ""

    def say(self, text: str) -> None:
        print(text, flush=True)

    def progress(self, text: str, done: int, total: int) -> None:
        line = f"{text}: {done:,} of {total:,}"
        if line != self._told and (done >= total or time.monotonic() - self._told_s >= _EVERY_S):
            self._told_s, self._told = time.monotonic(), line
            print(line, flush=True)


def choose() -> Display:
    return TerminalDisplay(Console()) if sys.stdout.isatty() else PlainDisplay()

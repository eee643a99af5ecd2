"""How far the demo's start has come: what the fleet says about itself, and whether the worker has followed."""

import contextlib
import json
from dataclasses import dataclass, replace
from typing import Protocol

PHASES = ("register", "history", "live")


class Display(Protocol):
    """Where the supervisor's news goes: a terminal that redraws, or plain lines."""

    def say(self, text: str) -> None: ...
    def progress(self, text: str, done: int, total: int) -> None: ...


@dataclass(frozen=True, kw_only=True)
class FleetProgress:
    """The last line that the fleet printed: `{"phase": "history", "done": 3, "total": 9}`."""

    phase: str = "register"
    done: int = 0
    total: int = 0

    def heard(self, line: str) -> "FleetProgress":
        """A line that is not of that form says nothing."""
        with contextlib.suppress(ValueError, TypeError, AttributeError):
            said = json.loads(line)
            if said.get("phase") in PHASES:
                return replace(
                    self, phase=said["phase"], done=int(said.get("done", 0)), total=int(said.get("total", 0))
                )
        return self


@dataclass(frozen=True, kw_only=True)
class CatchUp:
    """The worker has to reach `head`, the log's end when the fleet went live; what came later does not count."""

    head: int | None = None
    cursor: int = 0

    def seen(self, *, live: bool, head: int, cursor: int) -> "CatchUp":
        return replace(self, head=head if live and self.head is None else self.head, cursor=cursor)

    @property
    def ready(self) -> bool:
        return self.head is not None and self.cursor >= self.head

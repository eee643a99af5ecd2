"""What a device is told, and what it says of itself: desired state taken once a version, commands done once an id."""

from collections.abc import Callable, Mapping
from typing import Any

REMEMBERED = 100  # results, so that a command that comes twice is answered twice and done once

Json = dict[str, Any]
Obey = Callable[[str, Any], Any]  # a setting and what is desired of it: what it is then, None: it has no such setting


class Told:
    """`state`: what it is like; `obey` says what becomes of a setting. What is asked of it comes back as (kind, body)
    to be said under `up/`."""

    def __init__(self, state: Mapping[str, Any], firmware: str, obey: Obey) -> None:
        self.state, self.firmware, self.version = dict(state), firmware, 0
        self._obey, self._done = obey, dict[str, Json]()

    def report(self) -> tuple[str, Json]:
        return "reported", {"version": self.version, "state": self.state, "firmware": self.firmware}

    def hear(self, kind: str, body: Json) -> list[tuple[str, Json]]:
        """An older version was overtaken; the same one again wants the same answer."""
        if kind == "command":
            return [self._do(body)]
        if kind != "desired" or body["version"] < self.version:
            return []
        self.version = body["version"]
        for name, value in body["state"].items():
            if name == "firmware":
                self.firmware = value
            elif (taken := self._obey(name, value)) is not None:
                self.state[name] = taken
        return [self.report()]

    def _do(self, command: Json) -> tuple[str, Json]:
        known = command["id"]
        if known not in self._done:
            self._done[known] = self._outcome(command)
            if len(self._done) > REMEMBERED:
                del self._done[next(iter(self._done))]
        return "result", {"id": known, **self._done[known]}

    def _outcome(self, command: Json) -> Json:
        if command["name"] == "ping":
            return {"ok": True, "result": command.get("arguments", {})}
        return {"ok": False, "error": f"no command {command['name']}"}

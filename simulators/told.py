"""What a device is told, and what it says of itself: desired state taken once a version, commands done once an id."""

from collections.abc import Callable, Mapping
from typing import Any

REMEMBERED = 100  # results, so that a command that comes twice is answered twice and done once

Json = dict[str, Any]
Obey = Callable[[str, Any], Any]  # a setting and what is desired of it: what it is then, None: it has no such setting
Do = Callable[[Json], Any]  # a command's arguments: its result


class Told:
    """`state`: what it is like; `obey` says what becomes of a setting. `commands`: what it can do, by name; `done`:
    results by the command's id. What is asked of it comes back as (kind, body) to be said under `up/`."""

    def __init__(self, state: Mapping[str, Any], firmware: str, obey: Obey) -> None:
        self.state, self.firmware, self.version = dict(state), firmware, 0
        self.commands: dict[str, Do] = {"ping": lambda arguments: arguments}
        self.done: dict[str, Json] = {}
        self._obey = obey

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
        if known not in self.done:
            self.done[known] = self._outcome(command)
            if len(self.done) > REMEMBERED:
                del self.done[next(iter(self.done))]
        return "result", {"id": known, **self.done[known]}

    def _outcome(self, command: Json) -> Json:
        do = self.commands.get(command["name"])
        if do is None:
            return {"ok": False, "error": f"no command {command['name']}"}
        return {"ok": True, "result": do(command.get("arguments", {}))}

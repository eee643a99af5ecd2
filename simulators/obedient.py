"""A device that does what it is told: it takes what is desired of it, answers commands once each, and says what it is
like. `python -m simulators.obedient --device fridge-1` runs one by hand.

It trusts no clock of its own: a command that comes is a command that holds. What it has taken and done it would keep
in flash; here that is `Memory`, which outlives a connection.
"""

import argparse
import json
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

FIRMWARE = "1.4.2"
_REMEMBERED = 100  # results, so that a command that comes twice is answered twice and done once


@dataclass
class Memory:
    """`limits`: what it can do, whatever is desired. `done`: results by command."""

    version: int = 0
    state: dict[str, Any] = field(default_factory=lambda: {"set_point_c": 5, "sampling_period_s": 60})
    limits: dict[str, tuple[float, float]] = field(default_factory=dict)
    done: dict[str, dict[str, Any]] = field(default_factory=dict)


class Obedient:
    """One connection to a broker. `heard`: everything that came, in order, as (kind, body)."""

    def __init__(self, topic: str, client_id: str, memory: Memory | None = None, *, clean: bool = True) -> None:
        self._topic, self.memory = topic, memory or Memory()
        self.heard: list[tuple[str, dict[str, Any]]] = []
        self.subscribed = threading.Event()
        self.commands: dict[str, Callable[[dict[str, Any]], Any]] = {"ping": lambda arguments: arguments}
        self._client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id=client_id, clean_session=clean)
        self._client.will_set(f"{topic}/up/presence", '{"online": false}', qos=1)
        self._client.on_connect = lambda client, *_: client.subscribe(f"{topic}/down/#", 1)
        self._client.on_subscribe = lambda *_: self._begin()
        self._client.on_message = self._on_message

    def connect(self, host: str, port: int, username: str | None = None, password: str | None = None) -> "Obedient":
        if username is not None:
            self._client.username_pw_set(username, password)
        self._client.connect(host, port)
        self._client.loop_start()
        return self

    def close(self) -> None:
        """Says so first: a broker speaks only for those who vanish."""
        self._say("presence", {"online": False}).wait_for_publish(5)
        self._client.disconnect()
        self._client.loop_stop()

    def _begin(self) -> None:
        self.subscribed.set()
        self.report()

    def report(self) -> None:
        """All of what it is like."""
        memory = self.memory
        self._say("reported", {"version": memory.version, "state": memory.state, "firmware": FIRMWARE})

    def measure(self, **metrics: float) -> None:
        self._say("telemetry", {"ts": time.time_ns() // 1_000_000, "m": metrics})

    def _say(self, kind: str, body: dict[str, Any]) -> mqtt.MQTTMessageInfo:
        return self._client.publish(f"{self._topic}/up/{kind}", json.dumps(body), qos=1)

    def _on_message(self, _client: mqtt.Client, _data: Any, message: mqtt.MQTTMessage) -> None:
        kind = message.topic.rpartition("/")[2]
        body = json.loads(message.payload)
        self.heard.append((kind, body))
        if kind == "desired":
            self._take(body)
        elif kind == "command":
            self._do(body)

    def _take(self, desired: dict[str, Any]) -> None:
        """An older version was overtaken; the same one again wants the same answer."""
        if desired["version"] < self.memory.version:
            return
        self.memory.version = desired["version"]
        for name, value in desired["state"].items():
            low, high = self.memory.limits.get(name, (value, value))
            self.memory.state[name] = min(max(value, low), high)
        self.report()

    def _do(self, command: dict[str, Any]) -> None:
        """Once each, by its id."""
        done = self.memory.done
        if command["id"] not in done:
            done[command["id"]] = self._outcome(command)
            while len(done) > _REMEMBERED:
                del done[next(iter(done))]
        self._say("result", {"id": command["id"], **done[command["id"]]})

    def _outcome(self, command: dict[str, Any]) -> dict[str, Any]:
        known = self.commands.get(command["name"])
        if known is None:
            return {"ok": False, "error": f"no command {command['name']}"}
        return {"ok": True, "result": known(command["arguments"])}


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--host", default="127.0.0.1")
    asked.add_argument("--port", type=int, default=1883)
    asked.add_argument("--tenant", default="demo")
    asked.add_argument("--device", required=True)
    asked.add_argument("--username")
    asked.add_argument("--password")
    given = asked.parse_args()
    device = Obedient(f"fm/{given.tenant}/{given.device}", f"{given.tenant}:{given.device}")
    device.connect(given.host, given.port, given.username, given.password)
    told = 0
    while True:
        for kind, body in device.heard[told:]:
            print(kind, json.dumps(body), flush=True)
        told = len(device.heard)
        time.sleep(0.2)


if __name__ == "__main__":
    main()

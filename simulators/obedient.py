"""A device that does what it is told: it takes what is desired of it, answers commands once each, and says what it is
like. `python -m simulators.obedient --device fridge-1` runs one by hand.

It trusts no clock of its own: a command that comes is a command that holds. What it has taken and done it would keep
in flash; here that is its memory, which outlives a connection.
"""

import argparse
import json
import threading
import time
from typing import Any

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

from simulators.told import Told

FIRMWARE = "1.4.2"


def a_memory(**limits: tuple[float, float]) -> Told:
    """Of a device that takes every setting, within `limits` where it has some, whatever is desired."""

    def obey(name: str, value: Any) -> Any:
        low, high = limits.get(name, (value, value))
        return min(max(value, low), high)

    return Told({"set_point_c": 5, "sampling_period_s": 60}, FIRMWARE, obey)


class Obedient:
    """One connection to a broker. `heard`: everything that came, in order, as (kind, body). `subscribed`: what it is
    like was acknowledged, too, so that all that was retained for it is here, and nothing of its beginning is still to
    be said."""

    def __init__(self, topic: str, client_id: str, memory: Told | None = None, *, clean: bool = True) -> None:
        self._topic, self.memory = topic, memory or a_memory()
        self.heard: list[tuple[str, dict[str, Any]]] = []
        self.subscribed = threading.Event()
        self._client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id=client_id, clean_session=clean)
        self._client.will_set(f"{topic}/up/presence", '{"online": false}', qos=1)
        self._client.on_connect = lambda client, *_: client.subscribe(f"{topic}/down/#", 1)
        self._client.on_subscribe = lambda *_: self.report()
        self._client.on_publish = lambda *_: self.subscribed.set()  # of its first words
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

    def report(self) -> None:
        """All of what it is like."""
        self._say(*self.memory.report())

    def measure(self, **metrics: float) -> None:
        self._say("telemetry", {"ts": time.time_ns() // 1_000_000, "m": metrics})

    def _say(self, kind: str, body: dict[str, Any]) -> mqtt.MQTTMessageInfo:
        return self._client.publish(f"{self._topic}/up/{kind}", json.dumps(body), qos=1)

    def _on_message(self, _client: mqtt.Client, _data: Any, message: mqtt.MQTTMessage) -> None:
        kind = message.topic.rpartition("/")[2]
        if not message.payload:  # nobody desires anything of it any more
            return
        body = json.loads(message.payload)
        self.heard.append((kind, body))
        for said in self.memory.hear(kind, body):
            self._say(*said)


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

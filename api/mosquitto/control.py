"""The control topic of Mosquitto's dynamic security: commands go there in JSON, and each is answered in order."""

import json
import queue
import ssl
from collections import deque
from collections.abc import Iterator, Sequence
from typing import Any

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.reasoncodes import ReasonCode

from api.mosquitto import uses
from devices.credentials.dynsec import Command

TOPIC = "$CONTROL/dynamic-security/v1"
_CLIENT_ID = "foremend-registrar"
_CONNECT_S = 5.0
_ANSWER_S = 60.0  # each command has the plugin write its whole file: 50 ms with 10,000 devices, and a batch has several
_PAGE = 1000
_USES = 100_000  # that wait for whoever asks for them; of more, the oldest are forgotten


class ControlError(Exception):
    """The broker is away, or does not do what it is told; the message says which."""


class Control:
    """One connection. Every method raises ControlError."""

    def __init__(
        self, host: str, port: int, *, username: str, password: str | None, tls: ssl.SSLContext | None = None
    ) -> None:
        self._heard: queue.Queue[bytes | ControlError] = queue.Queue()
        self._lost: ControlError | None = None
        self._used: deque[tuple[str, str]] = deque(maxlen=_USES)
        self._client = mqtt.Client(CallbackAPIVersion.VERSION2, _CLIENT_ID, reconnect_on_failure=False)
        self._client.username_pw_set(username, password)
        if tls is not None:
            self._client.tls_set_context(tls)
        self._client.connect_timeout = _CONNECT_S
        self._client.on_connect = self._connected
        self._client.on_subscribe = self._subscribed
        self._client.on_disconnect = self._disconnected
        self._client.on_message = self._message
        try:
            self._client.connect(host, port, keepalive=30)
        except (OSError, ValueError) as error:
            raise ControlError(f"{host}:{port} does not answer: {error}") from None
        self._client.loop_start()
        try:
            self._next(_CONNECT_S)
        except ControlError:
            self.close()
            raise

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def check(self) -> None:
        if self._lost is not None:
            raise self._lost

    def tell(self, commands: Sequence[Command]) -> None:
        """All of them, in order; the first that is refused is raised, those after it were done nevertheless."""
        for answer in self._ask(commands):
            if "error" in answer:
                raise ControlError(f"{answer.get('command')} was refused: {answer['error']}")

    def used(self) -> dict[str, str]:
        """Who came in since this was asked for: username and from where."""
        return dict(self._used.popleft() for _ in range(len(self._used)))

    def clients(self) -> Iterator[Command]:
        return self._listed("listClients", "clients")

    def roles(self) -> Iterator[Command]:
        return self._listed("listRoles", "roles")

    def defaults(self) -> list[Command]:
        (answer,) = self._ask([{"command": "getDefaultACLAccess"}])
        acls: list[Command] = answer.get("data", {}).get("acls", [])
        return acls

    def _listed(self, command: str, what: str) -> Iterator[Command]:
        offset = 0
        while True:
            (answer,) = self._ask([{"command": command, "verbose": True, "count": _PAGE, "offset": offset}])
            page: list[Command] = answer.get("data", {}).get(what, [])
            yield from page
            if len(page) < _PAGE:
                return
            offset += _PAGE

    def _ask(self, commands: Sequence[Command]) -> list[Command]:
        self.check()
        self._client.publish(
            TOPIC, json.dumps({"commands": list(commands)})
        )  # QoS 1 would add a PUBACK, for which the answer waits
        try:
            answers: list[Command] = json.loads(self._next(_ANSWER_S))["responses"]
        except (ValueError, KeyError, TypeError) as error:
            raise ControlError(f"an answer that is none: {error}") from None
        if len(answers) != len(commands):
            raise ControlError(f"{len(answers)} answers to {len(commands)} commands")
        return answers

    def _next(self, patience_s: float) -> bytes:
        try:
            heard = self._heard.get(timeout=patience_s)
        except queue.Empty:
            raise ControlError(f"no answer within {patience_s:g} s; may this user use {TOPIC}?") from None
        if isinstance(heard, ControlError):
            raise heard
        return heard

    def _connected(self, client: mqtt.Client, _data: Any, _flags: Any, code: ReasonCode, _properties: Any) -> None:
        if code.is_failure:
            self._fail(f"the broker refuses us: {code}")
        else:
            client.subscribe([(f"{TOPIC}/response", 1), (uses.TOPIC, 0)])

    def _message(self, _client: mqtt.Client, _data: Any, message: mqtt.MQTTMessage) -> None:
        if message.topic != uses.TOPIC:
            self._heard.put(bytes(message.payload))
        elif (use := uses.read(bytes(message.payload).decode(errors="replace"))) is not None:
            self._used.append(use)

    def _subscribed(
        self, _client: mqtt.Client, _data: Any, _id: int, codes: list[ReasonCode], _properties: Any
    ) -> None:
        if codes[0].is_failure:  # without its log we go on, and do not know who came
            self._fail(f"the broker does not let us hear {TOPIC}/response")
        else:
            self._heard.put(b"")

    def _disconnected(self, _client: mqtt.Client, _data: Any, _flags: Any, code: ReasonCode, _properties: Any) -> None:
        self._fail(f"the connection was lost: {code}")

    def _fail(self, why: str) -> None:
        self._lost = self._lost or ControlError(why)
        self._heard.put(self._lost)

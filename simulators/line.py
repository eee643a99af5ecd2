"""One device's connection to its broker: MQTT 3.1.1, QoS 1, a last will, and no more of it than a device needs."""

import asyncio
from typing import Protocol

from simulators import packets

_REASONS = {
    1: "does not speak MQTT 3.1.1",
    2: "refuses the client id",
    3: "is not available",
    4: "refuses the password",
    5: "refuses this device",
}
_SIGN_IN = (4, 5)


class RefusedError(Exception):
    """The broker answered and does not want this device. `signs_in`: because of whom it said it is."""

    def __init__(self, code: int) -> None:
        super().__init__(_REASONS.get(code, f"refuses with {code}"))
        self.signs_in = code in _SIGN_IN


class NoMqttError(Exception):
    """Somebody else answered."""


class Owner(Protocol):
    def acknowledged(self, packet_id: int) -> None: ...
    def told(self, topic: str, payload: bytes) -> None: ...


class Line(asyncio.Protocol):
    """`ready` when the broker has said yes, `gone` when the connection is over, whoever ended it."""

    __slots__ = ("_hello", "_left", "_loop", "_owner", "_transport", "gone", "ready", "said_s")

    def __init__(self, owner: Owner, hello: bytes) -> None:
        self._loop = asyncio.get_running_loop()
        self.ready: asyncio.Future[None] = self._loop.create_future()
        self.gone = asyncio.Event()
        self._owner, self._hello, self._left = owner, hello, b""
        self._transport: asyncio.Transport
        self.said_s = self._loop.time()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        transport.write(self._hello)

    def write(self, packet: bytes) -> None:
        self.said_s = self._loop.time()
        self._transport.write(packet)

    def data_received(self, data: bytes) -> None:
        if not self.ready.done() and not self._left and data[0] & 0xF0 != packets.CONNACK:
            self.ready.set_exception(NoMqttError())
            self.drop()
            return
        found, self._left = packets.split(self._left + data)
        for first, body in found:
            self._take(first, body)

    def _take(self, first: int, body: bytes) -> None:
        match first & 0xF0:
            case packets.PUBACK:
                self._owner.acknowledged(body[0] << 8 | body[1])
            case packets.PUBLISH:
                topic, payload, packet_id = packets.published(first, body)
                if packet_id:
                    self.write(packets.puback(packet_id))
                self._owner.told(topic, payload)
            case packets.CONNACK if not self.ready.done():
                if body[1]:
                    self.ready.set_exception(RefusedError(body[1]))
                else:
                    self.ready.set_result(None)

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.ready.done():
            self.ready.set_exception(exc or ConnectionResetError("the broker closed the connection"))
        self.gone.set()

    def disconnect(self) -> None:
        """In good order: the broker forgets the will."""
        self._transport.write(packets.DISCONNECT)
        self._transport.close()

    def drop(self) -> None:
        """As when the power fails: the broker says the will."""
        self._transport.abort()

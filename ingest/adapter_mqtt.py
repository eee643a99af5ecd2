"""A subscription at another broker: MQTT 3.1.1, QoS 1, a session that the broker keeps while we are away."""

import select
import socket
import ssl
import time
from contextlib import suppress
from dataclasses import dataclass, field

from ingest.errors import BrokerError, BrokerRefusesError, PacketError
from ingest.mqtt_packets import (
    CONNACK,
    DISCONNECT,
    PINGREQ,
    SUBACK,
    SUBACK_REFUSED,
    Answer,
    Packets,
    Publish,
    connect,
    pubacks,
    subscribe,
)

KEEP_ALIVE_S = 30
_PATIENCE_S = 10.0
_FAREWELL_S = 1.0
_RECEIVE_BYTES = 1 << 18
_SUBSCRIBE_ID = 1
_REFUSALS = {
    1: "it does not speak MQTT 3.1.1",
    2: "it does not like the client id",
    3: "it is not available",
    4: "wrong username or password",
    5: "this user may not connect",
}
_REFUSED_FOR_NOW = 3


@dataclass(frozen=True, kw_only=True)
class Account:
    """As whom we come. The client id is the session's name: whoever else uses it throws us out."""

    client_id: str
    username: str | None = None
    password: str | None = field(default=None, repr=False)


@dataclass(frozen=True, kw_only=True)
class Broker:
    host: str
    port: int
    filters: tuple[str, ...]
    account: Account
    tls: ssl.SSLContext | None = None


class Subscription:
    """Connected and asked for; what the broker grants comes among the packets. Raises BrokerError, in all methods."""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker
        self._packets = Packets()
        self.socket = _open(broker)
        self.granted = False
        self._asked_s = self._spoke_s = self._heard_s = time.monotonic()
        try:
            self.resumed = self._greet()
            self.send(subscribe(_SUBSCRIBE_ID, broker.filters))
        except BrokerError:
            self.close()
            raise

    def _greet(self) -> bool:
        """Whether the broker still has the session."""
        who = self._broker.account
        self.send(connect(who.client_id, keep_alive_s=KEEP_ALIVE_S, username=who.username, password=who.password))
        while not (found := self._packets.take(1)):
            self._wait(select.POLLIN)
            self.receive()
        answer = found[0]
        if not isinstance(answer, Answer) or answer.kind != CONNACK or len(answer.body) != 2:
            raise PacketError("the broker does not answer CONNECT with CONNACK")
        code = answer.body[1]
        if code == _REFUSED_FOR_NOW:
            raise BrokerError(f"the broker refuses us: {_REFUSALS[code]}")
        if code:
            raise BrokerRefusesError(f"the broker refuses us: {_REFUSALS.get(code, f'return code {code}')}")
        return bool(answer.body[0] & 1)

    @property
    def held(self) -> int:
        """Bytes that have come and are not taken."""
        return self._packets.held

    def receive(self) -> bool:
        """Takes in what has come; False: nothing yet, as TLS sometimes has it."""
        try:
            data = self.socket.recv(_RECEIVE_BYTES)
        except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
            return False
        except OSError as error:
            raise BrokerError(f"the broker is gone: {error}") from error
        if not data:
            raise BrokerError("the broker closed the connection")
        self._heard_s = time.monotonic()
        self._packets.feed(data)
        return True

    def take(self, most: int) -> list[Publish]:
        """The next messages. Raises BrokerRefusesError when a filter is not granted with QoS 1."""
        found = self._packets.take(most)
        if all(type(packet) is Publish for packet in found):
            return found  # type: ignore[return-value]
        for packet in found:
            if isinstance(packet, Answer) and packet.kind == SUBACK:
                self._grant(packet.body[2:])
        return [packet for packet in found if isinstance(packet, Publish)]

    def _grant(self, codes: bytes) -> None:
        for asked, code in zip(self._broker.filters, codes.ljust(len(self._broker.filters), b"\x80"), strict=False):
            if code == SUBACK_REFUSED:
                raise BrokerRefusesError(f"the broker does not let us subscribe to {asked!r}")
            if code == 0:
                raise BrokerRefusesError(f"the broker grants {asked!r} with QoS 0 only, where messages may be lost")
        self.granted = True

    def acknowledge(self, packet_ids: list[int]) -> None:
        self.send(pubacks(packet_ids))

    def look_alive(self, *, listening: bool) -> None:
        """Says that we are there when we have been silent. Raises BrokerError when the broker is, although we are
        `listening`."""
        now_s = time.monotonic()
        if not self.granted and now_s - self._asked_s > _PATIENCE_S:
            raise BrokerError("the broker does not answer SUBSCRIBE")
        if now_s - self._spoke_s > KEEP_ALIVE_S / 3:
            self.send(PINGREQ)
        if not listening:
            self._heard_s = now_s
        elif now_s - self._heard_s > KEEP_ALIVE_S:
            raise BrokerError(f"the broker has been silent for {KEEP_ALIVE_S} s")

    def send(self, data: bytes) -> None:
        left = memoryview(data)
        while left:
            try:
                left = left[self.socket.send(left) :]
            except (BlockingIOError, ssl.SSLWantWriteError):
                self._wait(select.POLLOUT)
            except ssl.SSLWantReadError:
                self._wait(select.POLLIN)
            except OSError as error:
                raise BrokerError(f"the broker is gone: {error}") from error
        self._spoke_s = time.monotonic()

    def leave(self) -> None:
        """The session stays: the broker keeps what comes meanwhile. What is still on its way to us is read past:
        a connection that is closed over it is reset, and takes our last acknowledgements along."""
        self.send(DISCONNECT)
        until = time.monotonic() + _FAREWELL_S
        with suppress(BrokerError):
            while time.monotonic() < until:
                self._wait(select.POLLIN, _FAREWELL_S)
                self.receive()
                self._packets = Packets()

    def close(self) -> None:
        self.socket.close()

    def _wait(self, event: int, longest_s: float = _PATIENCE_S) -> None:
        waiting = select.poll()
        waiting.register(self.socket, event)
        if not waiting.poll(longest_s * 1000):
            raise BrokerError(f"the broker has not answered for {longest_s:.0f} s")


def _open(broker: Broker) -> socket.socket:
    try:
        made = socket.create_connection((broker.host, broker.port), _PATIENCE_S)
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if broker.tls is not None:
            made = broker.tls.wrap_socket(made, server_hostname=broker.host)
        made.setblocking(False)
    except OSError as error:  # ssl.SSLError is one
        raise BrokerError(f"the broker {broker.host}:{broker.port} cannot be reached: {error}") from error
    return made

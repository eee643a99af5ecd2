"""A subscription at another broker: MQTT 5 or 3.1.1, QoS 1, a session that the broker keeps while we are away."""

import select
import socket
import ssl
import time
from contextlib import suppress
from dataclasses import dataclass, field

from ingest.bridge import answers, reasons
from ingest.bridge.answers import Welcome
from ingest.bridge.packets import (
    DISCONNECT,
    FAREWELL,
    PINGREQ,
    SUBACK,
    Answer,
    Packets,
    Publish,
    connect,
    farewell,
    pubacks,
    publish,
    subscribe,
)
from ingest.bridge.versions import LEVEL_5, LEVELS, SPOKEN, Protocol
from ingest.errors import BrokerError, BrokerGoneError, OtherLevelError, PacketError

KEEP_ALIVE_S = 30
_PATIENCE_S = 10.0
_FAREWELL_S = 1.0
_RECEIVE_BYTES = 1 << 18
_SUBSCRIBE_ID = 1
_EVERY = 1 << 16


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
    protocol: Protocol = Protocol.AUTO


class Subscription:
    """Connected and asked for; what the broker grants comes among the packets. Raises BrokerError, in all methods."""

    def __init__(self, broker: Broker, *, receive_maximum: int = 65_535, clean: bool = False) -> None:
        """`receive_maximum`: messages that may be under way to us, which only MQTT 5 tells the broker. `clean`: the
        session ends with the connection, and one that the broker still has is forgotten."""
        self._broker, self._receive_maximum, self._clean = broker, receive_maximum, clean
        self.granted = False
        *first, last = LEVELS[broker.protocol]
        for level in first:
            with suppress(OtherLevelError, BrokerGoneError):  # some brokers hang up on what they do not speak
                self._open(level)
                return
        self._open(last)

    def _open(self, level: int) -> None:
        self.protocol, self._level, self._packets = SPOKEN[level], level, Packets(level)
        self.socket = _open(self._broker)
        self._asked_s = self._spoke_s = self._heard_s = time.monotonic()
        try:
            self.welcome = self._greet()
            self._keep_alive_s = min(self.welcome.keep_alive_s or KEEP_ALIVE_S, KEEP_ALIVE_S)
            asked = subscribe(_SUBSCRIBE_ID, self._broker.filters, level=level)
            answers.check(self.welcome, self._broker.filters, asked)
            self.send(asked)
        except BrokerError:
            self.close()
            raise

    def _greet(self) -> Welcome:
        who = self._broker.account
        hello = connect(
            who.client_id,
            level=self._level,
            clean=self._clean,
            keep_alive_s=KEEP_ALIVE_S,
            username=who.username,
            password=who.password,
            receive_maximum=self._receive_maximum,
        )
        self.send(hello)
        while not (found := self._packets.take(1)):
            self._wait(select.POLLIN)
            self.receive()
        return answers.welcome(self._level, found[0])

    @property
    def held(self) -> int:
        """Bytes that have come and are not taken."""
        return self._packets.held

    def receive(self) -> bool:
        """Takes in what has come; False: nothing yet, as TLS sometimes has it."""
        try:
            data = self._arrived()
        except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
            return False
        except OSError as error:
            raise self._gone(f"the broker is gone: {error}") from error
        if not data:
            raise self._gone("the broker closed the connection")
        self._heard_s = time.monotonic()
        self._packets.feed(data)
        return True

    def _arrived(self) -> bytes:
        """TLS hands out one record of 16 KiB at most at a time."""
        data = self.socket.recv(_RECEIVE_BYTES)
        if self._broker.tls is not None:
            with suppress(ssl.SSLWantReadError, ssl.SSLWantWriteError):
                while data and len(data) < _RECEIVE_BYTES and (more := self.socket.recv(_RECEIVE_BYTES)):
                    data += more
        return data

    def wait(self, longest_s: float) -> None:
        """For something to come, and takes it in."""
        if self._ready(select.POLLIN, longest_s):
            self.receive()

    def take(self, most: int) -> list[Publish]:
        """The next messages. Raises BrokerRefusesError when a filter is not granted with QoS 1."""
        try:
            found = self._packets.take(most)
        except PacketError:
            if self._level == LEVEL_5:
                with suppress(BrokerError):
                    self.send(farewell(reasons.MALFORMED))
            raise
        if set(map(type, found)) <= {Publish}:
            return found  # type: ignore[return-value]
        for packet in found:
            if isinstance(packet, Answer):
                self._hear(packet)
        return [packet for packet in found if isinstance(packet, Publish)]

    def _hear(self, said: Answer) -> None:
        if said.kind == SUBACK:
            answers.granted(self._level, said.body, self._broker.filters)
            self.granted = True
        elif said.kind == DISCONNECT:
            raise answers.dismissed(said.body)

    def _gone(self, words: str) -> BrokerError:
        """With the broker's last words, if there are any: they may have come and not been taken."""
        with suppress(OSError, PacketError):
            self._packets.feed(self.socket.recv(_RECEIVE_BYTES))
        with suppress(PacketError):
            for packet in self._packets.take(_EVERY):
                if isinstance(packet, Answer) and packet.kind == DISCONNECT:
                    return answers.dismissed(packet.body)
        return BrokerGoneError(words)

    def acknowledge(self, packet_ids: list[int]) -> None:
        self.send(pubacks(packet_ids))

    def tell(self, topic: str, payload: bytes, *, retain: bool = False) -> None:
        """With QoS 0: nobody says whether anybody got it."""
        self.send(publish(topic, payload, level=self._level, retain=retain))

    def look_alive(self, *, listening: bool) -> None:
        """Says that we are there when we have been silent. Raises BrokerError when the broker is, although we are
        `listening`."""
        now_s = time.monotonic()
        if not self.granted and now_s - self._asked_s > _PATIENCE_S:
            raise BrokerError("the broker does not answer SUBSCRIBE")
        if now_s - self._spoke_s > self._keep_alive_s / 3:
            self.send(PINGREQ)
        if not listening:
            self._heard_s = now_s
        elif now_s - self._heard_s > self._keep_alive_s:
            raise BrokerError(f"the broker has been silent for {self._keep_alive_s} s")

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
                raise self._gone(f"the broker is gone: {error}") from error
        self._spoke_s = time.monotonic()

    def leave(self) -> None:
        """The session stays: the broker keeps what comes meanwhile. What is still on its way to us is read past:
        a connection that is closed over it is reset, and takes our last acknowledgements along."""
        self.send(FAREWELL)
        until = time.monotonic() + _FAREWELL_S
        with suppress(BrokerError):
            while time.monotonic() < until:
                self._wait(select.POLLIN, _FAREWELL_S)
                self.receive()
                self._packets = Packets(self._level)

    def close(self) -> None:
        self.socket.close()

    def _wait(self, event: int, longest_s: float = _PATIENCE_S) -> None:
        if not self._ready(event, longest_s):
            raise BrokerError(f"the broker has not answered for {longest_s:.0f} s")

    def _ready(self, event: int, longest_s: float) -> bool:
        waiting = select.poll()
        waiting.register(self.socket, event)
        return bool(waiting.poll(longest_s * 1000))


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

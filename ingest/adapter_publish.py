"""Messages into the log, many under way, each with an answer of the log when it is stored.

They carry no `Nats-Msg-Id`: what a broker sends again after a crash may stand in the log twice, and in the record once
(docs/decisions/0018-a-bridge-remembers-nothing.md).
"""

import re
import secrets
import socket
import time
from collections.abc import Iterable

from ingest.adapter_log import head
from ingest.adapter_wire import Wire
from ingest.errors import LogError
from ingest.topics import DOOR

_DOOR = DOOR.encode()
_SID, _HEARD_SID = b"8", b"9"
_YES = rb'MSG %b(\d+) %b \d+\r\n\{"stream":"[^"]*",(?:"domain":"[^"]*",)?"seq":\d+\}\r\n'
_SILENCE_S = 10.0
_PING_S = 10.0


class LogPublisher:
    """One connection. Raises LogError, in all methods, for whatever keeps a message from being stored."""

    def __init__(self, url: str, heard: Iterable[str] = ()) -> None:
        """`heard`: subjects of which all that is said comes into `told`, besides."""
        self._wire = Wire(url)
        self._inbox = f"_INBOX.{secrets.token_hex(8)}.".encode()
        self.told: list[tuple[str, bytes]] = []
        self._yes = re.compile(_YES % (re.escape(self._inbox), _SID))
        self._heard_s = self._asked_s = self._stored_s = time.monotonic()
        try:
            head(self._wire)  # it is there
            self._wire.send(b"SUB %b* %b\r\n" % (self._inbox, _SID))
            for place, subject in enumerate(heard):
                self._wire.send(b"SUB %b %b%d\r\n" % (subject.encode(), _HEARD_SID, place))
        except LogError:
            self.close()
            raise

    @property
    def socket(self) -> socket.socket:
        return self._wire.socket

    def close(self) -> None:
        self._wire.close()

    def send(self, messages: Iterable[tuple[bytes, int, bytes]]) -> None:
        """Each a subject (`fm.{tenant}.{device}...`), a token that its answer will carry, and a payload."""
        inbox = self._inbox
        frames = [
            b"PUB %b%b %b%d %d\r\n%b\r\n" % (_DOOR, subject, inbox, token, len(payload), payload)
            for subject, token, payload in messages
        ]
        if frames:
            self._wire.send(b"".join(frames))

    def stored(self) -> list[int]:
        """What has come, read: tokens of messages that are stored."""
        buffer = self._wire.buffer + self._wire.receive()
        self._heard_s = time.monotonic()
        between = self._yes.split(buffer)  # what is none of it, and after each the next one's token
        if any(between[:-1:2]):
            tokens, self._wire.buffer = self._read(buffer)
        else:
            tokens, self._wire.buffer = self._read(between[-1])
            tokens = [*map(int, between[1::2]), *tokens]
        if tokens:
            self._stored_s = self._heard_s
        return tokens

    def _read(self, buffer: bytes) -> tuple[list[int], bytes]:
        """With care, what is not plainly an answer that something is stored; and what is not whole yet."""
        tokens: list[int] = []
        brought, rest = self._wire.deliveries(buffer)
        for each in brought:
            if each.sid.startswith(_HEARD_SID):
                self.told.append((each.subject.decode(), each.payload))  # of a client of MQTT it has headers
            elif each.has_headers:  # only a status comes with headers: nobody listens at that subject
                raise LogError("the log is not there: is JetStream on?")
            elif b'"error"' in each.payload:
                raise LogError(f"the log does not take a message: {each.payload.decode(errors='replace')}")
            elif each.sid == _SID:
                tokens.append(int(each.subject[len(self._inbox) :]))
        return tokens, rest

    def look_alive(self, *, waiting: bool) -> None:
        """`waiting`: something is under way. Raises LogError when NATS lives and stores nothing, too."""
        now_s = time.monotonic()
        if not waiting:
            self._stored_s = now_s
        if now_s - min(self._stored_s, self._heard_s + _PING_S) > _SILENCE_S:
            raise LogError(f"the log has not answered for {now_s - min(self._stored_s, self._heard_s):.0f} s")
        if now_s - max(self._heard_s, self._asked_s) > _PING_S / 2:
            self._wire.send(b"PING\r\n")
            self._asked_s = now_s

"""The log read over NATS' own protocol: one socket, one ephemeral consumer, whole buffers at a time.

The cursor in the database is the only truth, so the consumer remembers nothing: it lives in memory, acknowledges
nothing, and begins at cursor + 1. Whatever goes wrong (a gap, silence, a lost connection) is a LogError; a fresh reader
from the cursor is the remedy. Protocol: https://docs.nats.io/reference/reference-protocols/nats-protocol,
consumers: https://docs.nats.io/nats-concepts/jetstream/consumers.
"""

import re
import secrets
import select
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from ingest.adapter_wire import DELIVERIES, Wire
from ingest.ahead import MOST, Ahead
from ingest.errors import IngestError, LogError, LogLostError
from ingest.model import FIRST_MS, Message
from ingest.slots import SLOTS_OF_ONE

STREAM = "LOG"
_API = "$JS.API"
MOST_MESSAGES = 4000  # of one transaction, as are the
MOST_BYTES = 2 << 20  # of payload: 400 readings in 64 KiB, so some 16,000 rows of them
_HEARTBEAT_S = 1.0
_SILENCE_S = 5.0  # several heartbeats: whoever is silent as long is gone
_GATHER_TURNS = 1.0  # of what the last batch took: so small batches take half of the time at most
_GATHER_S = 0.02  # and not longer
_MANY, _MANY_BYTES = 1000, 256 << 10  # are a big batch already: whoever is behind does not wait for more
_LOOK_S = 0.02  # at most: flow control lets through a little, and the double each time that it is answered
_FIRST_MS = re.compile(rb"\r\n%b: (\d{1,15})\r\n" % FIRST_MS.encode())
_SLOTS = re.compile(r"partition\((\d+),")
_MQTT_HEADER_BYTES = len(b"NATS/1.0\r\nNmqtt-Pub:1\r\n\r\n")  # what the listener itself writes
_ACK_LEVELS = 9  # $JS.ACK.{stream}.{consumer}.{deliveries}.{seq}.{count}.{ns}.{pending}: how a message says where it is
_EPHEMERAL = {
    "ack_policy": "none",
    "replay_policy": "instant",
    "mem_storage": True,
    "num_replicas": 1,
    "inactive_threshold": 10_000_000_000,  # ns; the server forgets a consumer whose reader is gone
}


@dataclass(frozen=True, kw_only=True)
class Front:
    """Another log that this one draws from: up to where, how much more is there as far as it knows, and how long it has
    not heard of it (None: never)."""

    name: str
    drawn_seq: int
    lag: int
    silent_s: float | None

    @property
    def api(self) -> str:
        return f"$JS.{self.name}.API"


@dataclass(frozen=True, kw_only=True)
class Head:
    """What the log holds. Empty: `last_seq` is where it was, `first_seq` one more. `made`: when it was created, which
    tells it from every other log."""

    made: str
    first_seq: int
    last_seq: int
    messages: int
    bytes: int
    slots: int = SLOTS_OF_ONE  # over which it spreads the devices
    fronts: tuple[Front, ...] = ()


def head(wire: Wire) -> Head:
    answer = wire.request(f"$JS.API.STREAM.INFO.{STREAM}")
    state = answer["state"]
    return Head(
        made=answer["created"],
        first_seq=state["first_seq"],
        last_seq=state["last_seq"],
        messages=state["messages"],
        bytes=state["bytes"],
        slots=slots_of(answer["config"]),
        fronts=fronts_of(answer),
    )


def fronts_of(info: dict[str, Any]) -> tuple[Front, ...]:
    """From what NATS says of a stream."""
    return tuple(
        Front(
            name=source.get("external", {}).get("api", "").split(".")[1],
            drawn_seq=source.get("seq", 0),
            lag=source.get("lag", 0),
            silent_s=None if source.get("active", -1) < 0 else source["active"] / 1e9,
        )
        for source in info.get("sources") or []
    )


def slots_of(config: dict[str, Any]) -> int:
    """Over how many a stream of that configuration spreads the devices."""
    said = _SLOTS.search(config.get("subject_transform", {}).get("dest", ""))
    return int(said[1]) if said else SLOTS_OF_ONE


def received_ms(wire: Wire, head: Head, seq: int) -> int | None:
    """When the log received the message at `seq`; None where it has none."""
    if not max(head.first_seq, 1) <= seq <= head.last_seq:
        return None
    at: str = wire.request(f"$JS.API.STREAM.MSG.GET.{STREAM}", {"seq": seq})["message"]["time"]
    return log_ms(at)


def log_ms(said: str) -> int:
    """A moment as NATS writes it, in nanoseconds, which Python does not read."""
    second, _, fraction = said.removesuffix("Z").partition(".")
    return int(datetime.fromisoformat(f"{second}+00:00").timestamp()) * 1000 + int(f"{fraction:0<3.3}")


def purge(wire: Wire, below_seq: int, api: str = _API) -> int:
    """Forget what lies below `below_seq`, at least 1; how many messages that were."""
    purged: int = wire.request(f"{api}.STREAM.PURGE.{STREAM}", {"seq": below_seq})["purged"]
    return purged


def first_seq_since(wire: Wire, moment: datetime, api: str = _API) -> int:
    """The sequence of the first message not older than `moment`; past the head if all are older."""
    config = {
        **_EPHEMERAL,
        "deliver_policy": "by_start_time",
        "opt_start_time": moment.astimezone(UTC).isoformat().replace("+00:00", "Z"),
    }
    made = wire.request(f"{api}.CONSUMER.CREATE.{STREAM}", {"stream_name": STREAM, "config": config})
    wire.request(f"{api}.CONSUMER.DELETE.{STREAM}.{made['name']}")
    before: int = made["delivered"]["stream_seq"]
    return before + 1


def _first_ms(headers: bytes) -> int | None:
    said = _FIRST_MS.search(headers)
    return int(said[1]) if said else None


class LogReader:
    """Messages in order, from `cursor` + 1 on, of the whole log or of what stands under `subject`. One process reads;
    `close` when done. `passed`: up to where, by the log's own word, nothing is left that was not read."""

    def __init__(self, url: str, cursor: int, subject: str | None = None) -> None:
        self._wire = Wire(url)
        self._ahead = Ahead()
        self._cut = False  # the last batch, for its bytes
        self._pending = 0  # messages that the log has behind the last one that came, by its word
        self._delivered = 0  # the consumer's own count: it has no gaps, the log's sequence may have
        self._quiet_s = 0.0
        self._heard_s = time.monotonic()
        self._left_s = time.monotonic()  # when the last messages were fetched
        self.passed = cursor
        self._poll = select.poll()
        self._poll.register(self._wire.socket, select.POLLIN)
        try:
            self.head = head(self._wire)
            self._subscribe(cursor, subject)
        except IngestError:
            self.close()
            raise

    def _subscribe(self, cursor: int, only: str | None) -> None:
        if cursor > self.head.last_seq:
            raise LogLostError(
                f"the record has read the log up to {cursor}, but its head is {self.head.last_seq}: "
                "this is another log than the record's, or it lost its end in a power cut"
            )
        subject = f"_INBOX.{secrets.token_hex(8)}"
        config = {
            **_EPHEMERAL,
            "deliver_subject": subject,
            "deliver_policy": "by_start_sequence",
            "opt_start_seq": cursor + 1,
            "flow_control": True,
            "idle_heartbeat": int(_HEARTBEAT_S * 1e9),
        }
        if only is not None:
            config["filter_subject"] = only
        self._wire.send(b"SUB %b 7\r\n" % subject.encode())
        self._wire.request(f"$JS.API.CONSUMER.CREATE.{STREAM}", {"stream_name": STREAM, "config": config})

    @property
    def quiet_s(self) -> float:
        """For how long nothing has come, not even a heartbeat, by a clock that goes on while we are stopped."""
        return time.monotonic() - self._heard_s

    def close(self) -> None:
        self._wire.close()

    def fetch(self, wait_s: float, most: int = MOST_MESSAGES, most_bytes: int = MOST_BYTES) -> list[Message]:
        """The next messages; none after `wait_s`. They are gathered until they are many, or for as long as the last
        ones kept the caller busy, 20 ms at most: what comes seldom goes at once, a flood in big batches, and of a
        backlog as much as is there. Raises LogError when the log can no longer be trusted to be complete."""
        came_s = time.monotonic()
        gathered_s = came_s + min((came_s - self._left_s) * _GATHER_TURNS, _GATHER_S)
        messages, size = self._ahead.take(most, most_bytes)
        if not self._ahead.messages:
            size += self._parse(messages, most)
        while not messages:
            if not self._receive(came_s + wait_s):
                self._silent(wait_s)
                break
            size += self._parse(messages, most)
        while messages and len(messages) < most and size < most_bytes:
            if self._receive(0.0):
                size += self._parse(messages, most)
                continue
            left_s = gathered_s - time.monotonic()
            if left_s <= 0 or len(messages) >= _MANY or size >= _MANY_BYTES:
                break
            time.sleep(left_s)  # what comes meanwhile is then read at once
        self._left_s = time.monotonic()
        self._cut = size >= most_bytes
        return messages

    def backlog(self) -> Sequence[Message]:
        """In log order what is there behind the messages just fetched, if those were cut for their bytes, so are long:
        as far as it can be looked at, and if it is a big batch. It is fetched as ever."""
        until_s = time.monotonic() + _LOOK_S
        while self._cut and not self._ahead.is_full:
            self._ahead.size += self._parse(self._ahead.messages, MOST)
            if not self._receive(until_s if self._pending else 0.0):
                break
        return self._ahead.messages if len(self._ahead.messages) >= _MANY or self._ahead.size >= _MANY_BYTES else ()

    def _receive(self, until_s: float) -> bool:
        """Whether something came."""
        if not self._poll.poll(max(0.0, until_s - time.monotonic()) * 1000):
            return False
        self._wire.buffer += self._wire.receive()
        self._quiet_s = 0.0
        self._heard_s = time.monotonic()
        return True

    def _silent(self, seconds: float) -> None:
        self._quiet_s += seconds
        if self._quiet_s > _SILENCE_S:
            raise LogError(f"no heartbeat of the log for {self._quiet_s:.0f} s")

    def _parse(self, messages: list[Message], most: int) -> int:
        """Messages out of the buffer, in which stays what is not whole yet or too many; returns their bytes."""
        buffer = self._wire.buffer
        find, end_of_buffer = buffer.find, len(buffer)
        at = size = 0
        pending: bytes | int = self._pending
        while len(messages) < most:
            line_end = find(b"\r\n", at)
            if line_end < 0:
                break
            fields = buffer[at:line_end].split(b" ")
            if fields[0] not in DELIVERIES:
                self._wire.answer(fields)
                at = line_end + 2
                continue
            start = line_end + 2
            stop = start + int(fields[-1])
            if stop + 2 > end_of_buffer:
                break
            at = stop + 2
            reply = fields[3].split(b".")
            if len(reply) != _ACK_LEVELS:
                self._status(fields, buffer[start:stop])
                continue
            first_ms = None
            if fields[0] == b"HMSG":  # headers come before the payload
                payload = start + int(fields[-2])
                if payload - start > _MQTT_HEADER_BYTES:
                    first_ms = _first_ms(buffer[start:payload])
                start = payload
            self._delivered += 1
            if int(reply[6]) != self._delivered:
                raise LogError(f"a gap in the log's delivery: {self._delivered} expected, {int(reply[6])} came")
            size += stop - start
            subject = fields[1].decode("utf-8", "replace")
            messages.append(Message(int(reply[5]), int(reply[7]) // 1_000_000, subject, buffer[start:stop], first_ms))
            pending = reply[8]
        self._pending = int(pending)
        self._wire.buffer = buffer[at:]
        return size

    def _status(self, fields: list[bytes], text: bytes) -> None:
        """Flow control asks for an answer before more is sent; a heartbeat says how much was sent."""
        if len(fields) == len((b"HMSG", b"subject", b"sid", b"reply", b"head", b"size")):
            self._wire.send(b"PUB %b 0\r\n\r\n" % fields[3])
        headers = dict(line.split(b": ", 1) for line in text.split(b"\r\n") if b": " in line)
        if b"Nats-Consumer-Stalled" in headers:
            self._wire.send(b"PUB %b 0\r\n\r\n" % headers[b"Nats-Consumer-Stalled"])
        sent = int(headers.get(b"Nats-Last-Consumer", b"0"))
        if sent > self._delivered:
            raise LogError(f"a gap in the log's delivery: {sent} sent, {self._delivered} came")
        if sent == self._delivered:
            self.passed = max(self.passed, int(headers.get(b"Nats-Last-Stream", b"0")))

"""One device of a fleet on its way: what waits in it, its connection, and what was acknowledged."""

import asyncio
import random
from collections import deque
from dataclasses import dataclass
from typing import NamedTuple

import orjson

from simulators import packets
from simulators.broker import Broker, Identity
from simulators.line import Line, NoMqttError, RefusedError
from simulators.said import MAX_READINGS, Said, arrays
from simulators.told import Json, Told
from simulators.trouble import QUIET_S, SLOW_S, Trouble, Why, met

KEEP_ALIVE_S = 120
PING_S = KEEP_ALIVE_S / 2
PATIENCE_S = 30.0  # for CONNACK and for a PUBACK
WINDOW = 8  # messages under way
BACKLOG = 3  # readings; what has more to say says it in arrays
FIRST_RETRY_S, LAST_RETRY_S = 0.5, 30.0
_TROUBLE = (OSError, RefusedError, NoMqttError, TimeoutError)
_BIRTH, _WILL = b'{"online": true}', b'{"online": false}'


class Message(NamedTuple):
    topic: bytes
    payload: bytes
    readings: int  # 0: it says something else
    retain: bool


@dataclass
class Count:
    """Messages with readings, and readings, that were acknowledged. `resent`: readings that were sent once more because
    a connection was lost before their acknowledgement; a refusal counts those as often as they came."""

    messages: int = 0
    readings: int = 0
    resent: int = 0
    forgotten: int = 0
    connects: int = 0


class Sender:
    def __init__(self, identity: Identity, broker: Broker, seed: int) -> None:
        self.identity, self.broker = identity, broker
        self.twin: Told | None = None  # None: it listens to nobody
        self.waiting: deque[Said] = deque()
        self.newest_first = False
        self.count = Count()
        self.trouble: Trouble | None = None
        self._asking_s: float | None = None  # since when it waits to be let in
        self._topic = f"fm/{identity.tenant}/{identity.device}"
        up = f"{self._topic}/up/"
        self._telemetry, self._presence = f"{up}telemetry".encode(), f"{up}presence"
        self._hello = packets.connect(
            identity.client_id, KEEP_ALIVE_S, identity.username, identity.password, (self._presence, _WILL)
        )
        self._line: Line | None = None
        self._under_way: dict[int, tuple[Message, float]] = {}
        self._again: deque[Message] = deque()  # of a lost connection
        self._packed: deque[Message] = deque()  # not sent yet, for a backlog's array may need several messages
        self._packet_id = 0
        self._wanted = asyncio.Event()
        self._wanted.set()
        self._closing, self.answered = False, asyncio.Event()
        self._chance = random.Random(seed)

    @property
    def connected(self) -> bool:
        return self._line is not None

    @property
    def wanted(self) -> bool:
        """Not away on purpose."""
        return self._wanted.is_set()

    @property
    def unanswered(self) -> int:
        """Readings that were sent and not acknowledged."""
        sent = sum(message.readings for message, _ in self._under_way.values())
        return sent + sum(message.readings for message in self._again)

    @property
    def unsent(self) -> int:
        """Those that wait."""
        return len(self.waiting) + sum(message.readings for message in self._packed)

    @property
    def unfinished(self) -> int:
        return self.unanswered + self.unsent

    async def keep_connected(self, after_s: float) -> None:
        """For ever: a lost connection is made again after a growing, uneven pause."""
        await asyncio.sleep(after_s)
        retry_s = FIRST_RETRY_S
        while True:
            await self._wanted.wait()
            try:
                line = await self._connect()
            except _TROUBLE as error:
                self.trouble = met(self.identity.device, error)
                await asyncio.sleep(retry_s * self._chance.uniform(0.5, 1.0))
                retry_s = min(2 * retry_s, LAST_RETRY_S)
                continue
            retry_s = FIRST_RETRY_S
            self._begin(line)
            await line.gone.wait()
            self._end()
            await asyncio.sleep(self._chance.uniform(0.0, FIRST_RETRY_S))

    async def _connect(self) -> Line:
        loop, broker = asyncio.get_running_loop(), self.broker
        self._asking_s = loop.time()
        try:
            async with asyncio.timeout(PATIENCE_S):
                _, line = await loop.create_connection(
                    lambda: Line(self, self._hello), broker.host, broker.port, ssl=broker.tls
                )
                try:
                    await line.ready
                except BaseException:
                    line.drop()
                    raise
        finally:
            self._asking_s = None
        return line

    def _begin(self, line: Line) -> None:
        self._line, self.trouble = line, None
        self.count.connects += 1
        self._publish(Message(self._presence.encode(), _BIRTH, 0, retain=True))
        if self.twin is not None:
            line.write(packets.subscribe([f"{self._topic}/down/#"], self._next_id()))
            self.report()
        self.push()

    def _end(self) -> None:
        """What was under way is sent again first, in its order; a birth message is made anew."""
        self._line = None
        if self.wanted and self.trouble is None:
            self.trouble = self._trouble(Why.LOST)
        open_ones = [message for message, _ in self._under_way.values() if message.readings]
        self._again.extendleft(reversed(open_ones))
        self._under_way.clear()
        if self._closing:
            self.answered.set()

    def push(self) -> None:
        """Send what there is, as far as the window goes."""
        while self._line is not None and len(self._under_way) < WINDOW:
            if self._again:
                message = self._again.popleft()
                self.count.resent += message.readings
                self._publish(message)
            elif (self._packed or self.waiting) and not self._closing:
                if not self._packed:
                    made = arrays(self._next())
                    self._packed.extend(Message(self._telemetry, payload, n, retain=False) for n, payload in made)
                self._publish(self._packed.popleft())
            else:
                return

    def _next(self) -> list[Said]:
        if len(self.waiting) <= BACKLOG:
            return [self.waiting.popleft()]
        count = min(len(self.waiting), MAX_READINGS)
        if not self.newest_first:
            return [self.waiting.popleft() for _ in range(count)]
        return [self.waiting.pop() for _ in range(count)][::-1]

    def _publish(self, message: Message) -> None:
        assert self._line is not None
        packet_id = self._next_id()
        self._under_way[packet_id] = message, asyncio.get_running_loop().time()
        self._line.write(packets.publish(message.topic, message.payload, packet_id, retain=message.retain))

    def _next_id(self) -> int:
        self._packet_id = self._packet_id % packets.PACKET_IDS + 1
        return self._packet_id

    def acknowledged(self, packet_id: int) -> None:
        self.trouble = None
        found = self._under_way.pop(packet_id, None)
        if found is not None and found[0].readings:
            self.count.messages += 1
            self.count.readings += found[0].readings
        self.push()
        if self._closing and not self._under_way:
            self.answered.set()

    def told(self, topic: str, payload: bytes) -> None:
        if self.twin is None:
            return
        try:
            answers = self.twin.hear(topic.rpartition("/")[2], orjson.loads(payload))
        except (ValueError, KeyError, TypeError, AttributeError):
            return  # what makes no sense ends no device
        for answer in answers:
            self._say(*answer)

    def report(self) -> None:
        """What it is like now, if anybody is there."""
        if self.twin is not None and self._line is not None:
            self._say(*self.twin.report())

    def _say(self, kind: str, body: Json) -> None:
        self._publish(Message(f"{self._topic}/up/{kind}".encode(), orjson.dumps(body), 0, retain=False))

    def look(self, now_s: float) -> None:
        """Now and then: a ping where nothing was said for long, and an end where nothing is answered."""
        if self._line is None:
            if self._asking_s is not None and now_s - self._asking_s > QUIET_S:
                self.trouble = self._trouble(Why.SILENT)
        elif self._under_way:
            _, since_s = next(iter(self._under_way.values()))
            if now_s - since_s > SLOW_S:
                self.trouble = self._trouble(Why.UNANSWERED)
            if now_s - since_s > PATIENCE_S:
                self._line.drop()
        elif now_s - self._line.said_s > PING_S:
            self._line.write(packets.PINGREQ)

    def _trouble(self, why: Why) -> Trouble:
        return Trouble(why=why, device=self.identity.device)

    def go_offline(self) -> None:
        """As when its network fails: without a word, so that the broker says its will."""
        self._wanted.clear()
        self.trouble = None
        if self._line is not None:
            self._line.drop()

    def come_back(self, *, newest_first: bool) -> None:
        if not self._wanted.is_set():
            self.newest_first = newest_first
            self._wanted.set()

    def forget_beyond(self, longest: int) -> None:
        """A memory is bounded: the oldest go."""
        while len(self.waiting) > longest:
            self.waiting.popleft()
            self.count.forgotten += 1

    def finish(self) -> None:
        """Say nothing new; `answered` when all that was said is acknowledged, or nobody is there to do so."""
        self._closing = True
        if self._line is None or not self._under_way:
            self.answered.set()

    async def close(self) -> None:
        if self._line is not None:
            self._line.disconnect()
            await self._line.gone.wait()

"""Between another broker and our log: each message is published into the log, and acknowledged to the broker when the
log has stored it, and not before.

Nothing is remembered here. Whatever goes wrong, a fresh bridge is the remedy: the broker sends again what was not
acknowledged.
"""

import select
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from ingest.adapter_publish import LogPublisher
from ingest.bridge.adapter_mqtt import Broker, Subscription
from ingest.bridge.answers import Welcome
from ingest.bridge.foreign import Fate, Mapping, Place
from ingest.bridge.packets import DUP, Publish
from ingest.bridge.under_way import UnderWay
from ingest.bridge.versions import Protocol
from ingest.errors import IngestError
from ingest.limits import PAYLOAD_BYTES
from ingest.twin.bridged import WayDown

MOST_MESSAGES = 2048  # under way: NATS refuses when 10,000 wait for a stream, and there may be several bridges
MOST_BYTES = 8 << 20  # of their payloads
_AT_ONCE = 512
_NAP_S = 0.002
_BUSY = 32


@dataclass(kw_only=True)
class Counts:
    """Since the process began; a message that was sent again is received again."""

    received: int = 0
    acknowledged: int = 0
    redelivered: int = 0
    unsure: int = 0  # QoS 0: nobody would have sent them again
    too_large: int = 0
    rebirths: int = 0  # that edge nodes were asked for
    told: int = 0  # desired states and commands that went down to devices
    fates: dict[Fate, int] = field(default_factory=lambda: dict.fromkeys(Fate, 0))

    @property
    def displaced(self) -> int:
        """Whose topic is no device's: they go among the refusals."""
        return self.fates[Fate.UNMAPPED] + self.fates[Fate.INVALID]


class Bridge:
    """One connection to each side, until the first failure. Raises LogError, BrokerError; `close` when done."""

    def __init__(
        self, broker: Broker, nats_url: str, mapping: Mapping, counts: Counts, way_down: WayDown | None = None
    ) -> None:
        """`way_down`: what of the relay's words goes on to that broker."""
        self._mapping, self._counts = mapping, counts
        self._sure = UnderWay()
        self._unsure = 0  # under way, too: nobody waits for their acknowledgement
        self._way_down = way_down or WayDown()
        # first: whoever cannot store anything takes nothing from the broker
        self._log = LogPublisher(nats_url, self._way_down.subjects)
        try:
            self._broker = Subscription(broker, receive_maximum=MOST_MESSAGES)
        except IngestError:
            self._log.close()
            raise
        self._poll = select.poll()
        self._poll.register(self._log.socket, select.POLLIN)
        self._listening = False
        self._busy = self._left = False  # much has come; more has come than there is room for

    @property
    def protocol(self) -> Protocol:
        """What is spoken with the broker."""
        return self._broker.protocol

    @property
    def welcome(self) -> Welcome:
        """What the broker grants, and whether it still had our session."""
        return self._broker.welcome

    @property
    def granted(self) -> bool:
        return self._broker.granted

    @property
    def under_way(self) -> int:
        return len(self._sure) + self._unsure

    def close(self) -> None:
        """The session stays at the broker, with all that is not acknowledged."""
        self._broker.close()
        self._log.close()

    def turn(self, wait_s: float) -> None:
        """One round: what the log has stored is acknowledged, what has come is published."""
        self._exchange(wait_s, listen=self._room() > 0)

    def finish(self, patience_s: float) -> None:
        """Takes nothing more, waits for what is under way, and leaves."""
        until = time.monotonic() + patience_s
        while self.under_way and time.monotonic() < until:
            self._exchange(0.1, listen=False)
        self._broker.leave()

    def _room(self) -> int:
        return MOST_MESSAGES - self.under_way if self._sure.bytes < MOST_BYTES else 0

    def _exchange(self, wait_s: float, *, listen: bool) -> None:
        self._listen(listen)
        if self._busy:  # packets are then read by the hundred, not one by one
            time.sleep(_NAP_S)
        at_once = self._busy or (listen and self._left)
        ready = {fd for fd, _ in self._poll.poll(0 if at_once else wait_s * 1000)}
        if self._log.socket.fileno() in ready:
            self._acknowledge(self._log.stored())
            self._pass_on()
        if listen and self._broker.socket.fileno() in ready:
            self._broker.receive()
        self._busy = listen and self._publish() >= _BUSY
        self._log.look_alive(waiting=bool(self.under_way))
        self._broker.look_alive(listening=listen)

    def _pass_on(self) -> None:
        """To edge nodes and devices, what the relay says to them."""
        heard, self._log.told = self._log.told, []
        for subject, payload in heard:
            told = self._way_down.pass_on(subject, payload)
            if told is not None:
                self._broker.tell(told.topic, told.payload, retain=told.retain)
                self._counts.rebirths += told.of_edge
                self._counts.told += not told.of_edge

    def _listen(self, listen: bool) -> None:  # noqa: FBT001
        if listen == self._listening:
            return
        if listen:
            self._poll.register(self._broker.socket, select.POLLIN)
        else:
            self._poll.unregister(self._broker.socket)
        self._listening = listen

    def _publish(self) -> int:
        """What has come whole, as far as there is room; how many."""
        taken = 0
        while (room := min(self._room(), _AT_ONCE)) > 0:
            found = self._broker.take(room)
            if not found:
                break
            taken += len(found)
            self._log.send(self._placed(found))
        self._left = room <= 0
        return taken

    def _placed(self, found: Sequence[Publish]) -> Iterator[tuple[bytes, int, bytes]]:
        """Subject, packet id and payload of each, noted as under way."""
        if self._sure.knows([message.packet_id for message in found]):
            found = [message for message in found if not self._sure.knows([message.packet_id])]
        if not found:
            return iter(())
        topics, packet_ids, payloads, flags = zip(*found, strict=True)
        places = [*map(self._mapping.place, topics)]
        sizes = [*map(len, payloads)]
        self._count(places, sizes, flags)
        if all(packet_ids):
            self._sure.add(packet_ids, sizes)
        else:
            sure = [(packet_id, size) for packet_id, size in zip(packet_ids, sizes, strict=True) if packet_id]
            self._sure.add([packet_id for packet_id, _ in sure], [size for _, size in sure])
            self._unsure += len(found) - len(sure)
            self._counts.unsure += len(found) - len(sure)
        return zip([place.subject for place in places], packet_ids, payloads, strict=True)

    def _count(self, places: Sequence[Place], sizes: Sequence[int], flags: Sequence[int]) -> None:
        counts = self._counts
        counts.received += len(places)
        for fate, number in Counter([place.fate for place in places]).items():
            counts.fates[fate] += number
        if any(flags):
            counts.redelivered += sum(each & DUP != 0 for each in flags)
        if max(sizes) > PAYLOAD_BYTES:
            counts.too_large += sum(size > PAYLOAD_BYTES for size in sizes)

    def _acknowledge(self, tokens: list[int]) -> None:
        sure = [*filter(None, tokens)]
        self._unsure -= len(tokens) - len(sure)
        done = self._sure.stored(sure)
        if done:
            self._broker.acknowledge(done)
            self._counts.acknowledged += len(done)

"""NATS asks, we answer: one loop that takes all questions that are there, looks once, and sends all answers."""

import select
import threading
from contextlib import closing

import structlog

from api.door import asking
from api.door.asking import CALLOUT, Ask
from api.door.doorkeeper import Doorkeeper
from api.settings import Settings
from api.watch.port import Turns
from ingest.adapter_wire import Wire
from ingest.errors import LogError

LOOP = "answers"
AT_ONCE = 500  # answers under way together; whoever comes later waits for no more than these
_WAIT_S = 0.2
_QUEUE = b"door"  # several doors share the questions
_log = structlog.get_logger("door")


def answer(settings: Settings, stop: threading.Event, keeper: Doorkeeper, turns: Turns) -> None:
    """Until `stop` is set; NATS may come and go."""
    while not stop.is_set():
        turns.mark(LOOP)
        try:
            with closing(Wire(settings.nats_url.get_secret_value())) as wire:
                wire.send(b"SUB %b %b 7\r\n" % (CALLOUT.encode(), _QUEUE))
                wire.settle()
                _log.info("answers")
                _serve(wire, stop, keeper, turns)
        except LogError as error:
            _log.warning("NATS away", error=str(error))
            stop.wait(_WAIT_S)


def _serve(wire: Wire, stop: threading.Event, keeper: Doorkeeper, turns: Turns) -> None:
    poll = select.poll()
    poll.register(wire.socket, select.POLLIN)
    while not stop.is_set():
        turns.mark(LOOP)
        if poll.poll(_WAIT_S * 1000):
            wire.buffer += wire.receive()
        while asks := _take(wire):
            answers = zip(asks, keeper.answer(asks), strict=True)
            wire.send(b"".join(b"PUB %b %d\r\n%b\r\n" % (ask.reply, len(said), said) for ask, said in answers))


def _take(wire: Wire) -> list[Ask]:
    """The questions that are whole, AT_ONCE of them at most; the rest stays in the buffer."""
    brought, wire.buffer = wire.deliveries(wire.buffer, AT_ONCE)
    asks = [asking.read(each.reply, each.payload) for each in brought if each.reply is not None]
    return [ask for ask in asks if ask is not None]

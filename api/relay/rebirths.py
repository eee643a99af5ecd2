"""Edge nodes of which something is missing are asked to say their births again: one of the relay's loops."""

import threading
import time
from contextlib import closing
from typing import Any

import structlog
from psycopg import Connection

from api.settings import Settings
from api.watch.pulse import Pulse
from ingest.adapter_wire import Wire
from ingest.edge import rebirth, store
from ingest.edge.store import Wish
from ingest.errors import LogError

POLL_S = 1.0
_AT_A_TIME = 100
_log = structlog.get_logger("relay")


def ask_for_rebirths(conn: Connection[Any], stop: threading.Event, pulse: Pulse, settings: Settings) -> None:
    while not stop.wait(POLL_S):
        pulse.beat(conn)
        ask(conn, settings)


def ask(conn: Connection[Any], settings: Settings) -> list[Wish]:
    """Who was asked. First said and then noted: what breaks off between the two is said twice, which costs a birth."""
    with conn.transaction():
        wishes = store.wishes(conn, _AT_A_TIME)
    if not wishes:
        return []
    try:
        with closing(Wire(settings.nats_url.get_secret_value())) as wire:
            for wish in wishes:
                wire.tell(rebirth.subject(wish.node), rebirth.say(wish.node, time.time_ns() // 1_000_000))
            wire.settle()
    except LogError as error:
        _log.warning("nobody can be asked for a rebirth now", error=str(error))
        return []
    with conn.transaction():
        store.mark_asked(conn, wishes)
    _log.info("rebirths asked for", nodes=[f"{wish.node.group_id}/{wish.node.node_id}" for wish in wishes])
    return wishes

"""Presence as the worker judges it: every few seconds, and at once when a will has come; under the partition's claim.

`now` is the time up to which the log was read, by the clock of the log's server. A worker that is behind judges nobody.
"""

import time
from collections.abc import Sequence
from contextlib import closing
from typing import Any

import numpy as np
import structlog
from prometheus_client import Counter
from psycopg import Connection

from api.settings import Settings
from api.watch import standing
from api.worker.memory import Memory
from ingest import partition
from ingest.adapter_log import LogReader, log_ms
from ingest.adapter_wire import Wire
from ingest.model import Ints, Message
from ingest.partition import Claim
from ingest.presence import folding, silence, store
from ingest.presence.listening import after
from ingest.presence.model import Cause, State
from ingest.store import moment

EVERY_S = 5.0
SOON_S = 0.5  # when somebody said a word
BEHIND_MS = 5_000
SHORT_MS = 10_000  # what is over by then is written down when it is over
FAMILIES_EVERY_S = 60.0
AT_ONCE = 2_000  # devices, so that a fleet that comes or goes holds up nobody's readings
FULL_BYTES = 1 << 20  # a log that has less room than this takes hardly a message more
_log = structlog.get_logger("worker")


class Ear:
    """Whether devices could reach us, over all sessions of a process. `broken`: why the log was not to be had since."""

    def __init__(self) -> None:
        self.broken: Cause | None = None

    def deaf(self, conn: Connection[Any], claim: Claim) -> None:
        """The log cannot be had: a fact as soon as it lasts."""
        self.broken = self.broken or Cause.LOG_DOWN
        self.say(conn, claim, time.time_ns() // 1_000_000)

    def say(self, conn: Connection[Any], claim: Claim, now_ms: int) -> None:
        with conn.transaction():
            partition.renew(conn, claim)
            before = store.read_listening(conn, claim.span.first)
            if self.broken is not None and before is not None and now_ms - before.heard_ms > SHORT_MS:
                folding.we_are_out(conn, moment(before.heard_ms), self.broken, moment(now_ms))


class Presence:
    """Of one session: it begins with what the record says."""

    def __init__(self, settings: Settings, memory: Memory, claim: Claim, ear: Ear, changes: Counter) -> None:
        self._changes = changes  # by state
        self._nats_url = settings.nats_url.get_secret_value()
        self._heard, self._bridges, self._claim, self._ear = memory.heard, memory.bridges, claim, ear
        self._due_s = self._judged_s = self._families_s = 0.0
        self._families = np.zeros((0, 2), np.int64)
        self._recalled = False

    def now_and_then(self, conn: Connection[Any], reader: LogReader, messages: Sequence[Message]) -> None:
        """`messages`: what was read just now. Raises FencedError, LogError."""
        now_s = time.monotonic()
        urgent = self._heard.urgent or bool(self._bridges)
        if now_s < (self._judged_s + SOON_S if urgent else self._due_s):
            return
        self._judged_s, self._due_s = now_s, now_s + EVERY_S
        with closing(Wire(self._nats_url, standing.PATIENCE_S)) as wire:
            facts = standing.server_facts(wire)
        server_ms = log_ms(facts["now"]) if "now" in facts else time.time_ns() // 1_000_000
        read_ms = messages[-1].received_ms if messages else server_ms - int(reader.quiet_s * 1000)
        if is_full(facts):
            self._ear.broken = Cause.LOG_FULL
            self._ear.say(conn, self._claim, server_ms)
            return
        started_ms = log_ms(facts["start"]) if "start" in facts else None
        self._judge(conn, server_ms, read_ms, started_ms)

    def _judge(self, conn: Connection[Any], server_ms: int, read_ms: int, started_ms: int | None) -> None:
        heard, now = self._heard, moment(server_ms)
        heard.urgent = False
        words, news = list(self._bridges), None
        heard.settle()
        with conn.transaction():
            partition.renew(conn, self._claim)
            since_ms = self._listen(conn, server_ms, started_ms)
            if words:
                store.lock_outages(conn)
                folding.hear_bridges(conn, words)
            if server_ms - read_ms <= BEHIND_MS:
                self._recall(conn)
                news = silence.judge(heard, read_ms, since_ms, self._proven(conn)).first(AT_ONCE)
                gateways = self._gateways_there(conn)
                self._silence_bridges(conn, read_ms, since_ms)
                brokers = folding.needs_judging(store.list_brokers(conn))
                if len(news) or gateways or brokers:
                    store.lock_outages(conn)
                    folding.write(conn, news, now)
                    folding.prove(conn, list(gateways), list(gateways.values()))
                    folding.judge_brokers(conn, now)
        self._ear.broken = None
        del self._bridges[: len(words)]
        if news is not None:
            silence.settled(heard, news)
            heard.urgent = heard.urgent or len(news) == AT_ONCE
            for state, number in zip(*np.unique(news.state, return_counts=True), strict=True):
                self._changes.labels(State(int(state)).name.lower()).inc(int(number))

    def _recall(self, conn: Connection[Any]) -> None:
        """What the record says: all of it once, then what others may have written, which is who is awaited."""
        if not self._recalled:
            heard, known = self._heard, store.list_presence(conn)
            heard.recall(known.device_no, known.state, known.since_ms, known.until_ms)
            self._recalled = True
            return
        awaited = np.array(store.list_awaited(conn), np.int64).reshape(-1, 2)
        self._heard.awaited(awaited[:, 0], awaited[:, 1])

    def _listen(self, conn: Connection[Any], now_ms: int, started_ms: int | None) -> int:
        """Since when devices can reach us; what was missed is written down."""
        before = store.read_listening(conn, self._claim.span.first)
        listening, gap = after(before, now_ms, started_ms, self._ear.broken)
        store.keep_listening(conn, self._claim.span.first, listening)
        if gap is not None:
            _log.warning("we did not listen", cause=gap.cause, seconds=(gap.until_ms - gap.since_ms) / 1000)
            store.lock_outages(conn)
            folding.we_were_out(conn, gap, moment(now_ms))
        return listening.since_ms

    def _proven(self, conn: Connection[Any]) -> Ints:
        """By device_no: when somebody behind a gateway was last heard here."""
        now_s = time.monotonic()
        if now_s >= self._families_s:
            self._families = store.list_families(conn)
            self._families_s = now_s + FAMILIES_EVERY_S
        last_ms = self._heard.last_ms
        proven = np.zeros(len(last_ms), np.int64)
        child, gateway = self._families.T
        known = (child < len(last_ms)) & (gateway < len(last_ms))
        np.maximum.at(proven, gateway[known], last_ms[child[known]])
        return proven

    def _gateways_there(self, conn: Connection[Any]) -> dict[int, int]:
        """Those that are out by the record, and somebody behind them was heard since: when."""
        heard = self._heard
        there = {}
        for gateway, since_ms, children in store.list_gateways_out(conn):
            here = [child for child in children if child < len(heard.last_ms)]
            last_ms = int(heard.last_ms[here].max(initial=0))
            if last_ms > since_ms:
                there[gateway] = last_ms
        return there

    def _silence_bridges(self, conn: Connection[Any], now_ms: int, since_ms: int) -> None:
        deadline_ms = now_ms - int(folding.BRIDGE_SILENCE.total_seconds() * 1000)
        if since_ms <= deadline_ms:
            span = self._claim.span
            store.silence_bridges(conn, moment(deadline_ms), span.first, span.last)


def is_full(facts: dict[str, Any]) -> bool:
    """By what the log's server says of itself; a small one is full when a hundredth of it is left."""
    store = standing.store_of(facts)
    return store is not None and store.limit_bytes - store.stored_bytes < min(FULL_BYTES, store.limit_bytes // 100)

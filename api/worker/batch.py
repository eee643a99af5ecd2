"""One batch of the log, one transaction: readings, refusals, findings and the cursor, all or nothing."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import product
from typing import Any

import psycopg
import structlog
from psycopg import Connection
from psycopg.errors import UniqueViolation

from api.worker.memory import Memory, Next
from api.worker.steps import Steps
from detectors import store as findings
from detectors.model import Finding
from ingest import early, history, limits, partition
from ingest.admit import admit
from ingest.allowance import KINDS, TRAFFIC
from ingest.directory import edge_topics
from ingest.edge import store as edges
from ingest.edge.model import Told
from ingest.model import Message, Reason, Refusal
from ingest.partition import Claim
from ingest.refused import refused
from ingest.topics import Source
from ingest.twin import store as twins
from ingest.twin.answers import of_stranger

_log = structlog.get_logger("worker")
_WARY_BATCHES = 20
_CONTENT = {"22", "23", "54"}  # SQLSTATE classes: data exception, integrity, program limit exceeded
_TOO_MUCH_AT_ONCE = "53400"  # TimescaleDB would have to open more of its compressed rows than a transaction may


def is_about_content(error: psycopg.Error) -> bool:
    """The database, or already its driver, will never take these rows together, however often they are sent."""
    return (
        isinstance(error, psycopg.DataError)
        or (error.sqlstate or "")[:2] in _CONTENT
        or error.sqlstate == _TOO_MUCH_AT_ONCE
    )


@dataclass(kw_only=True)
class Counts:
    """What was committed since the process began. Every reason is in `refused` from the start, all limits in `over`."""

    messages: int = 0
    readings: int = 0
    early: int = 0  # of them, written before their turn
    refused: Counter[Reason] = field(default_factory=lambda: Counter(dict.fromkeys(Reason, 0)))
    over: Counter[tuple[str, str]] = field(default_factory=lambda: Counter(dict.fromkeys(product(TRAFFIC, KINDS), 0)))
    edge_births: int = 0
    edge_deaths: int = 0
    edge_gaps: int = 0
    rebirths_wanted: int = 0
    steps: Steps = field(default_factory=Steps)

    def tell(self, told: Told) -> None:
        births = sum(birth.born for _, birth in told.births)
        self.edge_births += births
        self.edge_deaths += len(told.births) - births
        self.edge_gaps += told.gaps
        self.rebirths_wanted += told.wanted


class Intake:
    """Takes messages into the record under one claim on the partition, over one connection."""

    def __init__(self, conn: Connection[Any], memory: Memory, claim: Claim, counts: Counts | None = None) -> None:
        self._conn, self._memory, self._claim = conn, memory, claim
        self.counts = counts or Counts()
        self._wary = 0  # batches that will be written as if anything of them might be there
        self._tried: set[int] = set()  # seqs above the cursor that were to be written early
        self._early: set[int] = set()  # and of them those of which every reading was

    def take(self, messages: Sequence[Message]) -> None:
        """Committed when this returns. A message that the database refuses for its content becomes a refusal; the
        others are found by halving. Raises psycopg.Error for what may pass, FencedError."""
        try:
            self._commit(messages)
        except psycopg.Error as error:
            if not is_about_content(error):
                raise
            if isinstance(error, UniqueViolation) and not self._wary:
                self._wary = _WARY_BATCHES
                self.take(messages)
                return
            if len(messages) == 1:
                self._commit(messages, error)
                return
            half = len(messages) // 2
            self.take(messages[:half])
            self.take(messages[half:])

    def write_early(self, waiting: Sequence[Message]) -> bool:
        """Of what waits behind the last batch, the readings of those who have little of it: committed when this
        returns, and taken in their turn as ever. Whether there were any. Raises psycopg.Error for what may pass,
        FencedError."""
        memory = self._memory
        messages, sources = early.choose(waiting, self._tried, memory.directory.known)
        if not messages:
            return False
        admitted = admit(messages, sources, memory.catalogue, memory.allowance)
        batches = early.without(admitted.decoded.batches, self._tried)
        self._tried.update(message.seq for message in messages)
        try:
            with self._conn.transaction():
                partition.renew(self._conn, self._claim)
                written = history.write_early(self._conn, memory.catalogue, batches)
        except psycopg.Error as error:
            if not is_about_content(error):
                raise
            return False  # who said it is found in its turn
        self._early |= early.whole(admitted.decoded, written)
        self.counts.early += sum(map(len, written))
        return any(map(len, written))

    def renew(self) -> None:
        """Say that we live."""
        with self._conn.transaction():
            partition.renew(self._conn, self._claim)

    def pass_by(self, seq: int, received_ms: int) -> None:
        """Up to `seq` the log has nothing more for this partition: others' messages must not look unread."""
        with self._conn.transaction():
            partition.advance(self._conn, self._claim, seq, received_ms)
        self._memory.cursor = seq

    def _commit(self, messages: Sequence[Message], error: psycopg.Error | None = None) -> None:
        """With `error`, the one message is refused for it."""
        memory, steps = self._memory, self.counts.steps
        cursor = messages[-1].seq
        with self._conn.transaction():
            sources = memory.directory.sources(self._conn, messages)
            nodes = edges.load(self._conn, edge_topics(sources), messages[0].seq)
            steps.end("look_up")
            admitted = admit(messages, sources, memory.catalogue, memory.allowance, nodes)
            # what a message adds to a row that was written early would be left out with that row
            hopeful = not self._wary and not (self._early and admitted.decoded.repeats.batches)
            decoded = admitted.decoded if hopeful else admitted.decoded.apart()
            steps.end("decode")
            if error is not None:
                refusal = _not_storable(messages[0], sources[0], error)
                decoded = replace(decoded, batches=[], refusals=[refusal], told=Told(), answers=[])
            strangers = twins.strangers(self._conn, decoded.answers)
            kept = history.keep(
                self._conn,
                memory.catalogue,
                decoded.batches,
                [*decoded.refusals, *map(of_stranger, strangers)],
                decoded.first_ms,
                hopeful=hopeful,
                early=self._early,
            )
            steps.end("keep")
            step = memory.engine.observe(kept.new)
            steps.end("observe")
            self._store(step.findings)
            edges.save(self._conn, decoded.told)
            twins.insert(self._conn, [answer for answer in decoded.answers if answer not in strangers])
            partition.advance(self._conn, self._claim, cursor, messages[-1].received_ms)
        steps.end("commit")
        self._early = {seq for seq in self._early if seq > cursor}
        self._tried = {seq for seq in self._tried if seq > cursor}
        memory.keep(Next(cursor=cursor, observed=step, used=admitted.use, spoken=decoded.spoken))
        new = sum(map(len, kept.new))
        repeated = new < sum(map(len, decoded.batches))  # repeats come in crowds: a flush after a lost connection
        self._wary = _WARY_BATCHES if repeated else max(0, self._wary - 1)
        self.counts.messages += len(messages)
        self.counts.readings += new
        self.counts.refused.update(refusal.reason for refusal in kept.refusals)
        self.counts.over.update((over.traffic, over.kind) for over in admitted.over)
        self.counts.tell(decoded.told)
        steps.end("observe")  # its memory is swapped in

    def _store(self, found: Sequence[Finding]) -> None:
        """A finding that cannot be stored stops no reading: it is said in the process' log and left out."""
        if not found:
            return
        try:
            with self._conn.transaction():
                findings.insert(self._conn, found, self._memory.directory.tenants)
        except psycopg.Error as error:
            if not is_about_content(error):
                raise
            if len(found) == 1:
                _log.exception("a finding cannot be stored", device_no=found[0].device_no, rule=found[0].rule)
                return
            for each in found:
                self._store([each])


def _not_storable(message: Message, source: Source, error: psycopg.Error) -> Refusal:
    why = f"SQLSTATE {error.sqlstate}: {str(error).strip()}"[:400].replace("\0", "\ufffd")
    return refused(message, source, Reason.NOT_STORABLE, why, payload=message.payload[: limits.PAYLOAD_BYTES])

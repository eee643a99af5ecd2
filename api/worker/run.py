"""The worker: the log into the record, batch by batch, and what the detectors make of it.

Whatever the database or the log cannot do now is waited for, with a fresh connection each time; the cursor in the
database says where to go on. What no waiting mends (a lost log, a worker that took over, a defect) ends the process.
"""

import gc
import os
import socket
import threading
import time
from contextlib import closing
from datetime import UTC, datetime
from functools import partial

import psycopg
import structlog
from psycopg import Connection

from api import classes, database
from api.settings import Settings
from api.watch import port
from api.watch.port import Turns
from api.worker.aggregate import Aggregating
from api.worker.batch import Intake, is_about_content
from api.worker.checkpoint import Checkpoints
from api.worker.forget import Forgetting
from api.worker.memory import Memory
from api.worker.meters import WorkerMeters
from api.worker.presence import Ear, Presence
from detectors import store as findings
from ingest import adapter_log, partition
from ingest.adapter_log import LogReader
from ingest.adapter_wire import Wire
from ingest.edge import store as edges
from ingest.errors import LogError
from ingest.standing import Standing, judge

_IDLE_S = 0.5
_RENEW_S = 2.0
_WHOLE = (adapter_log.MOST_MESSAGES, adapter_log.MOST_BYTES)
_SMALL = (_WHOLE[0], _WHOLE[1] // 4)  # a batch, while somebody goes first: as long as one of single readings
_BACKOFF_S = (0.05, 0.2, 0.5, 1.0, 2.0)
_WAITED_FOR = (psycopg.OperationalError, psycopg.InterfaceError, LogError)
_log = structlog.get_logger("worker")


def run(settings: Settings, stop: threading.Event) -> None:
    """Until `stop` is set. Raises LogLostError, FencedError, and whatever no waiting mends."""
    meters, turns = WorkerMeters(), Turns("read")
    gc.set_threshold(50_000, 20, 50)  # a batch makes thousands of short-lived dicts, none of them in a cycle
    with port.opened(settings, meters.registry, turns):
        _keep_reading(settings, stop, meters, turns)


def _keep_reading(settings: Settings, stop: threading.Event, meters: WorkerMeters, turns: Turns) -> None:
    memory, ear = Memory(classes.of(settings)), Ear()
    failures = 0
    while not stop.is_set():
        turns.mark("read")
        session = _Session(settings, memory, ear, meters, turns)
        try:
            session.work(stop)
        except _WAITED_FOR as error:
            if isinstance(error, psycopg.Error) and is_about_content(error):
                raise
            failures = 0 if session.progressed else failures
            wait_s = _BACKOFF_S[min(failures, len(_BACKOFF_S) - 1)]
            failures += 1
            meters.waits.labels(type(error).__name__).inc()
            _log.warning("waiting", error=str(error).strip(), kind=type(error).__name__, seconds=wait_s)
            stop.wait(wait_s)


class _Session:
    """One connection to the record and one to the log, from the taking of the partition to the first failure."""

    def __init__(self, settings: Settings, memory: Memory, ear: Ear, meters: WorkerMeters, turns: Turns) -> None:
        self._settings, self._memory, self._ear = settings, memory, ear
        self._meters, self._turns = meters, turns
        self.progressed = False

    def work(self, stop: threading.Event) -> None:
        with database.connect(self._settings, "foremend_worker", stop=stop) as conn:
            # The cursor commits with the readings and the log keeps what lies above it: a crash that takes the last
            # commits is repaired by reading on, so no batch waits for the disk. Whoever acts on a finding commits
            # later and for good, and with it everything before.
            conn.execute("SET synchronous_commit = off")
            # What fills rows in compressed chunks is bounded by the batch, and one message must never be too much.
            conn.execute("SET timescaledb.max_tuples_decompressed_per_dml_transaction = 0")
            conn.commit()
            claim = self._take(conn, stop)
            if claim is None:
                return
            try:
                cursor = self._stand(conn, claim)
                reader = self._read_from(claim, cursor)
            except LogError:
                self._ear.deaf(conn, claim)
                raise
            with closing(reader):
                self._say(reader, claim, cursor)
                self._read(conn, reader, claim, stop)

    def _read_from(self, claim: partition.Claim, seq: int) -> LogReader:
        return LogReader(self._settings.nats_url.get_secret_value(), seq, claim.span.subject)

    def _take(self, conn: Connection, stop: threading.Event) -> partition.Claim | None:
        owner = f"{socket.gethostname()}:{os.getpid()}"
        said = False
        while not stop.is_set():
            with conn.transaction():
                claim = partition.take(conn, owner)
            if claim is not None:
                return claim
            if not said:
                _log.warning("every partition has its worker; waiting until one is gone")
                said = True
            self._turns.mark("read")
            stop.wait(1.0)
        return None

    def _stand(self, conn: Connection, claim: partition.Claim) -> int:
        """The cursor in the log that is there, and memory to go with it. Of a log that lost its end it is the last
        message that is not newer than what was read, and the loss is said. Raises LogLostError for a log that is not
        the record's."""
        with closing(Wire(self._settings.nats_url.get_secret_value())) as wire:
            head = adapter_log.head(wire)
            standing = judge(claim, head, adapter_log.received_ms(wire, head, claim.cursor))
            if standing is Standing.SAME:
                self._memory.stand_at(conn, claim, partial(self._read_from, claim))
                return claim.cursor
            cursor = min(claim.cursor, head.last_seq)
            if standing is Standing.SHORTENED and claim.received_ms is not None:
                since = datetime.fromtimestamp((claim.received_ms + 1) / 1000, UTC)
                cursor = min(cursor, adapter_log.first_seq_since(wire, since) - 1)
        self._memory.stand_at(conn, claim, None)
        with conn.transaction():
            partition.place(conn, claim, cursor, head.made)
            findings.drop_checkpoint(conn, claim.span.first)
            if standing is Standing.SHORTENED:
                edges.drop_after(conn, cursor)
        self._memory.count_from(cursor)
        if standing is Standing.SHORTENED:
            _log.error("the log lost its end; the record had read it", lost_from=cursor + 1, lost_to=claim.cursor)
        return cursor

    def _say(self, reader: LogReader, claim: partition.Claim, cursor: int) -> None:
        first = reader.head.first_seq
        if first > cursor + 1 and reader.head.last_seq > cursor:
            _log.error("the log was purged before it was read", missing_from=cursor + 1, missing_to=first - 1)
        _log.info("reading", cursor=cursor, head=reader.head.last_seq, only=claim.span.subject)

    def _read(self, conn: Connection, reader: LogReader, claim: partition.Claim, stop: threading.Event) -> None:
        intake = Intake(conn, self._memory, claim, self._meters.counts)
        forgetting = Forgetting(self._settings, self._memory.catalogue, self._meters.forgotten)
        aggregating = Aggregating(self._memory.catalogue, self._meters.hours)
        checkpoints = Checkpoints(self._memory, claim)
        presence = Presence(self._settings, self._memory, claim, self._ear, self._meters.presence)
        renewed, size = time.monotonic(), _WHOLE
        steps = self._meters.counts.steps
        steps.begin()
        while not stop.is_set():
            self._turns.mark("read")
            forgetting.now_and_then(conn, claim)
            aggregating.now_and_then(conn)
            checkpoints.now_and_then(conn)
            steps.end("upkeep")
            messages = reader.fetch(_IDLE_S, *size)
            steps.end("read")
            if messages:
                begun = time.perf_counter()
                intake.take(messages)
                self._meters.took(len(messages), time.perf_counter() - begun)
                size = _SMALL if intake.write_early(reader.backlog()) else _WHOLE
                steps.end("early")
                self.progressed = True
                renewed = time.monotonic()
            elif time.monotonic() - renewed > _RENEW_S:
                self._renew(intake, reader)
                renewed = time.monotonic()
            presence.now_and_then(conn, reader, messages)
        checkpoints.write(conn)

    def _renew(self, intake: Intake, reader: LogReader) -> None:
        """The log's time at the cursor is asked for, by which the next start knows the log again."""
        if reader.passed <= (self._memory.cursor or 0):
            intake.renew()
            return
        with closing(Wire(self._settings.nats_url.get_secret_value())) as wire:
            received_ms = adapter_log.received_ms(wire, adapter_log.head(wire), reader.passed)
        if received_ms is None:
            intake.renew()
        else:
            intake.pass_by(reader.passed, received_ms)

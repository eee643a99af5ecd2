"""Writes down what the worker remembers, so that its next start reads seconds of the log and not days of the record."""

import time
from typing import Any

import structlog
from psycopg import Connection

from api.worker import sections
from api.worker.memory import Memory
from detectors import store
from detectors.model import Checkpoint
from ingest import partition
from ingest.edge import store as edges
from ingest.partition import Claim

EVERY_S = 30.0
_FEW = 1000  # messages: read again in a fraction of a second, so they can wait
_LATEST_S = 600.0
_SHARE = 0.02  # of the time, at most, goes into writing it
_MOST_BYTES = 256 << 20
_log = structlog.get_logger("worker")


def is_due(behind: int | None, waited_s: float, wait_s: float) -> bool:
    """`behind`: messages that the newest one does not hold; None: there is none. What had to be learned from the record
    shall not have to be again, so then it is written at once."""
    return behind is None or (waited_s >= wait_s and (behind >= _FEW or waited_s >= _LATEST_S))


def wait_s(took_s: float) -> float:
    """Until the next one, by what this one took."""
    return max(EVERY_S, took_s / _SHARE)


class Checkpoints:
    """Between two batches, where memory and cursor agree; under the claim, like every batch."""

    def __init__(self, memory: Memory, claim: Claim) -> None:
        self._memory, self._claim = memory, claim
        self._wait_s = EVERY_S
        self._written_s = time.monotonic()

    def now_and_then(self, conn: Connection[Any]) -> None:
        written = self._memory.written
        behind = None if written is None else (self._memory.cursor or 0) - written
        if is_due(behind, time.monotonic() - self._written_s, self._wait_s):
            self.write(conn)

    def write(self, conn: Connection[Any]) -> None:
        """Raises FencedError."""
        seq = self._memory.cursor
        if seq is None or seq == self._memory.written:
            return
        begin_s = time.monotonic()
        memory = sections.pack(self._memory.sections())
        if len(memory) > _MOST_BYTES:
            _log.warning(
                "too much is remembered for a checkpoint; a start learns it from the record", bytes=len(memory)
            )
        else:
            with conn.transaction():
                partition.renew(conn, self._claim)
                written = Checkpoint(seq=seq, fingerprint=self._memory.fingerprint, memory=memory)
                store.save_checkpoint(conn, self._claim.span.first, written)
                edges.forget_before(conn, store.oldest_checkpoint(conn) or 0)
        self._memory.written, self._written_s = seq, time.monotonic()
        self._wait_s = wait_s(self._written_s - begin_s)

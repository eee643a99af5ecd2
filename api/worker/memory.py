"""What the worker remembers between batches, and how it comes to remember it again.

It is made of sections, each a fold over the log. The record can always teach them what matters: four days of every
device. A checkpoint is quicker: what was remembered at some earlier cursor, and then the log from there, in which the
record tells what was new.
"""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from fnmatch import fnmatch
from importlib import resources
from typing import Any

import structlog
from psycopg import Connection

from api.worker import sections
from api.worker.sections import CheckpointError, Section
from detectors import store as findings
from detectors.engine import Engine, Step
from devices.model import Catalogue
from devices.variants import Variants
from ingest import history, partition
from ingest.adapter_log import LogReader
from ingest.admit import admit
from ingest.allowance import Allowance, Use
from ingest.directory import Directory, edge_topics
from ingest.edge import store as edges
from ingest.model import Message
from ingest.partition import Claim
from ingest.presence.heard import Heard
from ingest.presence.model import BridgeWord, Spoken
from ingest.presence.rhythm import Pace
from ingest.slots import Span

_IDLE_S = 0.5
_CODE = (  # of all sections
    "detectors/*.py",
    "ingest/admit.py",
    "ingest/allowance.py",
    "ingest/presence/heard.py",
    "ingest/presence/rhythm.py",
)
PACE = Pace()
_log = structlog.get_logger("worker")


def fingerprint(catalogue: Catalogue) -> str:
    """Of all that decides what is remembered: the sections' code, and what they look at of the catalogue. Another one
    is another memory."""
    digest = hashlib.sha256(Variants(catalogue).deciding().encode())
    for code in _code():
        digest.update(code)
    return digest.hexdigest()


def _code() -> Iterator[bytes]:
    for pattern in _CODE:
        room, _, name = pattern.rpartition("/")
        for file in sorted(resources.files(room.replace("/", ".")).iterdir(), key=lambda entry: entry.name):
            if fnmatch(file.name, name):
                yield file.read_bytes()


@dataclass(frozen=True, kw_only=True)
class Next:
    """What a batch makes of each section: remembered when it is committed, and not before."""

    cursor: int
    observed: Step
    used: Use
    spoken: Spoken


class Memory:
    """All sections, and the cursor at which they are what they are."""

    def __init__(self, catalogue: Catalogue) -> None:
        self.catalogue = catalogue
        self.fingerprint = fingerprint(catalogue)
        self._variants = Variants(catalogue)
        self.directory = Directory(catalogue, self._variants)
        self._forget()

    def _forget(self) -> None:
        watched, variants = self._variants.classes, self.directory.variants
        self.engine = Engine(watched, variants=variants)
        self.allowance = Allowance(watched, variants)
        self.heard = Heard(PACE)
        self.bridges: list[BridgeWord] = []  # what they said and nobody has written down yet
        self.cursor: int | None = None
        self._span: Span | None = None  # whose devices they are
        self.written: int | None = None  # the cursor of its newest checkpoint

    def sections(self) -> dict[str, Section]:
        """By the names that they have in a checkpoint."""
        return {"detectors": self.engine, "allowance": self.allowance, "presence": self.heard}

    def keep(self, after: Next) -> None:
        """The batch is committed."""
        self.engine.keep(after.observed)
        self.allowance.keep(after.used)
        self._hear(after.spoken)
        self.cursor = after.cursor

    def count_from(self, cursor: int) -> None:
        """In another log: its sequences mean nothing to a checkpoint of the one before."""
        self.cursor, self.written = cursor, None

    def _hear(self, spoken: Spoken) -> None:
        self.heard.hear(spoken)
        self.bridges += spoken.bridges

    def stand_at(self, conn: Connection[Any], claim: Claim, read_from: Callable[[int], LogReader] | None) -> None:
        """Remember what a worker at the claim's cursor remembers, unless that is what is remembered. A commit of which
        the answer was lost shows as a cursor that moved. `read_from(seq)` reads the log behind `seq`; None: the log is
        not the one that was read. Raises FencedError, LogError."""
        if (claim.span, claim.cursor) == (self._span, self.cursor):
            return
        self._forget()
        if read_from is None or not self._go_on(conn, claim, read_from):
            self._learn(conn, claim)
        self._span, self.cursor = claim.span, claim.cursor

    def _go_on(self, conn: Connection[Any], claim: Claim, read_from: Callable[[int], LogReader]) -> bool:
        """From the checkpoint; False where there is none or it does not reach to the cursor."""
        with conn.transaction():
            found = findings.find_checkpoint(conn, claim.span.first, self.fingerprint, claim.cursor)
        if found is None:
            return False
        try:
            sections.unpack(found.memory, self.sections())
        except CheckpointError as error:
            _log.exception("the checkpoint cannot be read", error=str(error))
            return False
        if found.seq < claim.cursor:
            with closing(read_from(found.seq)) as reader:
                if reader.head.first_seq > found.seq + 1:
                    _log.warning("the log no longer holds what came after the checkpoint", seq=found.seq)
                    return False
                self._read_again(conn, claim, reader)
        self.written = found.seq
        _log.info("remembered from a checkpoint", seq=found.seq, cursor=claim.cursor)
        return True

    def _read_again(self, conn: Connection[Any], claim: Claim, reader: LogReader) -> None:
        """What was found on the way was said then, so nothing is said now."""
        seq = 0
        while max(seq, reader.passed) < claim.cursor:
            messages = reader.fetch(_IDLE_S)
            seq = messages[-1].seq if messages else seq
            messages = [message for message in messages if message.seq <= claim.cursor]
            with conn.transaction():
                partition.renew(conn, claim)
                self._fold(conn, messages)

    def _fold(self, conn: Connection[Any], messages: Sequence[Message]) -> None:
        """Into every section, as when they were committed."""
        if not messages:
            return
        sources = self.directory.sources(conn, messages)
        nodes = edges.load(conn, edge_topics(sources), messages[0].seq)
        admitted = admit(messages, sources, self.catalogue, self.allowance, nodes)
        self.engine.fold(history.kept_before(conn, self.catalogue, admitted.decoded.apart().batches))
        self.allowance.keep(admitted.use)
        self._hear(admitted.decoded.spoken)

    def _learn(self, conn: Connection[Any], claim: Claim) -> None:
        """From the record, which does not say what devices took out of their allowances: those begin full."""
        self._forget()
        with conn.transaction():
            self.directory.meet_all(conn)
            decided = findings.recalled(conn, claim.cursor)
            classes = self.catalogue.values()
            ours = {device_no for appliance in classes for device_no in history.devices(conn, appliance, claim.span)}
            self.engine.recall([finding for finding in decided if finding.device_no in ours])
        for appliance in self.catalogue.values():
            for batch in history.remembered(conn, appliance, claim.cursor, claim.span):
                self.engine.fold([batch])
                self.heard.learn(batch)
                partition.renew(conn, claim)
                conn.commit()  # so that others see that we live, however long it takes
        conn.commit()
        _log.info("learned from the record", cursor=claim.cursor, allowances="full")

"""The log forgets what every worker has read and what is old, too much for its configured size, or in the way when its
server fills up; the record forgets readings beyond their retention, refusals and findings that nobody needs."""

import math
import time
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import Any

import structlog
from prometheus_client import Counter
from psycopg import Connection

from api.settings import Settings
from api.watch.standing import PATIENCE_S, Store, server_facts, store_of
from detectors import store as findings
from devices.model import Catalogue
from ingest import adapter_log, history, partition, refusals
from ingest.adapter_wire import Wire
from ingest.errors import LogError
from ingest.partition import Claim
from ingest.presence import shown
from ledger.statements import Statements

EVERY_S = 60.0
KEPT = timedelta(hours=48)
KEPT_AT_A_FRONT = timedelta(hours=1)
# Of what the server may keep: begun before anybody is alarmed, so that an alarm means that what is unread fills it.
CROWDED, ROOMY = 0.7, 0.6
LOOK_S, LOOK_AGAIN_S = 5.0, 1.0  # at how full it is; again, as long as it is crowded: devices may wait for room
REFUSALS_AT_ONCE, REFUSALS_TURNS = 2_500, 4  # a minute; a turn takes some 20 ms, and more than that nobody can bring
READINGS_AT_ONCE, READINGS_TURNS = {"devices": 5_000, "rows": 5_000}, 4
OUTAGES_AT_ONCE = 5_000
FINDINGS_AT_ONCE = 1_000  # a look that takes all of them away takes some 20 ms, in which nothing is read
MESSAGE_BYTES = 250  # on disk, measured with 8 metrics in JSON; a log of arrays takes what it takes
_sql = Statements("api")
_log = structlog.get_logger("worker")


def keep_from(head: adapter_log.Head, cursor: int, first_young: int, log_bytes: int, store: Store | None = None) -> int:
    """The first sequence that stays. Nothing above the cursor is ever forgotten, nor the message at the cursor, by
    which the next start knows the log again."""
    each_bytes = max(MESSAGE_BYTES, head.bytes // max(1, head.messages))
    first_that_fits = head.last_seq + 1 - log_bytes // each_bytes
    in_the_way = 0
    if store is not None and store.fill > CROWDED:
        excess_bytes = store.stored_bytes - ROOMY * store.limit_bytes
        in_the_way = math.ceil(excess_bytes * head.messages / max(1, head.bytes))
    return min(cursor, max(first_young, first_that_fits, head.first_seq + in_the_way))


class Forgetting:
    """Once a minute, and the log as soon as its server is crowded, over a connection of its own; what fails there is
    tried again."""

    def __init__(self, settings: Settings, catalogue: Catalogue, forgotten: Counter | None = None) -> None:
        """`forgotten` counts findings."""
        self._settings, self._catalogue, self._forgotten = settings, catalogue, forgotten
        self._after_finding = 0  # where the next round goes on
        self._after = dict.fromkeys(catalogue, 0)  # the device at which the next round of a class goes on
        self._next_s = time.monotonic() + EVERY_S
        self._look_s = 0.0
        self._drops_chunks: bool | None = None

    def now_and_then(self, conn: Connection[Any], claim: Claim) -> None:
        """Whoever has the first partition does it for all of them. Raises FencedError."""
        now_s = time.monotonic()
        if claim.span.first != 0 or now_s < min(self._next_s, self._look_s):
            return
        if now_s >= self._next_s:
            self._next_s = now_s + EVERY_S
            with conn.transaction():
                partition.renew(conn, claim)
            self.forget_refusals(conn, datetime.now(UTC))
            self.forget_readings(conn, datetime.now(UTC))
            with conn.transaction():
                shown.forget(conn, datetime.now(UTC), OUTAGES_AT_ONCE)
            self.forget_findings(conn, datetime.now(UTC))
            self._forget_log(conn, claim)
        elif self._crowded():
            self._forget_log(conn, claim)

    def _crowded(self) -> bool:
        self._look_s = time.monotonic() + LOOK_S
        try:
            with closing(Wire(self._settings.nats_url.get_secret_value(), PATIENCE_S)) as wire:
                store = store_of(server_facts(wire))
        except LogError as error:
            _log.warning("nobody says how full the log is", error=str(error))
            return False
        if store is None or store.fill <= CROWDED:
            return False
        self._look_s = time.monotonic() + LOOK_AGAIN_S
        return True

    def _forget_log(self, conn: Connection[Any], claim: Claim) -> None:
        with conn.transaction():
            partition.renew(conn, claim)
            cursor = partition.lowest_cursor(conn)
        try:
            self.forget(cursor, datetime.now(UTC))
        except LogError as error:
            _log.warning("the log was not purged", error=str(error))

    def forget_refusals(self, conn: Connection[Any], now: datetime) -> None:
        """A bounded number of them: what is left goes a minute later."""
        for _ in range(REFUSALS_TURNS):
            with conn.transaction():
                forgotten = refusals.forget(conn, now, REFUSALS_AT_ONCE)
            if forgotten < REFUSALS_AT_ONCE:
                return

    def forget_findings(self, conn: Connection[Any], now: datetime, at_once: int = FINDINGS_AT_ONCE) -> None:
        """A look at so many of them, from the oldest on and then again: the newest of each rule stay among the old."""
        with conn.transaction():
            gone, self._after_finding = findings.forget(conn, now, self._after_finding, at_once)
        if self._forgotten is not None:
            self._forgotten.labels("findings").inc(gone)

    def forget_readings(self, conn: Connection[Any], now: datetime) -> None:
        """A bounded number of rows a class: as many as 20,000 devices bring in a minute. TimescaleDB drops chunks."""
        if self._drops_chunks is None:
            with conn.transaction():
                (self._drops_chunks,) = conn.execute(_sql.find_timescale_in_use).fetchone() or (False,)
        if self._drops_chunks:
            return
        for class_id, appliance in self._catalogue.items():
            for _ in range(READINGS_TURNS):
                with conn.transaction():
                    after = history.forget(conn, appliance, now, self._after[class_id], **READINGS_AT_ONCE)
                self._after[class_id] = after or 0
                if after is None:
                    break

    def forget(self, cursor: int, now: datetime) -> int:
        """How many messages the log forgot."""
        with closing(Wire(self._settings.nats_url.get_secret_value())) as wire:
            head = adapter_log.head(wire)
            first_young = adapter_log.first_seq_since(wire, now - KEPT)
            store = store_of(server_facts(wire))
            start = keep_from(head, cursor, first_young, self._settings.log_bytes, store)
            purged = adapter_log.purge(wire, start) if start > head.first_seq else 0
            for front in head.fronts:
                self._forget_drawn(wire, front, now)
        if purged:
            _log.info("purged", messages=purged, below=start, fill=None if store is None else round(store.fill, 3))
        return purged

    def _forget_drawn(self, wire: Wire, front: adapter_log.Front, now: datetime) -> None:
        """What the log has drawn from a front, and that an hour ago: whatever happened since, it could draw again."""
        try:
            start = min(front.drawn_seq, adapter_log.first_seq_since(wire, now - KEPT_AT_A_FRONT, front.api))
            if start > 1:
                adapter_log.purge(wire, start, front.api)
        except LogError as error:
            _log.warning("a front's log was not purged", front=front.name, error=str(error))

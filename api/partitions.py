"""One partition becomes several, each for a worker of its own, while devices speak and a worker reads.

The log first: from then on a message stands under the slot that is its partition's number. A worker that has the one
partition reads the log whole and does not look at slots. Once it has read all that came before, every partition can
begin at its cursor; it finds itself fenced and takes one of them.
"""

import time
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from psycopg import Connection

from api.engines import fronts
from api.engines.nats_request import NatsRequestError
from api.engines.nats_streams import stream_state
from detectors import store as findings
from ingest import partition

_LOOK_S = 0.2


class PartitionsFixedError(Exception):
    """A record that has several partitions keeps them: their cursors differ."""

    def __init__(self, there: int, wanted: int) -> None:
        super().__init__(f"the record has {there} partitions and cannot get {wanted}; only one can become several")
        self.there, self.wanted = there, wanted


def check(conn: Connection[Any], wanted: int | None) -> None:
    """Before the log is touched. Raises PartitionsFixedError."""
    there = partition.count(conn)
    if wanted is not None and there not in (1, wanted):
        raise PartitionsFixedError(there, wanted)


def spread(
    conn: Connection[Any], nats_url: str, wanted: int, names: Sequence[str] = (), patience_s: float = 60.0
) -> bool:
    """Whether the record has `wanted` partitions, of a log that has as many slots already; if not, its worker has to
    read on first, or a front to be there, and it is to be tried again. `names`: of the fronts. `conn` is the owner's,
    in autocommit."""
    if partition.count(conn) == wanted:
        return True
    until = time.monotonic() + patience_s
    heads: dict[str, int] | None = None
    from_seq: int | None = None  # what lies below may stand under slots of before
    while True:
        with suppress(NatsRequestError):  # a front that opens its door is away for a moment
            heads = heads or fronts.heads(nats_url, names)
            if from_seq is None and fronts.has_drawn(nats_url, heads):
                from_seq = stream_state(nats_url).last_seq
        if from_seq is not None and _split(conn, wanted, from_seq):
            return True
        if time.monotonic() > until:
            return False
        time.sleep(_LOOK_S)


def _split(conn: Connection[Any], wanted: int, from_seq: int) -> bool:
    with conn.transaction():
        done = partition.split(conn, wanted, from_seq)
        if done:
            findings.drop_checkpoint(conn, 0)  # of all devices: each partition learns its own from the record
    return done

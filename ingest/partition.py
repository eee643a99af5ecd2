"""Who reads the log and how far: the row elects (lease and lock), fences (epoch) and is the only truth (cursor)."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from psycopg import Connection

from ingest.errors import FencedError
from ingest.slots import WHOLE, Span
from ingest.store import moment
from ledger.statements import Statements

_sql = Statements("ingest")
LEASE = timedelta(seconds=10)


@dataclass(frozen=True, kw_only=True)
class Claim:
    """The right to move a partition's cursor, as long as nobody has taken it since."""

    epoch: int
    cursor: int  # at the time of the claim, as are the others
    log_made: str | None  # which log the cursor counts in; None: it never counted
    received_ms: int | None  # the log's time of the message at the cursor
    span: Span = WHOLE


def take(conn: Connection[Any], owner: str) -> Claim | None:
    """Become the owner of a partition that has none; None while each has one that lives. The lock that says so is this
    connection's, until it closes; of an owner that was silent longer than its lease the connection is ended, and with
    it whatever it had begun to write."""
    conn.execute(_sql.end_silent_owners)
    for first, last, slots in conn.execute(_sql.list_spans).fetchall():
        names = {"owner": owner, "lease": LEASE, "first_slot": first}
        row = conn.execute(_sql.take_partition, names).fetchone()
        if row is not None:
            span = Span(first=first, last=last, of=slots)
            return Claim(epoch=row[0], cursor=row[1], log_made=row[2], received_ms=row[3], span=span)
    return None


def advance(conn: Connection[Any], claim: Claim, cursor: int, received_ms: int) -> None:
    """In the batch's transaction: the log is read up to `cursor`, which it received then; the lease is renewed. Raises
    FencedError."""
    names = {"cursor": cursor, "received_at": moment(received_ms), "lease": LEASE}
    _owned(conn, claim, _sql.advance_partition, names)


def renew(conn: Connection[Any], claim: Claim) -> None:
    """Say that we live. Raises FencedError."""
    _owned(conn, claim, _sql.renew_partition, {"lease": LEASE})


def place(conn: Connection[Any], claim: Claim, cursor: int, log_made: str) -> None:
    """The cursor stands at `cursor` in that log from now on. Raises FencedError."""
    _owned(conn, claim, _sql.place_partition, {"cursor": cursor, "log_made": log_made})


def _owned(conn: Connection[Any], claim: Claim, statement: bytes, names: dict[str, Any]) -> None:
    if conn.execute(statement, {**names, "first_slot": claim.span.first, "epoch": claim.epoch}).rowcount != 1:
        raise FencedError(claim.epoch)


def count(conn: Connection[Any]) -> int:
    return len(conn.execute(_sql.list_spans).fetchall())


def split(conn: Connection[Any], slots: int, from_seq: int) -> bool:
    """The one partition becomes `slots` of them at its cursor, and whoever owned it is fenced; False while the cursor
    is below `from_seq`. The caller commits."""
    cursors = conn.execute(_sql.lock_partitions).fetchall()
    if len(cursors) != 1 or cursors[0][0] < from_seq:
        return False
    conn.execute(_sql.split_partition, {"slots": slots})
    return True


def leave_log(conn: Connection[Any]) -> int:
    """The cursors stay and will be believed in another log, which may begin above the highest; that one is returned.
    Whoever owned a partition is fenced."""
    (cursor,) = conn.execute(_sql.leave_log).fetchone() or (0,)
    return int(cursor)


def lowest_cursor(conn: Connection[Any]) -> int:
    """What every owner has read: nobody needs the log below it."""
    (cursor,) = conn.execute(_sql.find_lowest_cursor).fetchone() or (0,)
    return int(cursor)

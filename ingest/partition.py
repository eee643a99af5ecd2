"""Who reads the log and how far: the row elects (lease and lock), fences (epoch) and is the only truth (cursor)."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from psycopg import Connection

from ingest.errors import FencedError
from ingest.store import moment
from ledger.statements import Statements

_sql = Statements("ingest")
LEASE = timedelta(seconds=10)
FIRST_SLOT = 0  # one partition with all slots


@dataclass(frozen=True, kw_only=True)
class Claim:
    """The right to move the cursor, as long as nobody has taken the partition since."""

    epoch: int
    cursor: int  # at the time of the claim, as are the others
    log_made: str | None  # which log the cursor counts in; None: it never counted
    received_ms: int | None  # the log's time of the message at the cursor


def take(conn: Connection[Any], owner: str) -> Claim | None:
    """Become the owner; None while another one lives. The lock that says so is this connection's, until it closes."""
    names = {"owner": owner, "lease": LEASE, "first_slot": FIRST_SLOT}
    row = conn.execute(_sql.take_partition, names).fetchone()
    return None if row is None else Claim(epoch=row[0], cursor=row[1], log_made=row[2], received_ms=row[3])


def advance(conn: Connection[Any], claim: Claim, cursor: int, received_ms: int) -> None:
    """In the batch's transaction: the log is read up to `cursor`, the lease renewed. Raises FencedError."""
    names = {"cursor": cursor, "received_at": moment(received_ms), "lease": LEASE}
    _owned(conn, claim, _sql.advance_partition, names)


def renew(conn: Connection[Any], claim: Claim) -> None:
    """Say that we live. Raises FencedError."""
    _owned(conn, claim, _sql.renew_partition, {"lease": LEASE})


def place(conn: Connection[Any], claim: Claim, cursor: int, log_made: str) -> None:
    """The cursor stands at `cursor` in that log from now on. Raises FencedError."""
    _owned(conn, claim, _sql.place_partition, {"cursor": cursor, "log_made": log_made})


def _owned(conn: Connection[Any], claim: Claim, statement: bytes, names: dict[str, Any]) -> None:
    if conn.execute(statement, {**names, "first_slot": FIRST_SLOT, "epoch": claim.epoch}).rowcount != 1:
        raise FencedError(claim.epoch)


def lowest_cursor(conn: Connection[Any]) -> int:
    """What every owner has read: nobody needs the log below it."""
    (cursor,) = conn.execute(_sql.find_lowest_cursor).fetchone() or (0,)
    return int(cursor)

"""What could not be kept: stored once a day with its bytes, counted always, sent through the front door again after a
fix, and forgotten after a month."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from psycopg import Connection

from ingest import quota, store
from ingest.model import FIRST_MS, NEVER_REPLAYED, REPLAYABLE, Refusal, RefusalFilter, StoredRefusal
from ledger import log
from ledger.model import Scope

KEPT = timedelta(days=30)
_FOREVER = 2**62


@dataclass(frozen=True, kw_only=True)
class Again:
    """A refusal's bytes on their way back: a message for the log. A repeat has the same id, which the log drops."""

    refusal_no: int
    subject: str
    payload: bytes
    headers: dict[str, str]


def keep(conn: Connection[Any], refused: Sequence[Refusal], first_ms: Mapping[int, int]) -> None:
    """A row for what is new and has room, counts for everything; the caller commits."""
    tenants = store.find_tenants(conn, {refusal.tenant_id for refusal in refused if refusal.tenant_id})
    said = quota.fold(refused, first_ms, tenants)
    stored = store.find_refusal_keys(conn, [each.key for each in said])
    used = store.find_refusal_days(conn, sorted({place for each in said for place in each.places}))
    rows, grown = quota.settle(said, stored, used)
    if rows:
        store.insert_refusals(conn, rows)
    store.count_refusal_days(conn, grown)


def listed(
    conn: Connection[Any], asked: RefusalFilter, *, limit: int, older_than: int | None = None
) -> list[StoredRefusal]:
    """Newest first; the next page is what is older than this one's last."""
    return store.list_refusals(conn, asked, older_than, limit)


def count_replayable(conn: Connection[Any], asked: RefusalFilter, *, after: int, up_to: int | None) -> tuple[int, int]:
    """How many of them can go through the front door again, and the newest one's number."""
    return store.count_replayable(conn, _replayable(asked, after, up_to))


def replayable(
    conn: Connection[Any], asked: RefusalFilter, *, after: int, up_to: int | None, limit: int
) -> list[Again]:
    """What can be published again, in the log's order: what never was, and what was refused again since."""
    names = {**_replayable(asked, after, up_to), "limit": limit}
    return [
        Again(
            refusal_no=refusal_no,
            subject=topic.replace("/", "."),
            payload=bytes(payload),
            headers={"Nats-Msg-Id": f"refusal-{seq}-{refusal_no}-{replays}", FIRST_MS: str(received_ms)},
        )
        for refusal_no, topic, payload, seq, received_ms, replays in store.list_replayable(conn, names)
    ]


def _replayable(asked: RefusalFilter, after: int, up_to: int | None) -> dict[str, Any]:
    never = [reason.value for reason in NEVER_REPLAYED]
    span = {"after": after, "up_to": _FOREVER if up_to is None else up_to}
    return {**asdict(asked), **span, "never": never, "shape": REPLAYABLE}


def mark_replayed(
    conn: Connection[Any], seq_by_no: dict[int, int], asked: RefusalFilter, *, by: Scope, now: datetime
) -> None:
    """They are in the log again, at these sequences: who did it and when stands at each, and in the append-only log."""
    store.mark_replayed(conn, seq_by_no, now)
    filters = {name: str(value) for name, value in asdict(asked).items() if value is not None}
    subject_id = str(next(iter(seq_by_no))) if len(seq_by_no) == 1 else "refusals"
    log.note(conn, "refusal.replayed", subject_id, by, now, {"filter": filters, "refusals": list(seq_by_no)})


def forget(conn: Connection[Any], now: datetime, limit: int) -> int:
    """The oldest that are too old, at most `limit`: how many. Counts of registered devices stay."""
    store.forget_refusal_days(conn, now - KEPT, limit)
    return store.forget_refusals(conn, now - KEPT, limit)

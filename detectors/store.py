"""Findings as rows."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Any

from psycopg import Connection
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb

from detectors.model import Checkpoint, Claim, Finding
from ledger.statements import Statements

KEPT = timedelta(days=366)
FOLDED = timedelta(days=10)  # the fold at start takes a device's last four; it may have been away since
_sql = Statements("detectors")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def insert(conn: Connection[Any], findings: Sequence[Finding], tenants: Mapping[int, str]) -> None:
    """Write findings in their order and wake whoever takes them; `tenants` by device_no."""
    for finding in findings:
        conn.execute(
            _sql.insert_finding,
            {
                "tenant_id": tenants[finding.device_no],
                "device_no": finding.device_no,
                "rule": finding.rule,
                "claim": finding.claim.value,
                "metric": finding.metric,
                "observed": finding.observed,
                "expected": finding.expected,
                "since": _EPOCH + timedelta(milliseconds=finding.since_ms),
                "at": _EPOCH + timedelta(milliseconds=finding.at_ms),
                "seq": finding.seq,
                "evidence": Jsonb(finding.evidence),
            },
        )
    if findings:
        conn.execute(_sql.hint_findings)


def count(conn: Connection[Any], device_no: int) -> int:
    (found,) = conn.execute(_sql.count_findings, {"device_no": device_no}).fetchone() or (0,)
    return int(found)


def listed(conn: Connection[Any], device_no: int, limit: int = 200) -> list[Finding]:
    """A device's findings, newest first."""
    with conn.cursor(row_factory=dict_row) as cur:
        rows = cur.execute(_sql.list_findings, {"device_no": device_no, "limit": limit})
        return [_finding(row) for row in rows]


def recalled(conn: Connection[Any], cursor: int) -> list[Finding]:
    """What the engine must know as decided before it folds the record up to `cursor`, in order."""
    with conn.cursor(row_factory=dict_row) as cur:
        return [_finding(row) for row in cur.execute(_sql.recall_findings, {"cursor": cursor})]


def forget(conn: Connection[Any], now: datetime, after: int, limit: int) -> tuple[int, int]:
    """Looks at the next `limit` above `after` and takes away what is old and of no use: how many that were, and
    where to go on; 0 when the rest is young."""
    names = {"before": now - KEPT, "after": after, "limit": limit, "folded": FOLDED}
    last, old, gone = conn.execute(_sql.forget_findings, names).fetchone() or (0, 0, 0)
    return gone, last if old == limit else 0


def save_checkpoint(conn: Connection[Any], first_slot: int, checkpoint: Checkpoint) -> None:
    names = {"first_slot": first_slot, **asdict(checkpoint)}
    conn.execute(_sql.save_checkpoint, names)


def find_checkpoint(conn: Connection[Any], first_slot: int, fingerprint: str, cursor: int) -> Checkpoint | None:
    """What this code remembered at or before the cursor."""
    names = {"first_slot": first_slot, "fingerprint": fingerprint, "cursor": cursor}
    row = conn.execute(_sql.find_checkpoint, names, binary=True).fetchone()
    return None if row is None else Checkpoint(seq=row[0], fingerprint=fingerprint, memory=row[1])


def drop_checkpoint(conn: Connection[Any], first_slot: int) -> None:
    conn.execute(_sql.drop_checkpoint, {"first_slot": first_slot})


def oldest_checkpoint(conn: Connection[Any]) -> int | None:
    """Of all partitions."""
    (seq,) = conn.execute(_sql.oldest_checkpoint).fetchone() or (None,)
    return seq


def _finding(row: dict[str, Any]) -> Finding:
    return Finding(**{**row, "claim": Claim(row["claim"])})

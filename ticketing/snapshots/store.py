"""Rows of snapshots."""

from dataclasses import asdict
from typing import Any
from uuid import UUID

from psycopg import Connection
from psycopg.rows import dict_row

from ledger.statements import Statements
from ticketing.snapshots.model import Snapshot

_sql = Statements("ticketing.snapshots")


def insert(conn: Connection[Any], snapshot: Snapshot) -> None:
    conn.execute(_sql.insert_snapshot, asdict(snapshot))


def find(conn: Connection[Any], snapshot_id: UUID) -> Snapshot | None:
    with conn.cursor(row_factory=dict_row) as cur:
        row = cur.execute(_sql.find_snapshot, {"snapshot_id": snapshot_id}).fetchone()
        return Snapshot(**{**row, "body": bytes(row["body"])}) if row else None

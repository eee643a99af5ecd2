"""What waits for somebody, of one tenant: a few counts over indexes, made for being asked every few seconds."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from psycopg import Connection
from psycopg.rows import dict_row

from ledger import scope
from ledger.model import Scope
from ledger.statements import Statements

SILENT = timedelta(hours=1)  # a device that is there has been told five times by then
_sql = Statements("api.watch")


@dataclass(frozen=True, kw_only=True)
class Waiting:
    """No count goes beyond 100,000. `deliveries` are by state (PENDING, DEAD) and channel."""

    findings_waiting: int
    findings_set_aside: int
    alerts_for_review: int
    questions_open: int
    tickets_opened: int
    alerts_active: dict[str, int]
    tickets_open: dict[str, int]
    deliveries: dict[tuple[str, str], int]
    oldest_pending_s: float
    presence: dict[str, int]  # devices by state
    lives: dict[str, int]  # devices by where they are in their lives
    outages: dict[tuple[str, str], int]  # that last, by kind and cause
    twins_behind: int  # devices that have not taken what is desired
    twins_silent: int  # those of them for which that is older than SILENT
    commands_open: dict[str, int]  # by state


def count(conn: Connection[Any], tenant_id: str) -> Waiting:
    """In a transaction of its own, as a role that is under row-level security."""
    with conn.transaction():
        scope.enter(conn, Scope(tenant_id=tenant_id, actor="watch"))
        scope.refuse_writes(conn)
        conn.execute(_sql.bound_patience)
        with conn.cursor(row_factory=dict_row) as cur:
            counts = cur.execute(_sql.count_waiting).fetchone() or {}
        behind, silent = conn.execute(_sql.count_twins_behind, {"silent": SILENT}).fetchone() or (0, 0)
        oldest = conn.execute(_sql.read_oldest_pending).fetchone()
        return Waiting(
            **counts,
            alerts_active=dict(conn.execute(_sql.count_active_alerts).fetchall()),
            tickets_open=dict(conn.execute(_sql.count_open_tickets).fetchall()),
            deliveries={(state, channel): n for state, channel, n in conn.execute(_sql.count_unsettled_deliveries)},
            oldest_pending_s=oldest[0] if oldest else 0.0,
            presence=dict(conn.execute(_sql.count_presence).fetchall()),
            lives=dict(conn.execute(_sql.count_lives).fetchall()),
            outages={(kind, cause): n for kind, cause, n in conn.execute(_sql.count_outages)},
            twins_behind=behind,
            twins_silent=silent,
            commands_open=dict(conn.execute(_sql.count_open_commands).fetchall()),
        )

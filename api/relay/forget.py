"""What the relay forgets: once a minute and a bounded number of rows, so that what is left goes a minute later.

For how long each is kept, and what is kept for ever: docs/reference/retention.md.
"""

import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import structlog
from prometheus_client import Counter
from psycopg import Connection

from devices.twin import store as commands
from ingest.twin import store as answers
from ledger import idempotency, outbox
from ticketing.links import links

EVERY_S = 60.0
AT_ONCE = 5_000
STEPS: dict[str, Callable[[Connection[Any], datetime, int], int]] = {
    "commands": commands.forget,
    "answers": answers.forget,
    "links": links.forget,
    "idempotency_keys": idempotency.forget,
    "deliveries": outbox.forget,
}
_log = structlog.get_logger("relay")


class Forgetting:
    """`forgotten` counts by what it was. The first round is at once: whoever starts every day forgets too."""

    def __init__(self, forgotten: Counter) -> None:
        self._forgotten = forgotten
        self._next_s = time.monotonic()

    def now_and_then(self, conn: Connection[Any]) -> None:
        if time.monotonic() >= self._next_s:
            self._next_s = time.monotonic() + EVERY_S
            self.forget(conn, datetime.now(UTC), AT_ONCE)

    def forget(self, conn: Connection[Any], now: datetime, limit: int) -> None:
        """A transaction for each: none holds up what the others wait for."""
        for what, step in STEPS.items():
            with conn.transaction():
                gone = step(conn, now, limit)
            self._forgotten.labels(what).inc(gone)
            if gone:
                _log.info("forgotten", what=what, rows=gone)

"""A loop says that it turns: a row that others look at, so that one that hangs is seen though its process lives."""

import time
from typing import Any

from psycopg import Connection

from api.watch.port import Turns
from ledger.statements import Statements

LOOPS = ("deliveries", "findings", "rebirths", "timers", "twins")  # of the relay
EVERY_S = 5.0
_sql = Statements("api.watch")


class Pulse:
    """Of one loop; `beat` on every turn, outside of any transaction."""

    def __init__(self, loop: str, here: Turns | None = None) -> None:
        self._loop, self._here = loop, here
        self._turns = 0
        self._due_s = 0.0

    def beat(self, conn: Connection[Any]) -> None:
        self._turns += 1
        if self._here is not None:
            self._here.mark(self._loop)
        if time.monotonic() < self._due_s:
            return
        conn.execute(_sql.beat, {"loop": self._loop, "turns": self._turns})
        self._turns = 0
        self._due_s = time.monotonic() + EVERY_S

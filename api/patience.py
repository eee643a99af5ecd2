"""A connection that gives up a server which has gone silent. One that hangs, or lies behind a way that swallows
everything, never says so, and its kernel (or a proxy's) may go on acknowledging: only our own clock shows it."""

import threading
import time
from typing import Any, TypeVar

import psycopg
from psycopg import Connection
from psycopg.abc import PQGen
from psycopg.waiting import Ready

_TICK_S = 0.1
LAST_S = 5.0  # of silence, when we are to stop
T = TypeVar("T")


class Patient(Connection[Any]):
    """Whoever makes it may say for how long an answer may be silent, and what ends us."""

    patience_s = 30.0
    stop: threading.Event | None = None

    def wait(self, gen: PQGen[T], interval: float = _TICK_S, timeout: float | None = None) -> T:
        """As psycopg does, but raises OperationalError, the connection being closed, after `patience_s` in which
        nothing came or went, or after `LAST_S` of it when we are to `stop`. Whoever names a `timeout` has a bound."""
        if timeout is not None:
            return super().wait(gen, interval, timeout)
        return super().wait(self._watched(gen), min(interval, _TICK_S))

    def _watched(self, gen: PQGen[T]) -> PQGen[T]:
        heard_s = looked_s = time.monotonic()
        try:
            wanted = next(gen)
            while True:
                ready = yield wanted
                now_s = time.monotonic()
                if ready is not Ready.NONE:
                    heard_s = now_s
                elif looked_s - heard_s > self.patience_s:  # whoever was stopped himself looks once more
                    self._give_up(f"nothing was heard of the database for {self.patience_s:g} s")
                elif looked_s - heard_s > LAST_S and self.stop is not None and self.stop.is_set():
                    self._give_up("we are to stop, and the database does not answer")
                looked_s = now_s
                wanted = gen.send(ready)
        except StopIteration as done:
            value: T = done.value
            return value

    def _give_up(self, why: str) -> None:
        self.pgconn.finish()
        raise psycopg.OperationalError(why)

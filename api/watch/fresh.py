"""An answer that may be slow to get, asked for by many: once at a time, kept for a moment, waited for within bounds."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from typing import Generic, TypeVar

T = TypeVar("T")


class Fresh(Generic[T]):
    """`ask` runs on a thread of its own, so that a database or broker that hangs holds up nobody for longer than
    `patience_s`, and never twice at once."""

    def __init__(self, ask: Callable[[], T], *, keep_s: float, patience_s: float) -> None:
        self._ask, self._keep_s, self._patience_s = ask, keep_s, patience_s
        self._lock = threading.Lock()
        self._last: Future[T] | None = None
        self._asked_s = 0.0

    def get(self) -> T:
        """Raises TimeoutError, and what `ask` raised."""
        return self._asked().result(self._patience_s)

    def _asked(self) -> Future[T]:
        with self._lock:
            old = time.monotonic() - self._asked_s > self._keep_s
            if self._last is None or (old and self._last.done()):
                self._last, self._asked_s = Future(), time.monotonic()
                threading.Thread(target=self._answer, args=(self._last,), name="watch", daemon=True).start()
            return self._last

    def _answer(self, into: Future[T]) -> None:
        try:
            into.set_result(self._ask())
        except Exception as error:  # noqa: BLE001 - whoever asked is told
            into.set_exception(error)

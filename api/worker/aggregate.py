"""Hours are aggregated between the batches, a slice at a time, so that no batch waits for longer than one takes."""

import time
from datetime import UTC, datetime
from typing import Any

from prometheus_client import Counter
from psycopg import Connection

from devices.model import ApplianceClass, Catalogue
from ingest import aggregates

EVERY_S = 10.0
BETWEEN_S = 0.1  # while there is more: a slice of some 15 ms takes no more than a seventh of the time


class Aggregating:
    """`hours`: counts those of devices that were aggregated."""

    def __init__(self, catalogue: Catalogue, hours: Counter) -> None:
        self._catalogue, self._hours = catalogue, hours
        self._next = time.monotonic() + BETWEEN_S

    def now_and_then(self, conn: Connection[Any]) -> None:
        if time.monotonic() < self._next:
            return
        more = self.turn(conn, datetime.now(UTC))
        self._next = time.monotonic() + (BETWEEN_S if more else EVERY_S)

    def turn(self, conn: Connection[Any], now: datetime) -> bool:
        """A slice of each class; whether there may be more."""
        more = [self._slice(conn, appliance, now) for appliance in self._catalogue.values()]
        return any(more)

    def _slice(self, conn: Connection[Any], appliance: ApplianceClass, now: datetime) -> bool:
        """Stale hours first; the next one is sealed when none is left, so that an old record is worked off in order."""
        with conn.transaction():
            hours, more = aggregates.aggregate(conn, appliance, now)
        self._hours.inc(hours)
        if more:
            return True
        with conn.transaction():
            return aggregates.seal(conn, appliance, now)

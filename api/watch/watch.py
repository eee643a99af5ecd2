"""The HTTP process' view of the house, kept for a moment, so that whoever asks often costs little."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any

import psycopg
from fastapi import Depends
from psycopg import Connection
from psycopg_pool import ConnectionPool
from starlette.requests import HTTPConnection

from api.settings import Settings
from api.watch import doors, waiting
from api.watch.checks import Check, readiness
from api.watch.doors import Door
from api.watch.fresh import Fresh
from api.watch.standing import PATIENCE_S, LogStanding, Standing, look
from api.watch.waiting import Waiting

KEEP_S = 1.0
COUNTS_KEEP_S = 5.0
DOORS_KEEP_S = 60.0  # a certificate ends in days, and each look is a stranger at the door


@dataclass(frozen=True)
class Watch:
    _standing: Fresh[Standing]
    _waiting: Fresh[Waiting]
    _doors: Fresh[tuple[Door, ...]]
    _silent: tuple[Door, ...]

    @classmethod
    def of(cls, settings: Settings, pool: ConnectionPool[Connection[Any]]) -> "Watch":
        def counted() -> Waiting:
            with pool.connection(timeout=PATIENCE_S) as conn:
                return waiting.count(conn, settings.tenant)

        patience_s = 2 * PATIENCE_S
        return cls(
            Fresh(lambda: look(settings, pool), keep_s=KEEP_S, patience_s=patience_s),
            Fresh(counted, keep_s=COUNTS_KEEP_S, patience_s=patience_s),
            Fresh(lambda: doors.look(settings, datetime.now(UTC)), keep_s=DOORS_KEEP_S, patience_s=patience_s),
            doors.silent(settings),
        )

    def standing(self) -> Standing:
        try:
            return self._standing.get()
        except TimeoutError:
            silent = f"nothing was heard within {2 * PATIENCE_S:g} s"
            return Standing(record=silent, log=silent)

    def checks(self) -> list[Check]:
        return [*readiness(self.standing()), *doors.certificates(self.doors())]

    def doors(self) -> tuple[Door, ...]:
        try:
            return self._doors.get()
        except TimeoutError:
            return self._silent

    def log(self) -> LogStanding | None:
        log = self.standing().log
        return log if isinstance(log, LogStanding) else None

    def waiting(self) -> Waiting | None:
        """None while the record cannot be asked."""
        try:
            return self._waiting.get()
        except (psycopg.Error, TimeoutError):
            return None


def _watch(connection: HTTPConnection) -> Watch:
    watch = connection.app.state.watch
    assert isinstance(watch, Watch)
    return watch


Watching = Annotated[Watch, Depends(_watch)]

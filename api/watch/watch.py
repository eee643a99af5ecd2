"""The HTTP process' view of the house, kept for a moment, so that whoever asks often costs little."""

from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Depends
from psycopg import Connection
from psycopg_pool import ConnectionPool
from starlette.requests import HTTPConnection

from api.settings import Settings
from api.watch.checks import Check, readiness
from api.watch.fresh import Fresh
from api.watch.standing import PATIENCE_S, LogStanding, Standing, look

KEEP_S = 1.0


@dataclass(frozen=True)
class Watch:
    _standing: Fresh[Standing]

    @classmethod
    def of(cls, settings: Settings, pool: ConnectionPool[Connection[Any]]) -> "Watch":
        return cls(Fresh(lambda: look(settings, pool), keep_s=KEEP_S, patience_s=2 * PATIENCE_S))

    def standing(self) -> Standing:
        try:
            return self._standing.get()
        except TimeoutError:
            silent = f"nothing was heard within {2 * PATIENCE_S:g} s"
            return Standing(record=silent, log=silent)

    def checks(self) -> list[Check]:
        return readiness(self.standing())

    def log(self) -> LogStanding | None:
        log = self.standing().log
        return log if isinstance(log, LogStanding) else None


def _watch(connection: HTTPConnection) -> Watch:
    watch = connection.app.state.watch
    assert isinstance(watch, Watch)
    return watch


Watching = Annotated[Watch, Depends(_watch)]

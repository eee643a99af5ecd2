"""Decides for everybody who stands at the door at this moment, with one look into the record."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import psycopg
import structlog
from psycopg import Connection

from api.door.asking import Ask
from api.door.notes import Notes
from api.door.remembered import Remembered
from api.door.token import Issuer
from devices.credentials import store
from devices.credentials.guessing import Guesses
from devices.credentials.model import Credential
from devices.credentials.verify import Verdict, judge

AWAY_S = 5.0  # a record that did not answer is left alone for so long: whoever waits at the door waits for nothing
_log = structlog.get_logger("door")

Connect = Callable[[], Connection[Any]]


@dataclass(kw_only=True)
class Doorkeeper:
    """`connect` gives a connection that commits by itself and has little patience."""

    issuer: Issuer
    connect: Connect
    notes: Notes
    remembered: Remembered = field(default_factory=Remembered)
    guesses: Guesses = field(default_factory=Guesses)
    put_out: dict[str, float] = field(default_factory=dict)  # username -> until when it stays outside
    _conn: Connection[Any] | None = None
    _away_until_s: float = 0.0

    def answer(self, asks: Sequence[Ask]) -> list[bytes]:
        """One for each, in their order."""
        now, now_s = datetime.now(UTC), time.monotonic()
        names = {ask.name for ask in asks if ask.username is not None}
        known, sure = self._look_up(names, now_s) if names else ({}, True)
        return [self._one(ask, known.get(ask.name), sure=sure, now=now, now_s=now_s) for ask in asks]

    def close(self) -> None:
        if self._conn is not None:
            self._conn.close()
            self._conn = None

    def _look_up(self, names: set[str], now_s: float) -> tuple[dict[str, Credential], bool]:
        """And whether what is not found does not exist."""
        if now_s < self._away_until_s:
            return self.remembered.find(names, now_s), False
        try:
            if self._conn is None:
                self._conn = self.connect()
            found = store.find_by_usernames(self._conn, names)
        except (psycopg.OperationalError, psycopg.InterfaceError) as error:
            _log.warning("database away", error=str(error).strip(), remembered=len(self.remembered))
            self.close()
            self._away_until_s = time.monotonic() + AWAY_S
            return self.remembered.find(names, now_s), False
        self.remembered.keep(names, found, now_s)
        return found, True

    def _one(self, ask: Ask, known: Credential | None, *, sure: bool, now: datetime, now_s: float) -> bytes:
        verdict = self._judge(ask, known, sure=sure, now=now, now_s=now_s)
        self.notes.judged(ask, verdict, now)
        if verdict is not Verdict.LET_IN or ask.username is None or known is None:
            return self.issuer.turn_away(ask.server_id, ask.user_key, verdict.lower())
        ends_s = None if known.expires_at is None else int(known.expires_at.timestamp())
        return self.issuer.let_in(ask.server_id, ask.user_key, ask.username, ends_s)

    def _judge(self, ask: Ask, known: Credential | None, *, sure: bool, now: datetime, now_s: float) -> Verdict:
        """From where a device was let in before, it is looked at however much is guessed there: nobody finds a
        password by guessing, but whoever shares an address could keep it out."""
        if self.put_out.get(ask.name, 0.0) > now_s:
            return Verdict.LIMITED
        at_home = known is not None and known.last_address == ask.address
        if not at_home and self.guesses.limited(ask.name, ask.address, now_s):
            return Verdict.LIMITED
        verdict = judge(ask.username, known, ask.password, ask.client_id, now)
        if verdict is Verdict.UNKNOWN and not sure:
            return Verdict.UNDECIDED
        if verdict is Verdict.LET_IN and not ask.shows_itself:
            return Verdict.FOREIGN_CERTIFICATE
        if verdict in {Verdict.WRONG_PASSWORD, Verdict.UNKNOWN}:
            self.guesses.wrong(ask.name, ask.address, now_s)
        return verdict

"""Once a second, and at once when a credential changed: who came is written down, whose credential ended is put out,
and what NATS denied is counted."""

import threading
import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
import structlog
from psycopg import Connection

from api import database
from api.door import answering, sessions
from api.door.notes import Notes, Page
from api.door.tail import Tail
from api.settings import Settings
from api.watch.port import Turns
from api.watch.pulse import Pulse
from devices.credentials import denials, issuing, store
from ingest.adapter_wire import Wire
from ingest.errors import LogError
from ledger.statements import Statements

LOOP = "door"
POLL_S = 1.0
AWAY_S = 1.0  # after which a record that was away is tried again
# Whoever was let in before his credential ended may still be on the way into the server: it waits so long for our
# answers (api/engines/nats.py). After that, a second look finds whoever there is.
SETTLE_S = 12.0
# A device needs one to three subscriptions, each some two of NATS'. Each takes a kilobyte of its memory, and it has no
# bound for them that holds with MQTT (`subs` in 2.15): 300,000 in 15 s were 0.6 GB.
MOST_SUBSCRIPTIONS = 500
HOARDERS_S = 2.0  # between two looks for them
_OUTSIDE_S = 60.0  # for so long such a device stays outside; its session brings them all back
_sql = Statements("api.door")
_log = structlog.get_logger("door")


@dataclass(kw_only=True)
class Upkeep:
    """`servers`: the NATS servers with a door, by name."""

    settings: Settings
    notes: Notes
    servers: Sequence[str]
    logs: Sequence[Path]
    put_out: dict[str, float] = field(default_factory=dict)  # the doorkeeper's
    settle_s: float = SETTLE_S
    _looked_s: float = 0.0
    _tails: dict[str, Tail] = field(default_factory=dict)
    _page: Page | None = None  # taken and not written yet
    _ended: dict[str, float] = field(default_factory=dict)  # username -> when its sessions were first ended
    _unread: set[str] = field(default_factory=set)  # logs that could not be read the last time

    def run(self, stop: threading.Event, turns: Turns) -> None:
        """A database that is away is waited for."""
        try:
            while not stop.is_set():
                turns.mark(LOOP)
                self._while_connected(stop, turns)
        finally:
            for tail in self._tails.values():
                tail.close()

    def _while_connected(self, stop: threading.Event, turns: Turns) -> None:
        try:
            with database.connect(self.settings, "foremend_relay", stop=stop, autocommit=True) as conn:
                store.listen_for_change(conn)
                self._keep_at_it(conn, stop, Pulse(LOOP, turns), turns)
        except (psycopg.OperationalError, psycopg.InterfaceError) as error:
            _log.warning("database away", job=LOOP, error=str(error).strip())
            stop.wait(AWAY_S)

    def _keep_at_it(self, conn: Connection[Any], stop: threading.Event, pulse: Pulse, turns: Turns) -> None:
        """The pulse that others see is that of both loops."""
        while not stop.is_set():
            if answering.LOOP not in turns.silent():
                pulse.beat(conn)
            self.turn(conn)
            for _ in conn.notifies(timeout=POLL_S, stop_after=1):
                pass

    def turn(self, conn: Connection[Any]) -> None:
        self._read_logs(conn)
        self._end_hoarders()
        self._write(conn)
        self._end_sessions(conn)

    def _write(self, conn: Connection[Any]) -> None:
        page = self._page = self._page or self.notes.take()
        with conn.transaction():
            now = datetime.now(UTC)
            if page.used:
                issuing.came_in(conn, page.used, now)
            if page.denied:
                denials.add(conn, list(page.denied.values()))
            if page.counts:
                self._count(conn, page)
        self._page = None

    def _count(self, conn: Connection[Any], page: Page) -> None:
        """And up to where the logs were read, which is worth a writing only if something was found."""
        rows = [(what, times, page.last_at[what]) for what, times in page.counts.items()]
        rows += [(_place(path), 0, tail.read_to) for path, tail in self._tails.items()]
        what, times, last_at = (list(column) for column in zip(*sorted(rows), strict=True))
        conn.execute(_sql.add_counts, {"what": what, "times": times, "last_at": last_at})

    def _end_sessions(self, conn: Connection[Any]) -> None:
        """Twice: at once, and after whoever was on the way has come in."""
        now, now_s = datetime.now(UTC), time.monotonic()
        fresh = store.list_ended(conn, now, but=list(self._ended))
        settled = [name for name, at_s in self._ended.items() if now_s - at_s > self.settle_s]
        if not fresh and not settled:
            return
        try:
            with closing(Wire(self.settings.nats_url.get_secret_value())) as wire:
                ended = sessions.end(wire, self.servers, [*fresh, *settled])
        except LogError as error:
            _log.warning("sessions could not be ended", error=str(error), credentials=len(fresh) + len(settled))
            return
        self._ended |= dict.fromkeys(fresh, now_s)
        if settled:
            store.mark_dropped(conn, settled, now)
        for name in settled:
            del self._ended[name]
        if ended:
            _log.info("sessions ended", sessions=ended, credentials=len(fresh) + len(settled))

    def _end_hoarders(self) -> None:
        now_s = time.monotonic()
        if now_s - self._looked_s < HOARDERS_S:
            return
        self._looked_s = now_s
        for name in [name for name, until_s in self.put_out.items() if until_s < now_s]:
            del self.put_out[name]
        try:
            with closing(Wire(self.settings.nats_url.get_secret_value())) as wire:
                found = sessions.hoarders(wire, self.servers, MOST_SUBSCRIPTIONS)
                for each in found:  # before the connection ends: some come again at once
                    self._keep_outside(each, now_s)
                sessions.put_out(wire, found)
        except LogError as error:
            _log.debug("nobody could be asked who subscribes to how much", error=str(error))

    def _keep_outside(self, who: sessions.Hoarder, now_s: float) -> None:
        """Told once: a server that is late still lists whom it was told to put out."""
        known = str(who.username) in self.put_out
        self.put_out[str(who.username)] = now_s + _OUTSIDE_S
        if known:
            return
        self.notes.hoarded(who.username, who.held, datetime.now(UTC))
        _log.warning("put out: too many subscriptions", device=who.username.client_id, subscriptions=who.held)

    def _read_logs(self, conn: Connection[Any]) -> None:
        if not self.logs:
            self.notes.unreadable(datetime.now(UTC))
        for path in self.logs:
            tail = self._tails.get(str(path))
            try:
                if tail is None:
                    tail = self._tails[str(path)] = Tail(path, _since(conn, path))
                self.notes.violated(list(tail.look()))
                self._unread.discard(str(path))
            except OSError as error:
                self.notes.unreadable(datetime.now(UTC))
                if str(path) not in self._unread:
                    _log.warning("NATS' log cannot be read", path=str(path), error=str(error))
                self._unread.add(str(path))


def _place(path: str | Path) -> str:
    return f"log:{path}"


def _since(conn: Connection[Any], path: Path) -> datetime | None:
    row = conn.execute(_sql.read_place, {"what": _place(path)}).fetchone()
    return row[0] if row else None

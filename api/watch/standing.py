"""How the house stands at this moment: what the record says of worker and relay, what the log says of itself."""

from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import psycopg
from psycopg import Connection
from psycopg.rows import dict_row
from psycopg_pool import ConnectionPool

from api.settings import Settings, SignIn
from ingest import adapter_log
from ingest.adapter_log import Head
from ingest.adapter_wire import Wire
from ingest.errors import LogError
from ledger.statements import Statements

PATIENCE_S = 2.0
SERVER_FACTS = "house.server.facts"  # what NATS' configuration lets the house ask its server: api/engines/nats.py
_sql = Statements("api.watch")


@dataclass(frozen=True, kw_only=True)
class Ownership:
    """One partition. `lease_left_s` and `still_s` are by the database's clock; None: never owned, never moved."""

    owner: str | None
    cursor: int
    lease_left_s: float | None
    still_s: float | None


@dataclass(frozen=True, kw_only=True)
class Beat:
    loop: str
    turns: int
    age_s: float


@dataclass(frozen=True, kw_only=True)
class Happened:
    """At the devices' door: how often ever, and how long ago the last time was."""

    times: int
    age_s: float


@dataclass(frozen=True, kw_only=True)
class RecordStanding:
    """`schema_version` is None where none may be read."""

    schema_version: int | None
    partitions: tuple[Ownership, ...]
    beats: tuple[Beat, ...]
    sealed_lags_s: Mapping[str, float] = field(default_factory=dict)  # of each class that is aggregated
    door: Mapping[str, "Happened"] = field(default_factory=dict)  # what happened there, if devices sign in

    @property
    def cursor(self) -> int:
        return min((partition.cursor for partition in self.partitions), default=0)


@dataclass(frozen=True, kw_only=True)
class Store:
    """What the log's server keeps of everything, and how much it may. Beyond it nothing is stored, nor acknowledged."""

    stored_bytes: int
    limit_bytes: int

    @property
    def fill(self) -> float:
        return self.stored_bytes / self.limit_bytes


@dataclass(frozen=True, kw_only=True)
class LogStanding:
    """`unread_s`: how long the oldest unread message has been in the log, 0 without one, None if it cannot be said.
    `stored_bytes` and `limit_bytes` are the server's, of everything it keeps; None: it does not say."""

    head: Head
    unread: int
    unread_s: float | None
    stored_bytes: int | None
    limit_bytes: int | None

    @property
    def fill(self) -> float | None:
        """What of the limit is used up, 0 to 1 and beyond."""
        return self.stored_bytes / self.limit_bytes if self.limit_bytes and self.stored_bytes is not None else None


@dataclass(frozen=True, kw_only=True)
class Standing:
    """A text instead of a value says why there is none."""

    record: RecordStanding | str
    log: LogStanding | str
    signs_in: bool = False  # whether devices must, and so whether there must be a door


def look(settings: Settings, pool: ConnectionPool[Connection[Any]]) -> Standing:
    record = _record(pool)
    try:
        log: LogStanding | str = log_standing(settings, record.cursor if isinstance(record, RecordStanding) else None)
    except LogError as error:
        log = str(error)
    return Standing(record=record, log=log, signs_in=settings.device_sign_in is SignIn.REQUIRED)


def _record(pool: ConnectionPool[Connection[Any]]) -> RecordStanding | str:
    try:
        with pool.connection(timeout=PATIENCE_S) as conn:
            return record_standing(conn)
    except psycopg.Error as error:
        return str(error).strip()


def record_standing(conn: Connection[Any]) -> RecordStanding:
    """In a transaction of its own. Raises psycopg.Error for a database that is away; one without our tables, or with
    older ones, is described by what it lacks."""
    try:
        with conn.transaction(), conn.cursor(row_factory=dict_row) as cur:
            cur.execute(_sql.bound_patience)
            (version,) = (cur.execute(_sql.read_schema_version).fetchone() or {"max": None}).values()
            partitions = tuple(Ownership(**row) for row in cur.execute(_sql.list_partitions))
            beats = tuple(Beat(**row) for row in cur.execute(_sql.list_pulses))
            lags = dict(conn.execute(_sql.list_sealed_lags).fetchall())
            door = {what: Happened(times=n, age_s=age_s) for what, n, age_s in conn.execute(_sql.list_door_counts)}
    except (psycopg.errors.UndefinedTable, psycopg.errors.InsufficientPrivilege):
        return RecordStanding(schema_version=None, partitions=(), beats=())
    return RecordStanding(schema_version=version, partitions=partitions, beats=beats, sealed_lags_s=lags, door=door)


def log_standing(settings: Settings, cursor: int | None) -> LogStanding:
    """Raises LogError."""
    with closing(Wire(settings.nats_url.get_secret_value(), PATIENCE_S)) as wire:
        head = adapter_log.head(wire)
        facts = server_facts(wire)
        read = head.last_seq if cursor is None else min(cursor, head.last_seq)
        first_unread = max(read + 1, head.first_seq)
        unread_s = None if cursor is None else _age_s(wire, head, first_unread, facts)
    store = store_of(facts)
    return LogStanding(
        head=head,
        unread=max(0, head.last_seq - first_unread + 1),
        unread_s=unread_s,
        stored_bytes=store.stored_bytes if store else None,
        limit_bytes=store.limit_bytes if store else None,
    )


def server_facts(wire: Wire) -> dict[str, Any]:
    """What the server says of itself (NATS' VARZ); empty if its configuration does not let us ask."""
    try:
        facts: dict[str, Any] = wire.request(SERVER_FACTS)["data"]
    except LogError:
        return {}
    return facts


def _age_s(wire: Wire, head: Head, seq: int, facts: dict[str, Any]) -> float | None:
    """By the log's own clock where it tells it."""
    if seq > head.last_seq:
        return 0.0
    try:
        received_ms = adapter_log.received_ms(wire, head, seq)
    except LogError:
        return None  # forgotten meanwhile
    if received_ms is None:
        return None
    return max(0.0, server_now(facts).timestamp() - received_ms / 1000)


def store_of(facts: dict[str, Any]) -> Store | None:
    """None where the server does not say it."""
    said = facts.get("jetstream", {})
    stored_bytes, limit_bytes = said.get("stats", {}).get("storage"), said.get("config", {}).get("max_storage")
    if stored_bytes is None or not limit_bytes:
        return None
    return Store(stored_bytes=stored_bytes, limit_bytes=limit_bytes)


def server_now(facts: dict[str, Any]) -> datetime:
    """NATS writes nanoseconds, which Python does not read; the second will do."""
    said = str(facts.get("now", ""))
    return datetime.fromisoformat(said[:19]).replace(tzinfo=UTC) if said else datetime.now(UTC)

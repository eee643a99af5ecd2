"""Rows of presence and the values they stand for: what workers write."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

import numpy as np
from psycopg import Connection

from ingest.model import Ints
from ingest.presence.listening import Listening
from ingest.presence.model import OUT, BridgeWord, Cause, Kind, State
from ingest.presence.silence import News
from ingest.store import moment
from ledger.ids import uuid7
from ledger.statements import Statements

_sql = Statements("ingest.presence")
_WORDS = {State.ONLINE: "ONLINE", State.AWAITED: "AWAITED", State.ASLEEP: "ASLEEP"}  # the others are OFFLINE
_STATES = {word: state for state, word in _WORDS.items()} | {cause.value: state for state, cause in OUT.items()}


class Standing(NamedTuple):
    """(n,) each: what the record says devices are."""

    device_no: Ints
    state: Ints
    since_ms: Ints
    until_ms: Ints


class Ended(NamedTuple):
    outage_id: UUID
    kind: Kind
    parent_id: UUID | None
    until: datetime


class Opened(NamedTuple):
    outage_id: UUID
    kind: Kind
    device_no: int


class FallenSite(NamedTuple):
    """`fell` together, of which `alone` stand under no other outage; `standing` are still there."""

    tenant_id: str
    site: str
    fell: int
    alone: int
    since: datetime
    patience_ms: int
    standing: int


class BrokerStanding(NamedTuple):
    tenant_id: str
    broker: str
    connected: bool
    back_at: datetime | None
    since: datetime
    heard_at: datetime
    outage_id: UUID | None


def list_presence(conn: Connection[Any]) -> Standing:
    rows = conn.execute(_sql.list_presence).fetchall()
    states = [_STATES[cause if state == "OFFLINE" else state] for _, state, cause, _, _ in rows]
    columns = ([row[0] for row in rows], states, [row[3] for row in rows], [row[4] for row in rows])
    return Standing(*(np.array(column, np.int64) for column in columns))


def list_awaited(conn: Connection[Any]) -> list[tuple[int, int]]:
    """(device_no, since_ms)."""
    return conn.execute(_sql.list_awaited).fetchall()


def list_families(conn: Connection[Any]) -> Ints:
    """(n, 2): device and its gateway."""
    return np.array(conn.execute(_sql.list_families).fetchall(), np.int64).reshape(-1, 2)


def list_gateways_out(conn: Connection[Any]) -> list[tuple[int, int, list[int]]]:
    """(device_no, since_ms, who stands behind it)."""
    return conn.execute(_sql.list_gateways_out).fetchall()


def lock_outages(conn: Connection[Any]) -> None:
    conn.execute(_sql.lock_outages)


def keep_presence(conn: Connection[Any], news: News) -> None:
    states = [State(int(state)) for state in news.state]
    names = {
        "device_no": news.device_no.tolist(),
        "state": [_WORDS.get(state, "OFFLINE") for state in states],
        "since": [moment(ms) for ms in news.since_ms.tolist()],
        "cause": [OUT.get(state) for state in states],
        "until": [
            moment(ms) if state is State.ASLEEP else None
            for state, ms in zip(states, news.until_ms.tolist(), strict=True)
        ],
    }
    conn.execute(_sql.keep_presence, names)


def end_outages(conn: Connection[Any], device_no: Sequence[int], at_ms: Sequence[int]) -> list[Ended]:
    names = {"device_no": list(device_no), "at": [moment(ms) for ms in at_ms]}
    return [
        Ended(outage_id, Kind(kind), parent_id, until)
        for outage_id, kind, parent_id, until in conn.execute(_sql.end_outages, names)
    ]


def end_outages_above(conn: Connection[Any], ended: Iterable[Ended]) -> list[UUID]:
    """Of the sites that had these under them."""
    above = [each for each in ended if each.parent_id is not None]
    names = {"outage_id": [each.parent_id for each in above], "at": [each.until for each in above]}
    return [outage_id for (outage_id,) in conn.execute(_sql.end_outages_above, names)] if above else []


def await_gateways(conn: Connection[Any], device_no: Sequence[int], at_ms: Sequence[int]) -> None:
    conn.execute(_sql.await_gateways, {"device_no": list(device_no), "at": [moment(ms) for ms in at_ms]})


def release_children(conn: Connection[Any], outage_ids: Sequence[UUID]) -> None:
    conn.execute(_sql.release_children, {"outage_ids": list(outage_ids)})


def open_outages(conn: Connection[Any], news: News, now: datetime) -> list[Opened]:
    names = {
        "outage_id": [uuid7(now) for _ in range(len(news))],
        "device_no": news.device_no.tolist(),
        "cause": [OUT[State(int(state))] for state in news.state],
        "since": [moment(ms) for ms in news.since_ms.tolist()],
        "patience_ms": news.patience_ms.tolist(),
        "now": now,
    }
    rows = conn.execute(_sql.open_outages, names)
    return [Opened(outage_id, Kind(kind), device_no) for outage_id, kind, device_no in rows]


def open_outage(
    conn: Connection[Any],
    kind: Kind,
    tenant_id: str,
    subject: str,
    *,
    cause: Cause,
    since: datetime,
    now: datetime,
    until: datetime | None = None,
    patience_ms: int | None = None,
) -> UUID | None:
    """None: it is known already."""
    names = {
        "outage_id": uuid7(now),
        "tenant_id": tenant_id,
        "kind": kind,
        "subject": subject,
        "cause": cause,
        "since": since,
        "now": now,
        "until": until,
        "patience_ms": patience_ms,
    }
    row = conn.execute(_sql.open_outage, names).fetchone()
    return row[0] if row else None


def end_outage(conn: Connection[Any], outage_id: UUID, until: datetime) -> None:
    conn.execute(_sql.end_outage, {"outage_id": outage_id, "until": until})


def adopt_outages(conn: Connection[Any], outage_ids: Sequence[UUID], slack_ms: int) -> None:
    conn.execute(_sql.adopt_outages, {"outage_ids": list(outage_ids), "slack_ms": slack_ms})


def count_children(conn: Connection[Any]) -> None:
    conn.execute(_sql.count_children)


def find_fallen_sites(conn: Connection[Any], device_nos: Sequence[int]) -> list[FallenSite]:
    rows = conn.execute(_sql.find_fallen_sites, {"device_nos": list(device_nos)})
    return [FallenSite(*row) for row in rows]


def keep_bridges(conn: Connection[Any], words: Sequence[BridgeWord]) -> None:
    """The last word of each."""
    names = {name: [getattr(word, name) for word in words] for name in BridgeWord._fields}
    at = [moment(word.received_ms) for word in words]
    conn.execute(_sql.keep_bridges, {**names, "at": at, "heard_at": at})


def silence_bridges(conn: Connection[Any], deadline: datetime, first_slot: int, last_slot: int) -> None:
    conn.execute(_sql.silence_bridges, {"deadline": deadline, "first_slot": first_slot, "last_slot": last_slot})


def keep_brokers(conn: Connection[Any], words: Sequence[BridgeWord]) -> None:
    came = {(word.tenant_id, device_id): word for word in words for device_id in word.device_ids}
    names = {
        "tenant_id": [tenant_id for tenant_id, _ in came],
        "device_id": [device_id for _, device_id in came],
        "broker": [word.broker for word in came.values()],
        "at": [moment(word.received_ms) for word in came.values()],
    }
    if came:
        conn.execute(_sql.keep_brokers, names)


def list_brokers(conn: Connection[Any]) -> list[BrokerStanding]:
    return [BrokerStanding(*row) for row in conn.execute(_sql.list_brokers)]


def find_ours(conn: Connection[Any], subject: str, since: datetime) -> tuple[UUID, datetime | None] | None:
    return conn.execute(_sql.find_ours, {"subject": subject, "since": since}).fetchone()


def read_listening(conn: Connection[Any], first_slot: int) -> Listening | None:
    row = conn.execute(_sql.read_listening, {"first_slot": first_slot}).fetchone()
    return None if row is None else Listening(since_ms=row[0], heard_ms=row[1])


def keep_listening(conn: Connection[Any], first_slot: int, listening: Listening) -> None:
    names = {"since": moment(listening.since_ms), "heard_at": moment(listening.heard_ms)}
    conn.execute(_sql.keep_listening, {**names, "first_slot": first_slot})

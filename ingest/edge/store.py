"""Rows of edge nodes and their births, and the values they stand for."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, NamedTuple

from psycopg import Connection
from psycopg.rows import class_row

from ingest.edge.model import ITSELF, Birth, EdgeTopic, Known, Node, NodeKey, Standing, Step, Told
from ingest.store import moment, ms
from ledger.statements import Statements

_sql = Statements("ingest.edge")


class Wish(NamedTuple):
    """A node that shall say its births again, and since when."""

    node: NodeKey
    wanted_at: datetime


def load(conn: Connection[Any], topic: Iterable[EdgeTopic], before: int) -> dict[NodeKey, Node]:
    """What was known of those who speak before message `before` of the log: births as they were then, all else as it
    is now."""
    speakers = {(each.node, each.device_id) for each in topic}
    if not speakers:
        return {}
    keys = sorted({node for node, _ in speakers})
    places = sorted(speakers | {(node, ITSELF) for node in keys})
    births: dict[NodeKey, dict[str, Birth]] = {key: {} for key in keys}
    names = {**_columns([node for node, _ in places]), "device_id": [device for _, device in places], "before": before}
    for tenant_id, group_id, node_id, *row in conn.execute(_sql.find_births, names):
        births[NodeKey(tenant_id, group_id, node_id)][row[0]] = _birth(*row)
    found = dict.fromkeys(keys, Node())
    for tenant_id, group_id, node_id, *row in conn.execute(_sql.find_nodes, _columns(keys)):
        found[NodeKey(tenant_id, group_id, node_id)] = _node(*row)
    return {key: replace(node, births=births[key]) for key, node in found.items()}


def _node(
    seq: int | None,
    sent_ms: int | None,
    online: bool,  # noqa: FBT001 - a row
    since: datetime | None,
    born_at: datetime | None,
    lacking: bool,  # noqa: FBT001
    wanted_at: datetime | None,
) -> Node:
    return Node(
        last=None if seq is None else Step(seq, sent_ms),
        online=online,
        since_ms=_ms(since),
        born_ms=_ms(born_at),
        lacking=lacking,
        wanted_ms=_ms(wanted_at),
    )


def _birth(device_id: str, seq: int, received_at: datetime, *row: Any) -> Birth:
    born, bd_seq, sent_ms, since_ms, metrics = row
    return Birth(
        device_id=device_id,
        seq=seq,
        received_ms=ms(received_at),
        born=born,
        bd_seq=bd_seq,
        sent_ms=sent_ms,
        since_ms=since_ms,
        metrics=tuple(Known(*each) for each in json.loads(metrics)),
    )


def save(conn: Connection[Any], told: Told) -> None:
    """In the transaction of the batch that told it."""
    if told.nodes:
        conn.execute(_sql.save_nodes, _node_columns(told.nodes))
    if told.births:
        _save_births(conn, told.births)


def _node_columns(nodes: Mapping[NodeKey, Node]) -> dict[str, Any]:
    return {
        **_columns(list(nodes)),
        "last_seq": [None if node.last is None else node.last.seq for node in nodes.values()],
        "last_sent_ms": [None if node.last is None else node.last.sent_ms for node in nodes.values()],
        "online": [node.online for node in nodes.values()],
        "since": [_moment(node.since_ms) for node in nodes.values()],
        "born_at": [_moment(node.born_ms) for node in nodes.values()],
        "lacking": [node.lacking for node in nodes.values()],
        "rebirth_wanted_at": [_moment(node.wanted_ms) for node in nodes.values()],
    }


def _save_births(conn: Connection[Any], births: Sequence[tuple[NodeKey, Birth]]) -> None:
    first: dict[tuple[NodeKey, str], int] = {}
    superseded: dict[int, int] = {}
    newest: dict[tuple[NodeKey, str], int] = {}
    for key, birth in births:
        place = key, birth.device_id
        first.setdefault(place, birth.seq)
        if place in newest:
            superseded[newest[place]] = birth.seq
        newest[place] = birth.seq
    begins = {"device_id": [device_id for _, device_id in first], "seq": list(first.values())}
    conn.execute(_sql.supersede_births, {**_columns([key for key, _ in first]), **begins})
    said = [birth for _, birth in births]
    names = {
        **_columns([key for key, _ in births]),
        "device_id": [birth.device_id for birth in said],
        "seq": [birth.seq for birth in said],
        "superseded_seq": [superseded.get(birth.seq) for birth in said],
        "received_at": [_moment(birth.received_ms) for birth in said],
        "born": [birth.born for birth in said],
        "bd_seq": [birth.bd_seq for birth in said],
        "sent_ms": [birth.sent_ms for birth in said],
        "since_ms": [birth.since_ms for birth in said],
        "metrics": [json.dumps(birth.metrics).encode() for birth in said],
    }
    conn.execute(_sql.add_births, names)


def drop_after(conn: Connection[Any], cursor: int) -> None:
    """The log lost what came after `cursor`."""
    conn.execute(_sql.drop_births, {"cursor": cursor})
    conn.execute(_sql.restore_births, {"cursor": cursor})


def forget_before(conn: Connection[Any], seq: int) -> None:
    """Births that did not hold any more at `seq`, from before which nobody reads the log again."""
    conn.execute(_sql.forget_births, {"before": seq})


def wishes(conn: Connection[Any], limit: int) -> list[Wish]:
    """The oldest first; those that were sent on are none."""
    rows = conn.execute(_sql.list_lacking, {"limit": limit})
    return [Wish(NodeKey(*key), wanted_at) for *key, wanted_at in rows]


def listed(conn: Connection[Any], limit: int) -> list[Standing]:
    """Of the transaction's tenant, those that lack something first."""
    with conn.cursor(row_factory=class_row(Standing)) as cur:
        return cur.execute(_sql.list_nodes, {"limit": limit}).fetchall()


def mark_asked(conn: Connection[Any], asked: Sequence[Wish]) -> None:
    names = {**_columns([wish.node for wish in asked]), "wanted_at": [wish.wanted_at for wish in asked]}
    conn.execute(_sql.mark_asked, names)


def _columns(keys: Sequence[NodeKey]) -> dict[str, Any]:
    return {name: [key[place] for key in keys] for place, name in enumerate(NodeKey._fields)}


def _moment(epoch_ms: int | None) -> datetime | None:
    return None if epoch_ms is None else moment(epoch_ms)


def _ms(at: datetime | None) -> int | None:
    return None if at is None else ms(at)

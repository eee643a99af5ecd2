"""What edge nodes said is kept with the batch that heard it, and read as it was by whoever reads the log again."""

import random
import re
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from psycopg import Connection

from ingest import partition
from ingest.edge import store
from ingest.edge.model import EdgeTopic, Kind, Node, NodeKey
from ingest.model import Message
from ledger.statements import Statements
from tests.conftest import Database
from tests.ingest.edges import KEY, Edge, after, bd_seq, heard
from tests.ingest.record import an_intake, register

pytestmark = pytest.mark.engines
REGISTERED = {"edge1": 1, "d1": 2, "d2": 3}
EVERYBODY = [EdgeTopic(KEY, Kind.NDATA), EdgeTopic(KEY, Kind.DDATA, "d1"), EdgeTopic(KEY, Kind.DDATA, "d2")]


@pytest.fixture
def conn(database: Database) -> Iterator[Connection[Any]]:
    with database.connect() as owner:
        assert register(owner, *[("demo", name, "refrigerator") for name in REGISTERED]) == list(REGISTERED.values())
    with database.connect("foremend_worker", autocommit=False) as opened:
        yield opened


def known(conn: Connection[Any], before: int = 2**62) -> dict[NodeKey, Node]:
    with conn.transaction():
        return store.load(conn, EVERYBODY, before)


def a_life(edge: Edge, turns: int) -> list[Message]:
    """Of a node with two devices, everything in it; the same each time."""
    chance = random.Random(7)
    for turn in range(turns):
        match chance.randrange(8) if turn else 0:
            case 0:
                edge.born(turn, *chance.choice([("d1",), ("d1", "d2")]))
            case 1:
                edge.loses()
            case 2:
                edge.says("DDEATH", device_id="d1")
            case 3:
                edge.says("NDEATH", bd_seq(turn - chance.randrange(3)))
            case _:
                edge.data({"alias": chance.choice([10, 11]), "float_value": float(turn)})
    return edge.messages


def test_each_worker_goes_on_where_the_last_one_was_killed(conn: Connection[Any]) -> None:
    messages = a_life(edge := Edge(), 60)
    for first in range(0, len(messages), 7):
        an_intake(conn).take(messages[first : first + 7])
    whole = heard(edge, registered=REGISTERED)
    assert len(whole.batches[0]) > 20
    assert known(conn) == after({}, whole)
    (kept,) = conn.execute("SELECT count(*) FROM reading_refrigerator").fetchone() or (0,)
    refused = conn.execute("SELECT seq, reason FROM refusal ORDER BY seq").fetchall()
    assert kept == len(whole.batches[0])
    assert refused == [(refusal.seq, refusal.reason) for refusal in whole.refusals]


def test_the_log_read_again_from_anywhere_is_understood_as_it_was(conn: Connection[Any]) -> None:
    messages = a_life(edge := Edge(), 60)
    an_intake(conn).take(messages)
    whole = heard(edge, registered=REGISTERED)
    for first in range(0, len(messages) - 9, 5):
        edge.messages = messages[first:]
        again = heard(edge, known(conn, before=messages[first].seq), REGISTERED)
        begin = messages[first].seq
        assert again.refusals == [each for each in whole.refusals if each.seq >= begin]
        theirs = whole.batches[0].where(whole.batches[0].seq >= begin)
        assert again.batches[0].seq.tolist() == theirs.seq.tolist()
        np.testing.assert_array_equal(again.batches[0].values, theirs.values)


def test_a_batch_that_is_not_committed_teaches_nothing(conn: Connection[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    edge, intake = Edge(), an_intake(conn)
    edge.born(0, "d1")
    intake.take(edge.messages)
    before = known(conn)
    edge.messages = []
    edge.loses()
    edge.data()
    with monkeypatch.context() as broken:
        broken.setattr(partition, "advance", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            intake.take(edge.messages)
    assert (known(conn), intake.counts.edge_gaps) == (before, 0)
    intake.take(edge.messages)
    assert (known(conn)[KEY].lacking, intake.counts.edge_gaps, intake.counts.rebirths_wanted) == (True, 1, 1)
    assert (intake.counts.edge_births, intake.counts.edge_deaths) == (2, 0)


def test_a_log_that_lost_its_end_takes_the_births_in_it_along(conn: Connection[Any]) -> None:
    edge, intake = Edge(), an_intake(conn)
    edge.born(0, "d1")
    intake.take(edge.messages)
    before, kept = known(conn)[KEY].births, edge.log_seq
    edge.messages = []
    edge.born(1, "d1", "d2")
    edge.says("NDEATH", bd_seq(1))
    intake.take(edge.messages)
    assert known(conn)[KEY].births != before
    with conn.transaction():
        store.drop_after(conn, kept)
    assert known(conn)[KEY].births == before


def test_births_that_stand_at_their_place_already_are_what_was_said_last(conn: Connection[Any]) -> None:
    edge, other = Edge(), Edge()
    edge.born(0, "d1")
    other.born(7, "d1", "d2")
    for said in (edge, other):
        with conn.transaction():
            store.save(conn, heard(said, registered=REGISTERED).told)
    births = known(conn)[KEY].births
    assert (births[""].bd_seq, set(births)) == (7, {"", "d1", "d2"})


def test_births_are_forgotten_when_nobody_will_read_the_log_from_before_the_next_one(conn: Connection[Any]) -> None:
    edge, intake = Edge(), an_intake(conn)
    for number in range(5):
        edge.born(number, "d1")
    intake.take(edge.messages)
    with conn.transaction():
        store.forget_before(conn, 6)
    seqs = conn.execute("SELECT seq FROM sparkplug_birth ORDER BY seq").fetchall()
    assert [seq for (seq,) in seqs] == [5, 6, 7, 8, 9, 10]
    conn.commit()
    assert {birth.seq for birth in known(conn, before=7)[KEY].births.values()} == {5, 6}


def test_names_that_no_json_column_takes_are_kept(conn: Connection[Any]) -> None:
    edge, intake = Edge(), an_intake(conn)
    edge.says("NBIRTH", bd_seq(0))
    edge.says("DBIRTH", {"name": "a\0b", "alias": 2**64 - 1, "datatype": 9, "is_null": True}, device_id="d1")
    edge.data({"alias": 2**64 - 1, "float_value": 1.0}, timestamp=2**64 - 1)
    edge.data({"alias": 2**64 - 1, "float_value": 1.0})
    intake.take(edge.messages)
    refused = conn.execute("SELECT reason FROM refusal ORDER BY seq").fetchall()
    assert refused == [("TS_OUT_OF_RANGE",), ("BAD_TEXT",)]


def test_what_strangers_say_in_the_name_of_a_tenant_that_is_none_leaves_no_row(conn: Connection[Any]) -> None:
    edge, intake = Edge(), an_intake(conn)
    edge.born(0, "d1")
    intake.take([each._replace(subject=each.subject.replace(".demo.", ".nobody.")) for each in edge.messages])
    assert conn.execute("SELECT FROM sparkplug_node").fetchall() == []
    assert conn.execute("SELECT FROM sparkplug_birth").fetchall() == []


def test_a_rebirth_is_wanted_until_it_is_asked_for_or_comes(conn: Connection[Any]) -> None:
    edge, intake = Edge(), an_intake(conn)
    edge.born(0, "d1")
    edge.loses()
    edge.data()
    intake.take(edge.messages)
    (wish,) = store.wishes(conn, 10)
    assert wish.node == KEY
    store.mark_asked(conn, [wish])
    assert store.wishes(conn, 10) == []
    conn.rollback()
    edge.messages = []
    edge.born(0, "d1")
    intake.take(edge.messages)
    assert store.wishes(conn, 10) == []
    conn.rollback()


@pytest.mark.parametrize(
    ("name", "index"),
    [
        ("find_nodes", "sparkplug_node_pkey"),
        ("find_births", "sparkplug_birth_pkey"),
        ("forget_births", "sparkplug_birth_superseded"),
        ("list_lacking", "sparkplug_node_lacking"),
    ],
)
def test_what_every_batch_and_every_second_asks_goes_over_an_index(
    conn: Connection[Any], name: str, index: str
) -> None:
    one = {key: ["a"] for key in ("tenant_id", "group_id", "node_id", "device_id")}
    conn.execute("SET LOCAL enable_seqscan = off")
    names = {**one, "before": 1, "limit": 9}
    plan = conn.execute(b"EXPLAIN " + getattr(Statements("ingest.edge"), name), names).fetchall()
    assert re.search(rf"on {index}|using {index}", "\n".join(line for (line,) in plan))
    conn.rollback()

"""An edge node counts its messages, is born and dies: what is missing is noticed, and wanted again."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.decode import decode
from ingest.edge.model import Presence
from ingest.model import Reason
from ingest.presence.model import Cause
from tests.ingest.builders import CATALOGUE, NOW_MS
from tests.ingest.edges import (
    Edge,
    after,
    bd_seq,
    heard,
    node,
    rows,
)

TEMP, POWER = {"alias": 10, "float_value": 5.0}, {"alias": 11, "float_value": 81.0}


def reasons(result):
    return [refusal.reason for refusal in result.refusals]


def test_every_seq_is_followed_around_its_end() -> None:
    edge = Edge()
    edge.born(0, "d1")
    for _ in range(600):
        edge.data()
    result = heard(edge)
    assert (len(rows(result)), result.told.gaps, result.told.wanted) == (601, 0, 0)


def test_a_missing_message_makes_the_births_wanted_and_what_is_known_is_kept() -> None:
    edge = Edge()
    edge.born(0, "d1")
    edge.loses()
    edge.data()
    result = heard(edge)
    assert rows(result) == [(1, 4.0, 80.0), (1, None, 81.0)]
    assert (result.refusals, result.told.gaps, result.told.wanted) == ([], 1, 1)
    assert (node(result).lacking, node(result).wanted_ms) == (True, edge.at_ms)


def test_births_are_wanted_once_a_minute_until_they_come() -> None:
    edge = Edge()
    edge.born(0, "d1")
    edge.loses()
    for _ in range(59):
        edge.data()
    nodes = after({}, result := heard(edge))
    assert result.told.wanted == 1
    edge.data()
    edge.data()
    nodes = after(nodes, result := heard(edge, nodes))
    assert (result.told.gaps, result.told.wanted) == (0, 1)
    edge.born(0, "d1")
    edge.waits(100)
    edge.data()
    result = heard(edge, nodes)
    assert (result.told.wanted, node(result).lacking) == (0, False)


def test_a_node_that_loses_much_is_not_asked_at_every_gap() -> None:
    edge = Edge()
    for _ in range(20):
        edge.born(0, "d1")
        edge.loses()
        edge.data()
    result = heard(edge)
    assert (result.told.gaps, result.told.wanted) == (20, 2)  # in 80 s


def test_a_birth_of_the_node_ends_those_of_its_devices() -> None:
    edge = Edge()
    edge.born(0, "d1")
    edge.born(1)
    edge.data()
    assert reasons(heard(edge)) == [Reason.NO_BIRTH]


@pytest.mark.parametrize(("will", "reason"), [(7, [Reason.NO_BIRTH]), (6, []), (None, [Reason.NO_BIRTH])])
def test_a_death_counts_if_it_is_of_the_session_that_lives(will: int | None, reason: list[Reason]) -> None:
    edge = Edge()
    edge.born(7, "d1")
    edge.says("NDEATH", *([] if will is None else [bd_seq(will)]))
    edge.data()
    result = heard(edge)
    assert reasons(result) == reason
    assert node(result).online is (not reason)
    assert [each.online for each in result.told.presence] == [True, True, *[False for _ in reason]]


def test_who_is_there_and_who_is_gone_is_said_with_the_logs_time() -> None:
    edge = Edge()
    edge.born(0, "d1")
    edge.says("DDEATH", device_id="d1")
    edge.says("NDEATH", bd_seq(0))
    edge.says("NDEATH", bd_seq(0))
    at = [NOW_MS + 1000 * second for second in range(1, 5)]
    said = [Presence(9, True, at[0]), Presence(1, True, at[1]), Presence(1, False, at[2]), Presence(9, False, at[3])]
    result = heard(edge)
    assert result.told.presence == said
    assert result.refusals == []
    assert (node(result).online, node(result).since_ms) == (False, at[3])


def test_a_birth_and_a_death_are_words_of_presence_and_a_death_is_no_sign_of_life() -> None:
    edge = Edge()
    edge.born(0, "d1")
    edge.says("DDEATH", device_id="d1")
    edge.says("NDEATH", bd_seq(0))
    spoken = heard(edge).spoken
    assert [word[:2] for word in spoken.words] == [(0, 9), (1, 1), (2, 1), (3, 9)]
    assert [word.online for word in spoken.words] == [True, True, False, False]
    assert {word.cause for word in spoken.words} == {Cause.DEATH}
    assert spoken.device_no.tolist() == [9, 1, 0, 0]


def test_a_will_of_an_older_session_is_neither_a_word_nor_a_sign_of_life() -> None:
    edge = Edge()
    edge.born(7)
    edge.says("NDEATH", bd_seq(6))
    spoken = heard(edge).spoken
    assert ([word.online for word in spoken.words], spoken.device_no.tolist()) == ([True], [9, 0])


def test_a_node_of_which_a_death_is_the_first_word_is_dead() -> None:
    """Its birth was before our time, and what aliases meant before this is nobody's to say."""
    edge = Edge()
    edge.says("NDEATH", bd_seq(4))
    result = heard(edge)
    ((_, death),) = result.told.births
    assert (death.born, death.received_ms, death.since_ms) == (False, edge.at_ms, edge.at_ms)
    assert result.told.presence == [Presence(9, online=False, received_ms=edge.at_ms)]
    assert node(result).online is False


def test_a_dead_device_that_speaks_must_be_born_again() -> None:
    edge = Edge()
    edge.born(0, "d1", "d2")
    edge.says("DDEATH", device_id="d1")
    edge.data()
    edge.data({"alias": 21, "float_value": 1.0}, device_id="d2")
    result = heard(edge)
    assert (reasons(result), rows(result)[-1], result.told.wanted) == ([Reason.NO_BIRTH], (2, None, 1.0), 1)


def test_what_a_bridge_brings_twice_is_no_gap_and_wants_nothing() -> None:
    edge = Edge()
    edge.born(0, "d1")
    said = [edge.data({"alias": 11, "float_value": float(i)}) for i in range(20)]
    for message in said[5:]:
        edge.again(message)
    edge.data()
    result = heard(edge)
    assert (result.told.gaps, result.told.wanted, result.refusals) == (0, 0, [])
    assert len(rows(result)) == 22


def test_a_whole_session_that_comes_twice_is_one() -> None:
    edge = Edge()
    edge.born(0, "d1")
    for _ in range(5):
        edge.data()
    for message in list(edge.messages):
        edge.again(message)
    edge.data()
    result = heard(edge)
    assert (result.told.gaps, result.told.wanted, result.refusals) == (0, 0, [])
    assert len(result.told.births) == 2


@given(st.lists(st.integers(1, 40), min_size=1, max_size=6))
def test_however_often_stretches_come_again_nothing_is_missing(stretches: list[int]) -> None:
    edge = Edge()
    edge.born(0, "d1")
    for count in stretches:
        for message in [*edge.messages][-count:]:
            edge.again(message)
        edge.data()
    result = heard(edge)
    assert (result.told.gaps, result.told.wanted, result.refusals) == (0, 0, [])


@given(st.integers(1, 255))
def test_however_many_are_missing_it_is_noticed(lost: int) -> None:
    edge = Edge()
    edge.born(0, "d1")
    edge.data()
    edge.loses(lost)
    edge.data()
    assert heard(edge).told.gaps == 1


def test_a_clock_that_is_set_back_is_no_gap() -> None:
    edge = Edge()
    edge.born(0, "d1")
    for _ in range(5):
        edge.data(timestamp=edge.at_ms - 3_600_000)
    assert heard(edge).told.gaps == 0


def test_unreadable_bytes_are_refused_and_missing_in_the_count() -> None:
    edge = Edge()
    edge.born(0, "d1")
    edge.data()
    edge.messages[-1] = edge.messages[-1]._replace(payload=b"\x12")
    edge.data()
    result = heard(edge)
    assert (reasons(result), result.told.gaps) == ([Reason.NOT_SPARKPLUG], 1)


@given(st.data())
def test_whatever_comes_in_whatever_order_is_a_row_or_a_refusal_or_says_nothing(data: st.DataObject) -> None:
    """And cutting the same messages into batches anywhere gives the same."""
    edge = Edge()
    for _ in range(data.draw(st.integers(1, 12))):
        match data.draw(st.sampled_from(["born", "data", "loses", "death", "ddeath", "again", "rubbish", "waits"])):
            case "born":
                edge.born(data.draw(st.integers(0, 2)), *data.draw(st.sampled_from([(), ("d1",), ("d1", "d2")])))
            case "data":
                edge.data({"alias": data.draw(st.sampled_from([10, 11, 20, 99])), "float_value": 1.0})
            case "loses":
                edge.loses(data.draw(st.integers(1, 3)))
            case "death":
                edge.says("NDEATH", bd_seq(data.draw(st.integers(0, 2))))
            case "ddeath":
                edge.says("DDEATH", device_id="d1")
            case "again" if edge.messages:
                edge.again(data.draw(st.sampled_from(edge.messages)))
            case "waits":
                edge.waits(61)
            case _:
                edge.data()
                edge.messages[-1] = edge.messages[-1]._replace(payload=data.draw(st.binary(max_size=9)))
    messages = edge.messages
    whole = heard(edge)
    cut = data.draw(st.integers(0, len(messages)))
    edge.messages = messages[:cut]
    first = heard(edge)
    nodes = after({}, first)
    edge.messages = messages[cut:]
    second = heard(edge, nodes)
    assert [*first.refusals, *second.refusals] == whole.refusals
    assert [*first.told.births, *second.told.births] == whole.told.births
    assert [*first.told.presence, *second.told.presence] == whole.told.presence
    assert after(nodes, second) == after({}, whole)
    assert first.told.wanted + second.told.wanted == whole.told.wanted


def test_a_batch_without_edge_nodes_tells_nothing() -> None:
    assert decode([], [], CATALOGUE).told.nodes == {}

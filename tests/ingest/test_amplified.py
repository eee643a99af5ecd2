"""A little that is sent never becomes much that is remembered: not in one message, and not by many of one `ts`."""

import json
from collections.abc import Callable

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest import limits, merge, topics
from ingest.decode import Decoded
from ingest.directory import Directory
from ingest.model import Batch, Message, Reason
from ingest.payloads import sparkplug
from ingest.payloads.sparkplug import Metric, Payload
from tests.conftest import Database
from tests.ingest.builders import CATALOGUE, FRIDGE, NOW_MS, a_reading, decoded
from tests.ingest.edges import Edge, after, heard
from tests.ingest.memory import stays_below
from tests.ingest.record import a_batch, register
from tests.ingest.speakers import BY_NAME, a_metric


def _senml() -> Decoded:
    """A unit of 50 kB in a record that all others stand beside at one time."""
    first = {"bn": "a", "bt": NOW_MS / 1000, "u": "x" * 50_000, "v": 1}
    pack = [first, *({"v": i} for i in range(990))]
    return decoded(json.dumps(pack, separators=(",", ":")).encode(), source=BY_NAME["senml-json"].source)


def _unit() -> Decoded:
    again = [Metric(name="a", datatype=4, field=sparkplug.LONG, value=2)] * 1800
    metrics = [a_metric("a", 1, NOW_MS, unit="x" * 40_000), *again]
    return decoded(sparkplug.say(Payload(metrics, timestamp_ms=NOW_MS)), source=BY_NAME["sparkplug"].source)


def _alias() -> Decoded:
    """A birth's name of 60 kB, and 3,900 values under its alias."""
    edge = Edge()
    edge.born()
    edge.says("DBIRTH", {"name": "n" * 60_000, "alias": 1, "datatype": 9, "is_null": True}, device_id="d1")
    nodes = after({}, heard(edge))
    edge.data(*[{"alias": 1, "float_value": 1.0}] * 3900)
    return heard(edge, nodes)


@pytest.mark.parametrize("send", [_senml, _unit, _alias])
def test_what_stands_once_in_a_payload_is_not_said_again_a_thousand_times(send: Callable[[], Decoded]) -> None:
    assert [each.reason for each in send().refusals] == [Reason.TOO_MANY_FLAWS]
    assert stays_below(5_000_000, send)


def test_a_long_name_behind_an_alias_does_not_make_every_message_long() -> None:
    edge = Edge()
    edge.born()
    edge.says("DBIRTH", {"name": "n" * 60_000, "alias": 1, "datatype": 9, "is_null": True}, device_id="d1")
    nodes = after({}, heard(edge))
    edge.data({"alias": 1, "float_value": 1.0})
    (refusal,) = heard(edge, nodes).refusals
    assert refusal.reason is Reason.BAD_METRIC_NAME
    assert len(refusal.payload) < limits.PATH_CHARS + 50


def test_much_that_is_refused_of_an_honest_size_is_still_stored_one_by_one() -> None:
    said: dict[str, list[int]] = {f"{'metric' * 20}{i}": [] for i in range(250)}
    result = decoded(json.dumps([a_reading(NOW_MS - i, **said) for i in range(2)]).encode(), {"ts": NOW_MS, "x": 1})
    assert [each.reason for each in result.refusals] == [Reason.NOT_A_NUMBER] * 500


def _names(first: int, count: int) -> dict[str, int]:
    return {f"k{i}": i for i in range(first, first + count)}


def test_messages_of_one_ts_together_say_no_more_than_a_reading_may() -> None:
    """What came first stays, what finds no room is one refusal of its message, with nothing else in it."""
    result = decoded(a_reading(**_names(0, 200), power_w=1), a_reading(**_names(150, 200)), a_reading(**_names(340, 9)))
    assert list(orjson.loads(result.batches[0].extra[0] or "")) == list(_names(0, limits.KEYS))
    assert [(each.seq, each.reason) for each in result.refusals] == [
        (2, Reason.TOO_MANY_KEYS),
        (3, Reason.TOO_MANY_KEYS),
    ]
    assert orjson.loads(result.refusals[0].payload) == {"ts": NOW_MS, "m": _names(limits.KEYS, 94)}
    assert orjson.loads(result.refusals[1].payload) == {"ts": NOW_MS, "m": _names(340, 9)}


messages = st.lists(st.tuples(st.integers(0, 400), st.integers(1, limits.KEYS)), min_size=2, max_size=6)


@settings(max_examples=100, deadline=None)
@given(said=messages, cut=st.integers(1, 5))
def test_which_metrics_find_room_does_not_depend_on_where_a_batch_ends(said: list[tuple[int, int]], cut: int) -> None:
    def folded(rows: list[str]) -> str:
        batch: Batch = a_batch(1, [NOW_MS] * len(rows), seq=list(range(len(rows))), extra=list(rows))
        found = merge.fold(batch, FRIDGE.metric_names)[0].extra[0]
        assert found is not None
        return found

    texts = [orjson.dumps(_names(*each)).decode() for each in said]
    whole = orjson.loads(folded(texts))
    assert len(whole) == min(limits.KEYS, len({name for each in said for name in _names(*each)}))
    parts = [folded(part) for part in (texts[:cut], texts[cut:]) if part]
    assert orjson.loads(folded(parts)) == whole


def test_groups_that_a_node_makes_up_are_understood_and_not_remembered_without_end(database: Database) -> None:
    subjects = [f"log.7.demo.d1.up.sparkplug.g{group}.NDATA" for group in range(500)]
    with database.connect() as conn:
        register(conn, ("demo", "d1", "refrigerator"))
        directory = Directory(CATALOGUE)
        for start in range(0, 500, 100):
            said = [Message(seq, NOW_MS, subject, b"") for seq, subject in enumerate(subjects[start : start + 100])]
            found = directory.sources(conn, [*said, Message(200, NOW_MS, "log.7.demo.d1.up.telemetry", b"")])
            assert {(source.reason, source.device_no) for source in found} == {(None, 1)}
    assert len(directory._known) < 50


@pytest.mark.parametrize(
    "subject", ["log.7.demo.d1.up." + "x" * 60_000, "log.7.demo." + "d" * 60_000 + ".up.telemetry"]
)
def test_a_topic_of_any_length_is_stored_as_far_as_a_person_reads(subject: str) -> None:
    source = topics.read(subject)
    assert source.reason is Reason.BAD_TOPIC
    assert source.key is None
    assert len(source.topic) + len(source.detail) < 2_500
    assert len(topics.read("log.7.demo.d1.up." + "x" * 1_000).detail) < 300

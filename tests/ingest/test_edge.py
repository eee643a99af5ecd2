"""What edge nodes say is understood by what their births said."""

from dataclasses import replace

import pytest

from devices.model import Limits
from ingest.admit import admit
from ingest.allowance import Allowance
from ingest.edge.model import ITSELF
from ingest.model import Reason
from tests.ingest.builders import FRIDGE, NOW_MS
from tests.ingest.edges import (
    DEVICES,
    KEY,
    Edge,
    a_source,
    a_subject,
    after,
    bd_seq,
    heard,
    named,
    node,
    replayed,
    rows,
)

TEMP, POWER = {"alias": 10, "float_value": 5.0}, {"alias": 11, "float_value": 81.0}


def reasons(result):
    return [refusal.reason for refusal in result.refusals]


def test_data_by_alias_are_those_of_the_device_that_its_birth_names() -> None:
    edge = Edge()
    edge.born(0, "d1", "d2")
    edge.data(TEMP, POWER)
    edge.data({"alias": 21, "float_value": 90.0}, device_id="d2")
    result = heard(edge)
    assert result.refusals == []
    assert rows(result) == [(1, 4.0, 80.0), (2, 4.0, 80.0), (1, 5.0, 81.0), (2, None, 90.0)]
    assert (result.told.gaps, result.told.wanted, node(result).lacking) == (0, 0, False)


def test_a_birth_is_remembered_from_batch_to_batch_as_if_they_were_one() -> None:
    edge, nodes, found = Edge(), {}, []
    for say in (
        lambda: edge.born(0, "d1"),
        edge.data,
        edge.loses,
        lambda: edge.data({"name": "power_w", "int_value": 7}),
        lambda: edge.data(POWER),
    ):
        say()
        if edge.messages:
            result = heard(edge, nodes)
            nodes = after(nodes, result)
            found += [*rows(result), *reasons(result)]
    assert found == [(1, 4.0, 80.0), (1, None, 81.0), Reason.NOT_A_NUMBER, (1, None, 81.0)]
    assert nodes[KEY].wanted_ms is not None


def test_data_before_a_birth_are_refused_with_their_time_and_the_birth_is_wanted() -> None:
    edge = Edge()
    message = edge.data(POWER)
    result = heard(edge)
    (refusal,) = result.refusals
    assert (refusal.reason, refusal.ts_ms, refusal.device_no) == (Reason.NO_BIRTH, message.received_ms, 1)
    assert refusal.topic == "fm/demo/edge1/up/sparkplug/plant/DDATA/d1"
    assert (result.batches, result.told.wanted) == ([], 1)


def test_an_alias_that_no_birth_names_is_refused_and_its_neighbours_live() -> None:
    edge = Edge()
    edge.born(0, "d1", "d2")
    edge.data(POWER, {"alias": 99, "float_value": 1.0}, {"alias": 21, "float_value": 1.0})
    result = heard(edge)
    (refusal,) = result.refusals
    assert (refusal.reason, result.told.wanted) == (Reason.UNKNOWN_ALIAS, 1)
    assert rows(result)[-1] == (1, None, 81.0)  # alias 21 is another device's


def test_an_alias_with_another_type_than_in_the_birth_is_another_metric() -> None:
    edge = Edge()
    edge.born(0, "d1")
    edge.data({"alias": 11, "datatype": 3, "int_value": 4}, TEMP)
    result = heard(edge)
    assert (reasons(result), rows(result)[-1]) == ([Reason.UNKNOWN_ALIAS], (1, 5.0, None))


def test_metrics_that_say_their_name_and_type_need_no_birth_though_it_is_wanted() -> None:
    edge = Edge()
    edge.data(named(11, "power_w", 7.0), {"name": "cabinet_temp_c", "int_value": 4})
    result = heard(edge)
    assert (rows(result), reasons(result), result.told.wanted) == ([(1, None, 7.0)], [Reason.NO_BIRTH], 1)


def test_historical_metrics_are_readings_of_their_own_time_and_disturb_nothing() -> None:
    edge = Edge()
    edge.born(0, "d1")
    old = [{**POWER, "timestamp": NOW_MS - 1000 * i, "is_historical": True} for i in (50, 51)]
    edge.data(*old)
    edge.data()
    result = heard(edge)
    assert (result.refusals, result.told.wanted) == ([], 0)
    assert sorted(result.batches[0].ts_ms.tolist())[:2] == [NOW_MS - 51_000, NOW_MS - 50_000]


def test_what_is_sent_again_after_a_fix_is_no_step_and_no_life() -> None:
    edge = Edge()
    edge.data(POWER)
    (refusal,) = heard(edge).refusals
    edge.born(3, "d1")
    edge.data()
    first = edge.messages[0]
    nodes = after({}, heard(edge))
    before = nodes[KEY]
    edge.messages = [replayed(refusal, 10), replayed(replace(refusal, topic=_topic(first), payload=first.payload), 11)]
    result = heard(edge, nodes)
    assert (rows(result), result.refusals) == ([(1, None, 81.0)], [])
    assert result.told.nodes.get(KEY, before) == before
    assert result.told.births == result.told.presence == []


def _topic(message) -> str:
    return "fm/" + message.subject.removeprefix("log.7.").replace(".", "/")


def test_a_refusal_is_not_read_by_aliases_that_mean_something_else_since() -> None:
    edge = Edge()
    edge.born(0, "d1")
    nodes = after({}, heard(edge))
    edge.data({"alias": 12, "float_value": 1.0})
    nodes = after(nodes, result := heard(edge, nodes))
    (refusal,) = result.refusals
    edge.says("NBIRTH", bd_seq(1))
    edge.says("DBIRTH", named(10, "cabinet_temp_c"), named(12, "power_w"), device_id="d1")
    nodes = after(nodes, heard(edge, nodes))
    edge.messages = [replayed(refusal, 20)]
    result = heard(edge, nodes)
    assert (rows(result), result.refusals) == ([(1, None, 1.0)], [])
    edge.says("NBIRTH", bd_seq(2))
    edge.says("DBIRTH", named(12, "cabinet_temp_c"), device_id="d1")
    nodes = after(nodes, heard(edge, nodes))
    edge.messages = [replayed(refusal, 30)]
    assert reasons(heard(edge, nodes)) == [Reason.UNKNOWN_ALIAS]


def test_an_edge_node_need_not_be_registered_and_a_strangers_device_must() -> None:
    edge = Edge()
    edge.born(0, "d1", "d3")
    edge.data()
    edge.says("DDATA", {"alias": 21, "float_value": 1.0}, device_id="d3")
    edge.says("DDEATH", device_id="d3")
    edge.says("NDATA", {"name": "uptime", "datatype": 7, "int_value": 5})
    result = heard(edge, registered={"d1": 1})
    assert rows(result) == [(1, 4.0, 80.0), (1, None, 81.0)]
    assert [(refusal.reason, refusal.topic.rpartition("/")[2]) for refusal in result.refusals] == [
        (Reason.UNKNOWN_DEVICE, "d3"),
        (Reason.UNKNOWN_DEVICE, "d3"),
        (Reason.UNKNOWN_DEVICE, "NDATA"),
    ]
    assert (result.told.gaps, result.told.wanted) == (0, 0)
    assert [birth.device_id for _, birth in result.told.births] == [ITSELF, "d1"]


def test_what_a_node_says_of_itself_is_its_own_reading_if_it_is_registered() -> None:
    edge = Edge()
    edge.says("NBIRTH", bd_seq(0), named(1, "power_w", 5.0))
    edge.says("NDATA", {"alias": 1, "float_value": 6.0})
    assert rows(heard(edge)) == [(9, None, 5.0), (9, None, 6.0)]


def test_a_unit_of_the_birth_is_the_unit_of_the_data() -> None:
    edge = Edge()
    kilowatts = {"keys": ["engUnit"], "values": [{"type": 12, "string_value": "kW"}]}
    edge.says("NBIRTH", bd_seq(0))
    edge.says("DBIRTH", named(11, "power_w", None, properties=kilowatts), device_id="d1")
    edge.data(POWER)
    assert reasons(heard(edge)) == [Reason.UNIT_MISMATCH]


def test_names_that_end_alike_in_the_birth_stay_apart_in_the_data() -> None:
    edge = Edge()
    edge.says("NBIRTH", bd_seq(0))
    edge.says("DBIRTH", named(1, "Fan/power_w", None), named(2, "Lamp/power_w", None), device_id="d1")
    edge.data({"alias": 1, "float_value": 3.0})
    result = heard(edge)
    assert (rows(result), result.batches[0].extra) == ([(1, None, None)], ['{"Fan/power_w":3.0}'])


@pytest.mark.parametrize(
    "subject",
    [
        "plant.NCMD",
        "plant.NDATA.d1",
        "plant.DDATA",
        "plant",
        "plant.STATE",
        "NBIRTH",
        "plant.DDATA.d1.x",
        "plant.ndata",
    ],
)
def test_other_topics_are_no_messages_of_an_edge_node(subject: str) -> None:
    source = a_source(f"log.7.demo.edge1.up.sparkplug.{subject}")
    assert (source.reason, source.edge) == (Reason.UNKNOWN_KIND, None)


def test_refusals_are_those_of_the_device_and_not_of_its_gateway() -> None:
    edge = Edge()
    edge.data(POWER)
    assert a_source(edge.messages[0].subject).device_no == DEVICES["d1"]
    assert a_source(a_subject("NDATA")).device_no == DEVICES["edge1"]


def test_a_birth_that_is_over_a_limit_of_its_device_still_says_what_its_metrics_are() -> None:
    edge, of = Edge(), replace(FRIDGE, limits=Limits(messages_per_s=1, burst_s=1))
    edge.says("NBIRTH", bd_seq(0))
    for alias in range(10):
        edge.waits(-1)
        edge.says("DBIRTH", named(alias, "power_w", float(alias)), device_id="d1")
    edge.waits(10)
    edge.data({"alias": 9, "float_value": 81.0})
    sources = [a_source(message.subject) for message in edge.messages]
    admitted = admit(edge.messages, sources, {of.class_id: of}, Allowance({of.class_id: of}))
    decoded = admitted.decoded
    assert {refusal.reason for refusal in decoded.refusals} == {Reason.OVER_LIMIT}
    assert (admitted.over != (), rows(decoded)[-1], decoded.told.wanted) == (True, (1, None, 81.0), 0)

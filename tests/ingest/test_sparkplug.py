"""Sparkplug B's payload against the encoder that devices have, and what only it can say."""

import math
import struct
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.model import Reason
from ingest.payloads import protobuf, sparkplug
from ingest.payloads.model import UnreadableError
from ingest.payloads.sparkplug import Metric, Payload
from tests.ingest import tahu
from tests.ingest.builders import FRIDGE, NOW_MS, decoded
from tests.ingest.speakers import BY_NAME, GOOD, a_metric, heard

SPARKPLUG = BY_NAME["sparkplug"]
_64 = st.integers(0, 2**64 - 1)
texts = st.text(max_size=20)
_values = st.one_of(
    st.tuples(st.just("int_value"), st.integers(0, 2**32 - 1)),
    st.tuples(st.just("long_value"), _64),
    st.tuples(st.just("float_value"), st.floats(width=32, allow_nan=False)),
    st.tuples(st.just("double_value"), st.floats(allow_nan=False)),
    st.tuples(st.just("boolean_value"), st.booleans()),
    st.tuples(st.just("string_value"), texts),
    st.tuples(st.just("bytes_value"), st.binary(max_size=20)),
)
_metrics = st.builds(
    lambda said, value: {**said, value[0]: value[1]},
    st.fixed_dictionaries(
        {},
        optional={
            "name": texts,
            "alias": _64,
            "timestamp": _64,
            "datatype": st.integers(1, 34),
            "is_historical": st.booleans(),
            "is_transient": st.booleans(),
            "is_null": st.booleans(),
            "metadata": st.just({"content_type": "x", "size": 3}),
            "properties": texts.map(tahu.unit),
        },
    ),
    _values,
)
_RAW = {"float_value": "<f", "double_value": "<d"}
_FIELDS = ("int_value", "long_value", "float_value", "double_value", "boolean_value", "string_value", "bytes_value")


@given(
    st.lists(_metrics, max_size=5), st.fixed_dictionaries({}, optional={"timestamp": _64, "seq": _64, "uuid": texts})
)
def test_what_the_library_writes_is_read_and_what_we_say_the_library_reads(
    metrics: list[dict[str, Any]], rest: dict[str, Any]
) -> None:
    document = sparkplug.parse(tahu.a_payload(*metrics, body=b"passed over", **rest))
    assert (document.timestamp_ms, document.seq) == (rest.get("timestamp"), rest.get("seq"))
    for ours, said in zip(document.metrics, metrics, strict=True):
        assert (ours.name, ours.alias, ours.timestamp_ms) == (
            said.get("name"),
            said.get("alias"),
            said.get("timestamp"),
        )
        assert ours.datatype == said.get("datatype", 0)
        marks = [bool(said.get(mark)) for mark in ("is_historical", "is_transient", "is_null")]
        assert [ours.is_historical, ours.is_transient, ours.is_null] == marks
        assert ours.unit == (said["properties"]["values"][0]["string_value"] if "properties" in said else None)
        assert _FIELDS[ours.field - sparkplug.INT] in said
    assert sparkplug.parse(sparkplug.say(document)) == document
    for theirs, said in zip(tahu.read(sparkplug.say(document)).metrics, metrics, strict=True):
        (field,) = said.keys() & set(_FIELDS)
        assert getattr(theirs, field) == said[field]


def test_bytes_that_are_known_are_read() -> None:
    """By hand from the definition: a timestamp, a Float with name, alias, timestamp and type, a sequence number."""
    metric = b"\x0a\x07power_w" + b"\x10\x05" + b"\x18\x80\xf0\xa1\xc9\xab\x33" + b"\x20\x09" + b"\x65\x00\x00\xab\x42"
    payload = b"\x08\x81\xf0\xa1\xc9\xab\x33" + b"\x12" + bytes([len(metric)]) + metric + b"\x18\x80\x01"
    at = 0x33 << 35 | 0x2B << 28 | 0x49 << 21 | 0x21 << 14 | 0x70 << 7
    said = Metric(
        name="power_w", alias=5, timestamp_ms=at, datatype=9, field=sparkplug.FLOAT, value=struct.pack("<f", 85.5)
    )
    assert sparkplug.parse(payload) == Payload([said], at + 1, 128)
    assert sparkplug.say(Payload([said], at + 1, 128)) == payload


TYPES = [
    (1, {"int_value": 2**32 - 2}, -2),
    (1, {"int_value": 0xFE}, -2),
    (1, {"int_value": 127}, 127),
    (2, {"int_value": 2**32 - 300}, -300),
    (2, {"int_value": 2**16 - 300}, -300),
    (3, {"int_value": 2**31}, -(2**31)),
    (3, {"long_value": 2**64 - 5}, -5),
    (3, {"long_value": 2**32 - 5}, -5),
    (4, {"long_value": 2**64 - 5}, -5),
    (4, {"int_value": 5}, 5),
    (5, {"int_value": 255}, 255),
    (6, {"int_value": 65_535}, 65_535),
    (7, {"int_value": 2**32 - 1}, 2**32 - 1),
    (7, {"long_value": 2**32 - 1}, 2**32 - 1),
    (8, {"long_value": 2**53}, 2**53),
    (9, {"float_value": 4.099999904632568}, 4.099999904632568),
    (10, {"double_value": 4.1}, 4.1),
    (10, {"float_value": 0.5}, 0.5),
    (11, {"boolean_value": False}, False),
    (12, {"string_value": "eco"}, "eco"),
    (13, {"long_value": NOW_MS}, NOW_MS),
    (14, {"string_value": "经济"}, "经济"),
    (15, {"string_value": "9f3c"}, "9f3c"),
]


@pytest.mark.parametrize(("datatype", "said", "value"), TYPES)
def test_every_type_is_read_as_what_it_is(datatype: int, said: dict[str, Any], value: Any) -> None:
    metric = {"name": "rssi", "timestamp": NOW_MS, "datatype": datatype, **said}
    refused, batch = heard(SPARKPLUG, tahu.a_payload(metric))
    assert refused == []
    found = orjson.loads(batch.extra[0])["rssi"]
    assert (type(found), found) == (type(value), value)


ODD = [
    (Reason.NOT_A_NUMBER, 1, {"int_value": 300}),
    (Reason.NOT_A_NUMBER, 1, {"int_value": 256}),
    (Reason.NOT_A_NUMBER, 2, {"int_value": 2**16}),
    (Reason.NOT_A_NUMBER, 5, {"int_value": 256}),
    (Reason.NOT_A_NUMBER, 2, {"long_value": 2**40}),
    (Reason.NOT_A_NUMBER, 3, {"float_value": 4.5}),
    (Reason.NOT_A_NUMBER, 9, {"int_value": 4}),
    (Reason.NOT_A_NUMBER, 9, {"string_value": "4"}),
    (Reason.NOT_A_NUMBER, 12, {"double_value": 4.5}),
    (Reason.NOT_A_NUMBER, 11, {"int_value": 1}),
    (Reason.NOT_A_NUMBER, 12, {"int_value": 1}),
    (Reason.NOT_A_NUMBER, 17, {"bytes_value": b"\x01"}),
    (Reason.NOT_A_NUMBER, 18, {"bytes_value": b"\x01"}),
    (Reason.NOT_A_NUMBER, 22, {"bytes_value": b"\x01\x02"}),
    (Reason.NOT_A_NUMBER, 99, {"int_value": 1}),
    (Reason.NOT_A_NUMBER, 9, {}),
    (Reason.NOT_FINITE, 9, {"float_value": math.inf}),
    (Reason.NUMBER_TOO_LARGE, 8, {"long_value": 2**63}),
    (Reason.BAD_TEXT, 12, {"string_value": "a\0b"}),
]


@pytest.mark.parametrize(("reason", "datatype", "said"), ODD)
def test_a_value_that_is_not_of_its_type_is_refused_alone(reason: Reason, datatype: int, said: dict[str, Any]) -> None:
    bad = {"name": "rssi", "timestamp": NOW_MS, "datatype": datatype, **said}
    payload = tahu.a_payload(*_good(), bad)
    refused, batch = heard(SPARKPLUG, payload)
    assert refused == [(reason, "rssi")]
    assert batch.values[0, FRIDGE.metric_names.index("power_w")] == 85.5
    (refusal,) = decoded(payload, source=SPARKPLUG.source).refusals
    assert heard(SPARKPLUG, refusal.payload) == (refused, None)


def _good() -> list[dict[str, Any]]:
    return [{"name": "power_w", "timestamp": NOW_MS, "datatype": 9, "float_value": 85.5}]


def test_an_integer_without_a_type_is_nothing_that_a_birth_can_say() -> None:
    refused, batch = heard(SPARKPLUG, tahu.a_payload({"name": "power_w", "timestamp": NOW_MS, "int_value": 4}))
    assert (refused, batch) == ([(Reason.NOT_A_NUMBER, "power_w")], None)


def test_what_is_no_reading_is_none_and_no_refusal_either() -> None:
    silent = [
        {"name": "bdSeq", "datatype": 8, "long_value": 3},
        {"name": "Node Control/Rebirth", "datatype": 11, "boolean_value": False},
        {"name": "Device Control/Reboot", "datatype": 11, "boolean_value": False},
        {"name": "cabinet_temp_c", "datatype": 9, "is_null": True},
        {"name": "rssi", "datatype": 3, "int_value": 1, "is_transient": True},
    ]
    refused, batch = heard(SPARKPLUG, tahu.a_payload(*silent, *_good()))
    assert (refused, batch.extra) == ([], [None])
    assert heard(SPARKPLUG, tahu.a_payload(*silent)) == ([], None)
    assert heard(SPARKPLUG, tahu.a_payload()) == ([(Reason.EMPTY, None)], None)


def test_a_metric_has_its_own_time_or_that_of_its_message_and_those_of_one_time_are_one_reading() -> None:
    late = {"name": "power_w", "timestamp": NOW_MS - 9000, "datatype": 9, "float_value": 1.0, "is_historical": True}
    now = [{"name": name, "datatype": 9, "float_value": 2.0} for name in ("power_w", "cabinet_temp_c")]
    refused, batch = heard(SPARKPLUG, tahu.a_payload(late, *now, timestamp=NOW_MS))
    assert (refused, batch.ts_ms.tolist()) == ([], [NOW_MS - 9000, NOW_MS])
    assert heard(SPARKPLUG, tahu.a_payload(*now))[0] == [(Reason.TS_MISSING, each["name"]) for each in now]


def test_a_path_means_a_declared_metric_by_its_last_level_where_no_other_ends_alike() -> None:
    one = tahu.a_payload(*[_named(name) for name in ("Temperatures/cabinet_temp_c", "Meter/Main/power_w", "A/mode")])
    refused, batch = heard(SPARKPLUG, one)
    row = dict(zip(FRIDGE.metric_names, batch.values[0].tolist(), strict=True))
    assert (refused, row["cabinet_temp_c"], row["power_w"]) == ([], 1.0, 1.0)
    assert orjson.loads(batch.extra[0]) == {"A/mode": 1.0}
    refused, batch = heard(
        SPARKPLUG, tahu.a_payload(_named("Fan/power_w"), _named("Light/power_w"), _named("door_open"))
    )
    assert refused == []
    assert orjson.loads(batch.extra[0]) == {"Fan/power_w": 1.0, "Light/power_w": 1.0}
    refused, batch = heard(SPARKPLUG, tahu.a_payload(_named("Fan/power_w"), {**_named("power_w"), "float_value": 3.0}))
    assert batch.values[0, FRIDGE.metric_names.index("power_w")] == 3.0
    assert orjson.loads(batch.extra[0]) == {"Fan/power_w": 1.0}


def _named(name: str) -> dict[str, Any]:
    return {"name": name, "timestamp": NOW_MS, "datatype": 9, "float_value": 1.0}


@pytest.mark.parametrize(("said", "agrees"), [("W", True), ("kW", False), ("°C", False), ("", False)])
def test_a_unit_that_is_not_the_declared_one_is_refused_and_stays_so_when_it_is_said_again(
    said: str,
    *,
    agrees: bool,
) -> None:
    payload = tahu.a_payload({**_named("power_w"), "properties": tahu.unit(said)}, _named("rssi"))
    refused, batch = heard(SPARKPLUG, payload)
    assert refused == ([] if agrees else [(Reason.UNIT_MISMATCH, "power_w")])
    assert len(batch) == 1
    for refusal in decoded(payload, source=SPARKPLUG.source).refusals:
        assert heard(SPARKPLUG, refusal.payload) == (refused, None)


def test_every_cut_is_refused_with_its_bytes_or_says_less_and_nothing_else() -> None:
    """Protobuf may end after any field, and MQTT never cuts: a shorter payload is what somebody wrote."""
    payload = SPARKPLUG.write(GOOD)
    whole = sparkplug.parse(payload)
    for end in range(1, len(payload)):
        try:
            document = sparkplug.parse(payload[:end])
        except UnreadableError:
            (refusal,) = decoded(payload[:end], source=SPARKPLUG.source).refusals
            assert (refusal.reason, refusal.payload) == (Reason.NOT_SPARKPLUG, payload[:end])
        else:
            assert document.metrics == whole.metrics[: len(document.metrics)]
            assert len(document.metrics) < len(whole.metrics)


@pytest.mark.parametrize(
    "payload",
    [
        b"\x08",
        b"\x08\x80",
        b"\x0a\x01a",
        b"\x12\x02\x0a",
        b"\x00\x00",
        b"\x13",
        b"\x17",
        b"\x12\x02\x08\x01",
        b"\x19\x01",
        b"\x12\x02\x4a\x05",
        b"\x12\x03\x4a\x01\x0a",
        b"\x08" + b"\x80" * 10 + b"\x01",
    ],
)
def test_what_is_no_such_message_is_refused_as_a_whole(payload: bytes) -> None:
    assert heard(SPARKPLUG, payload) == ([(Reason.NOT_SPARKPLUG, None)], None)


def test_a_name_that_is_no_text_is_refused_and_its_bytes_stay() -> None:
    payload = sparkplug.say(Payload([a_metric("caf\udce9", 1.5, NOW_MS), a_metric("power_w", 1.5, NOW_MS)]))
    assert b"\x0a\x04caf\xe9" in payload
    (refusal,) = decoded(payload, source=SPARKPLUG.source).refusals
    assert (refusal.reason, b"\x0a\x04caf\xe9" in refusal.payload) == (Reason.BAD_TEXT, True)


@given(st.binary(max_size=80))
def test_fields_end_where_the_bytes_do(data: bytes) -> None:
    try:
        found = list(protobuf.fields(data))
    except protobuf.WireError:
        return
    again = b"".join(protobuf.say(tag, value) for tag, value in found)
    assert list(protobuf.fields(again)) == found

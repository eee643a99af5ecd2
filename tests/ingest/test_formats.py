"""The contract of every format: the same readings, the same refusals, and neighbours that live."""

import json
import math
from typing import Any

import numpy as np
import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest import topics
from ingest.decode import decode
from ingest.model import Message, Reason
from ingest.payloads.formats import EDGE, FORMATS
from ingest.payloads.model import Pairs
from tests.ingest.bad import names, numbers
from tests.ingest.builders import CATALOGUE, FRIDGE, NOW_MS, a_reading, a_source, decoded
from tests.ingest.memory import stays_below
from tests.ingest.speakers import BY_NAME, GOOD, SPEAKERS, Speaker, heard

every_format = pytest.mark.parametrize("speaker", SPEAKERS, ids=str)
POWER = FRIDGE.metric_names.index("power_w")

METRIC: list[tuple[Reason, str, Any]] = [
    (Reason.NOT_A_NUMBER, "cabinet_temp_c", "4.1"),
    (Reason.NOT_A_NUMBER, "cabinet_temp_c", ""),
    (Reason.NOT_A_NUMBER, "cabinet_temp_c", True),
    (Reason.NOT_A_NUMBER, "cabinet_temp_c", [4.1]),
    (Reason.NOT_A_NUMBER, "cabinet_temp_c", Pairs([("value", 4.1), ("value", 4.1)])),
    (Reason.NOT_A_NUMBER, "nobody_declared", [1]),
    (Reason.NOT_FINITE, "cabinet_temp_c", math.nan),
    (Reason.NOT_FINITE, "cabinet_temp_c", -math.inf),
    (Reason.NOT_FINITE, "nobody_declared", math.nan),
    (Reason.NUMBER_TOO_LARGE, "cabinet_temp_c", 2**63),
    (Reason.NUMBER_TOO_LARGE, "cabinet_temp_c", -(2**63)),
    (Reason.NUMBER_TOO_LARGE, "cabinet_temp_c", 1e300),
    (Reason.NUMBER_TOO_LARGE, "nobody_declared", 2**64 - 1),
    (Reason.BAD_TEXT, "nobody_declared", "a\0b"),
    (Reason.BAD_TEXT, "nobody_declared", "caf\udce9"),
    (Reason.BAD_TEXT, "nobody_declared", "x" * 1025),
    (Reason.BAD_TEXT, "a\0b", 1),
    (Reason.BAD_TEXT, "\udcff", 1),
    (Reason.BAD_METRIC_NAME, "", 1),
    (Reason.BAD_METRIC_NAME, "x" * 129, 1),
]
TIMES: list[tuple[Reason, int]] = [
    (Reason.TS_TOO_OLD, 1_262_303_999_999),
    (Reason.TS_IN_FUTURE, NOW_MS + 600_001),
    (Reason.TS_OUT_OF_RANGE, 9_404_640_000_000_000_000),
]


def test_every_format_has_a_speaker() -> None:
    assert {speaker.level for speaker in SPEAKERS} == {*FORMATS, EDGE.name}


@every_format
def test_the_same_readings_are_the_same_rows(speaker: Speaker) -> None:
    said = [("power_w", 85.5), ("cabinet_temp_c", -4), ("mode", "eco"), ("eco", True), ("rssi", -61), ("名", 0.25)]
    refused, batch = heard(speaker, speaker.write((NOW_MS - 1, said), (NOW_MS - 5001, [("power_w", 1)])))
    assert refused == []
    assert batch.ts_ms.tolist() == [NOW_MS - 5001, NOW_MS - 1]
    assert batch.values[:, [POWER, 0]].tolist()[1] == [85.5, -4.0]
    assert np.isnan(batch.values[0, 0])
    assert batch.extra[0] is None
    assert orjson.loads(batch.extra[1]) == {"mode": "eco", "eco": True, "rssi": -61, "名": 0.25}


@every_format
@pytest.mark.parametrize(("reason", "name", "value"), METRIC)
def test_a_bad_metric_is_refused_alone_and_its_bytes_say_it_again(
    speaker: Speaker, reason: Reason, name: str, value: Any
) -> None:
    payload = speaker.write((NOW_MS, [("power_w", 85.5), (name, value), ("door_open", 1)]))
    (refusal,) = decoded(payload, source=speaker.source).refusals
    refused, batch = heard(speaker, payload)
    assert [each for each, _ in refused] == [reason]
    assert (refusal.ts_ms, refusal.topic) == (NOW_MS, speaker.source.topic)
    row = dict(zip(FRIDGE.metric_names, batch.values[0].tolist(), strict=True))
    assert (row["power_w"], row["door_open"], batch.extra) == (85.5, 1.0, [None])
    assert np.isnan(row["cabinet_temp_c"])
    assert heard(speaker, refusal.payload) == (refused, None)


@every_format
@pytest.mark.parametrize(("reason", "ts_ms"), TIMES)
def test_a_bad_time_costs_its_own_reading_only(speaker: Speaker, reason: Reason, ts_ms: int) -> None:
    payload = speaker.write((NOW_MS - 1000, [("power_w", 1)]), (ts_ms, [("power_w", 2)]), GOOD)
    (refusal,) = decoded(payload, source=speaker.source).refusals
    refused, batch = heard(speaker, payload)
    assert [each for each, _ in refused] == [reason]
    assert batch.ts_ms.tolist() == [NOW_MS - 1000, NOW_MS]
    assert heard(speaker, refusal.payload) == (refused, None)


@every_format
def test_a_metric_that_stands_twice_is_refused_with_both_its_values(speaker: Speaker) -> None:
    twice = (NOW_MS - 1000, [("power_w", 1), ("rssi", 3), ("power_w", 2)])
    (refusal,) = decoded(speaker.write(twice, GOOD), source=speaker.source).refusals
    assert refusal.reason is Reason.DUPLICATE_KEY
    refused, batch = heard(speaker, speaker.write(twice, GOOD))
    assert not (batch.values[:, POWER] < 3).any()
    assert heard(speaker, refusal.payload) == (refused, None)


@pytest.mark.parametrize("name", ["json", "cbor", "msgpack"])
def test_an_array_within_an_array_is_no_reading_and_stays_none_when_it_is_said_again(name: str) -> None:
    speaker = BY_NAME[name]
    inner = [Pairs([("ts", NOW_MS), ("power_w", 1)])] * 2
    outer = FORMATS[speaker.level].encoding.say([inner, Pairs([("ts", NOW_MS), ("power_w", 2)])])
    (refusal,) = decoded(outer, source=speaker.source).refusals
    assert refusal.reason is Reason.NOT_A_READING
    assert heard(speaker, refusal.payload) == ([(Reason.NOT_A_READING, None)], None)


@pytest.mark.parametrize("speaker", [each for each in SPEAKERS if each.level != EDGE.name], ids=str)
def test_every_cut_of_a_payload_is_one_refusal_with_its_bytes(speaker: Speaker) -> None:
    """Protobuf may end after any field: there a cut is a shorter message (see test_sparkplug)."""
    payload = speaker.write(GOOD)
    for end in range(1, len(payload)):
        (refusal,) = decoded(payload[:end], source=speaker.source).refusals
        assert (refusal.reason, refusal.payload) == (speaker.malformed, payload[:end])
    (refusal,) = decoded(payload + payload, source=speaker.source).refusals
    assert refusal.reason is speaker.malformed


@every_format
def test_the_limits_are_the_same(speaker: Speaker) -> None:
    large = speaker.write((NOW_MS, [("x" * 100, "y" * 70_000)]))
    many = speaker.write(*[(NOW_MS - i, [("power_w", 1)]) for i in range(401)])
    wide = speaker.write((NOW_MS, [(f"k{i}", i) for i in range(257)]))
    assert heard(speaker, large) == ([(Reason.TOO_LARGE, None)], None)
    assert heard(speaker, b"") == ([(Reason.EMPTY, None)], None)
    assert heard(speaker, many) == ([(Reason.TOO_MANY_READINGS, None)], None)
    assert heard(speaker, wide) == ([(Reason.TOO_MANY_KEYS, None)], None)
    rubbish = [(NOW_MS - i, [("power_w", i), *((f"{k}", []) for k in range(30))]) for i in range(50)]
    assert heard(speaker, speaker.write(*rubbish[:30]))[0] == [(Reason.NOT_A_NUMBER, f"{k}") for k in range(30)] * 30
    refused, batch = heard(speaker, speaker.write(*rubbish))
    assert (refused, len(batch)) == ([(Reason.TOO_MANY_FLAWS, None)], 50)
    fits = speaker.write(*[(NOW_MS - i, [("power_w", 1)]) for i in range(400)])
    assert len(heard(speaker, fits)[1]) == 400


BOMBS = [
    ("json", b"[" * 60_000, Reason.TOO_DEEP),
    ("json", b'{"ts":' * 9_000, Reason.TOO_DEEP),
    ("json", b'{"ts": ' + b"9" * 60_000 + b', "m": {"power_w": 1}}', Reason.TS_OUT_OF_RANGE),
    ("json", b'{"ts": 1764000000000, "m": {"power_w": ' + b"9" * 60_000 + b"}}", Reason.NUMBER_TOO_LARGE),
    ("cbor", b"\x9a\xff\xff\xff\xff", Reason.NOT_CBOR),
    ("cbor", b"\x9b" + b"\xff" * 8, Reason.NOT_CBOR),
    ("cbor", b"\xbb\x7f" + b"\xff" * 7, Reason.NOT_CBOR),
    ("cbor", b"\x7b\x7f" + b"\xff" * 7, Reason.NOT_CBOR),
    ("cbor", b"\x5a\xff\xff\xff\xff" + b"x" * 1000, Reason.NOT_CBOR),
    ("cbor", b"\x9a\x00\x00\x0f\xa0" * 12_000, Reason.TOO_DEEP),
    ("cbor", b"\x9f" * 60_000, Reason.TOO_DEEP),
    ("cbor", b"\xc1" * 60_000, Reason.TOO_DEEP),
    ("cbor", b"\xbf\x61a" * 20_000, Reason.TOO_DEEP),
    ("cbor", b"\x7f" * 60_000, Reason.NOT_CBOR),
    ("cbor", b"\x7f" + b"\x60" * 60_000, Reason.NOT_CBOR),
    ("cbor", b"\x9f" + b"\x00" * 60_000, Reason.NOT_CBOR),
    ("cbor", b"\xa2btsc\xc2" + b"x" * 60_000, Reason.NOT_CBOR),
    ("cbor", b"\xa2bts\xc2\x59\xea\x60" + b"\xff" * 60_000 + b"am\xa1ax\x01", Reason.TS_OUT_OF_RANGE),
    ("cbor", b"\xa2bts\x01am\xa1ax\xc4\x82\x1b" + b"\x7f" * 8 + b"\x03", Reason.TS_TOO_OLD),
    ("msgpack", b"\xdd\xff\xff\xff\xff", Reason.NOT_MSGPACK),
    ("msgpack", b"\xdf\xff\xff\xff\xff" + b"\x00" * 60_000, Reason.NOT_MSGPACK),
    ("msgpack", b"\xdb\xff\xff\xff\xff", Reason.NOT_MSGPACK),
    ("msgpack", b"\xc6\xff\xff\xff\xff", Reason.NOT_MSGPACK),
    ("msgpack", b"\xc9\xff\xff\xff\xff\x01", Reason.NOT_MSGPACK),
    ("msgpack", b"\x91" * 60_000, Reason.TOO_DEEP),
    ("msgpack", b"\x81\xa1a" * 20_000, Reason.TOO_DEEP),
    ("msgpack", b"\xdc\xea\x60" + b"\x00" * 60_000, Reason.TOO_MANY_READINGS),
    ("cbor", b"\x99\xff\x00" + b"\x00" * 0xFF00, Reason.TOO_MANY_READINGS),
    ("senml-cbor", b"\x9f" + b"\x00" * 60_000 + b"\xff", Reason.TOO_MANY_READINGS),
    ("msgpack", b"\xc1", Reason.NOT_MSGPACK),
    ("senml-json", b"[" + b'{"n":"' + b"x" * 60_000 + b':"}]', Reason.EMPTY),
    ("senml-json", b'[{"bn":"' + b"x" * 60_000 + b'","n":"a","v":1}]', Reason.NOT_SENML),
    ("senml-json", b'[{"n":"a","t":' + b"9" * 60_000 + b',"v":1}]', Reason.TS_OUT_OF_RANGE),
    ("senml-json", b'[{"n":"a","t":1e308,"v":1}]', Reason.TS_OUT_OF_RANGE),
    ("senml-json", b'[{"bt":9e18,"n":"a","t":9223372036854775808,"v":1}]', Reason.TS_OUT_OF_RANGE),
    (
        "senml-cbor",
        b"\x81\xa4\x22\x1b\x7f" + b"\x0f" * 7 + b"\x00aa\x06\x1b" + b"\xff" * 8 + b"\x02\x01",
        Reason.TS_OUT_OF_RANGE,
    ),
    ("senml-json", b'[{"bt":1e999,"n":"a","v":1}]', Reason.NOT_SENML),
    ("senml-cbor", b"\x9b" + b"\xff" * 8, Reason.NOT_CBOR),
    ("sparkplug", b"\x12\x00" * 30_000, Reason.TOO_MANY_READINGS),
    ("sparkplug", b"\x12\xff\xff\xff\xff\x0f", Reason.NOT_SPARKPLUG),
    ("sparkplug", b"\x12" + b"\xff" * 60_000, Reason.NOT_SPARKPLUG),
    ("sparkplug", b"\xff" * 60_000, Reason.NOT_SPARKPLUG),
    ("sparkplug", b"\x22\x00" * 30_000, Reason.EMPTY),
    ("sparkplug", b"\x0b" * 60_000, Reason.NOT_SPARKPLUG),
    ("sparkplug", b"\x12\x80\xd4\x03" + b"\x4a\x00" * 30_000, Reason.TS_MISSING),
    ("sparkplug", b"\x12\x83\xd4\x03\x4a\xff\xd3\x03" + b"\x0a\x00" * 30_000, Reason.NOT_SPARKPLUG),
    ("senml-cbor", b"\x81\xa3\x00aa\x06\xc4\x82\x1b" + b"\x7f" * 8 + b"\x03\x02\x01", Reason.TS_NOT_A_NUMBER),
]


@pytest.mark.parametrize(("name", "payload", "reason"), BOMBS)
def test_a_bomb_costs_no_more_than_its_bytes(name: str, payload: bytes, reason: Reason) -> None:
    refused, batch = heard(BY_NAME[name], payload)
    assert ([each for each, _ in refused], batch) == ([reason], None)
    assert stays_below(3_000_000, lambda: heard(BY_NAME[name], payload))


@every_format
@settings(max_examples=150)
@given(data=st.data())
def test_whatever_bytes_come_they_are_a_row_or_a_refusal_that_says_itself_again(
    speaker: Speaker, data: st.DataObject
) -> None:
    payload = bytearray(speaker.write((NOW_MS, [("power_w", 1.5), ("mode", "eco"), ("rssi", -61)]), GOOD))
    for place in data.draw(st.lists(st.integers(0, len(payload) - 1), min_size=1, max_size=4)):
        payload[place] = data.draw(st.integers(0, 255))
    good = speaker.write(GOOD)
    sent = [good, bytes(payload), good, data.draw(st.binary(max_size=60))]
    messages = [Message(seq, NOW_MS, "", each) for seq, each in enumerate(sent)]
    result = decode(messages, [a_source(1 + seq, subject=speaker.subject) for seq in range(4)], CATALOGUE)
    rows = set(result.batches[0].seq.tolist())
    assert {0, 2} <= rows
    assert rows | {refusal.seq for refusal in result.refusals} == {0, 1, 2, 3}
    for refusal in result.refusals:
        if refusal.reason in {Reason.CONFLICT, Reason.TOO_LATE}:
            continue  # says a good reading again, as JSON
        again = decoded(refusal.payload, source=speaker.source)
        assert refusal.reason in {each.reason for each in again.refusals}


sayable = names.filter(lambda name: name not in {"m", "ts"})  # flat, these two say what a reading is
moments = st.integers(NOW_MS - 3, NOW_MS + 3) | st.sampled_from([NOW_MS + 10**6, 1_262_303_999_998])
values = numbers.filter(lambda value: value not in (None, 2**64)) | st.text(max_size=3)  # no encoder says 2**64
readings = st.lists(
    st.tuples(moments, st.dictionaries(sayable, values, min_size=1, max_size=5).map(lambda said: list(said.items()))),
    min_size=1,
    max_size=4,
    unique_by=lambda reading: reading[0],
)


@pytest.mark.parametrize("speaker", SPEAKERS[1:], ids=str)
@settings(max_examples=100)
@given(said=readings)
def test_every_format_decides_as_json_does(speaker: Speaker, said: Any) -> None:
    """SenML and Sparkplug refuse a bad time once a value, not once a reading."""
    wanted, batch = heard(SPEAKERS[0], SPEAKERS[0].write(*said))
    refused, other = heard(speaker, speaker.write(*said))
    if speaker.times_each_value:
        wanted, refused = ([each for each in some if not each[0].startswith("TS_")] for some in (wanted, refused))
    assert sorted(refused, key=str) == sorted(wanted, key=str)
    assert (batch is None) == (other is None)
    if batch is not None:
        for column in ("device_no", "ts_ms", "seq", "values", "flags"):
            np.testing.assert_array_equal(getattr(batch, column), getattr(other, column))
        loaded = [[text and orjson.loads(text) for text in each.extra] for each in (batch, other)]
        assert loaded[0] == loaded[1]


def test_formats_in_one_batch_do_not_disturb_each_other() -> None:
    """Every second message is JSON; the others take turns; a stranger and a bad one stand between."""
    messages, sources = [], []
    for turn in range(14):
        speaker = SPEAKERS[turn % len(SPEAKERS)]
        for each in (SPEAKERS[0], speaker):
            seq = len(messages) + 1
            messages.append(Message(seq, NOW_MS, each.subject, each.write((NOW_MS, [("power_w", seq)]))))
            sources.append(a_source(seq, subject=each.subject))
    messages.append(Message(29, NOW_MS, "", b"{"))
    sources.append(SPEAKERS[0].source)
    messages.append(Message(30, NOW_MS, "", b"{}"))
    sources.append(topics.found(topics.read("log.7.demo.x.up.telemetry.cbor"), None, frozenset(CATALOGUE)))
    result = decode(messages, sources, CATALOGUE)
    assert result.batches[0].seq.tolist() == list(range(1, 29))
    assert result.batches[0].values[:, POWER].tolist() == [float(seq) for seq in range(1, 29)]
    assert [each.reason for each in result.refusals] == [Reason.NOT_JSON, Reason.UNKNOWN_DEVICE]


def test_a_conflict_is_said_as_json_under_the_topic_of_json() -> None:
    cbor = BY_NAME["cbor"]
    later = cbor.write((NOW_MS, [("power_w", 2)]))
    (refusal,) = decoded(cbor.write(GOOD), later, source=cbor.source).refusals
    assert (refusal.reason, refusal.topic) == (Reason.CONFLICT, "fm/demo/d1/up/telemetry")
    assert json.loads(refusal.payload) == {"ts": NOW_MS, "m": {"power_w": 2.0}}


@pytest.mark.parametrize("level", ["", "json", "CBOR", "cbor.more", "senml", "avro"])
def test_a_format_that_nobody_reads_is_refused(level: str) -> None:
    source = a_source(subject=f"log.7.demo.d1.up.telemetry.{level}")
    (refusal,) = decoded(json.dumps(a_reading()).encode(), source=source).refusals
    assert refusal.reason is Reason.UNKNOWN_KIND


def test_flat_readings_of_an_array_stand_beside_nested_ones() -> None:
    result = decoded([{"ts": NOW_MS - 1, "power_w": 1}, a_reading(power_w=2), {"power_w": 3}, {"ts": NOW_MS, "m": 4}])
    assert result.batches[0].values[:, POWER].tolist() == [1.0, 2.0]
    assert [each.reason for each in result.refusals] == [Reason.TS_MISSING, Reason.NOT_A_READING]

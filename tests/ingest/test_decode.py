"""Bad input is a value: every reason has its case, and the neighbours of what is bad are kept."""

import json

import numpy as np
import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from devices.model import Address
from ingest import merge, topics
from ingest.decode import Decoded, decode
from ingest.model import Message, Reason
from tests.ingest.bad import METRIC, WHOLE, payloads, with_metric
from tests.ingest.builders import CATALOGUE, FRIDGE, NOW_MS, a_message, a_reading, a_source, decoded

GOOD = json.dumps(a_reading()).encode()


@pytest.mark.parametrize(("reason", "payload"), WHOLE)
def test_a_payload_that_is_no_reading_is_one_refusal_with_its_bytes(reason: Reason, payload: bytes) -> None:
    result = decoded(payload, GOOD)
    (refusal,) = result.refusals
    assert refusal.reason is reason
    assert refusal.payload == payload[:65536]
    assert refusal.detail
    assert (refusal.seq, refusal.device_no, refusal.tenant_id) == (1, 1, "demo")
    assert result.batches[0].seq.tolist() == [2]


READINGS = [(reason, text) for reason, text in WHOLE if text[:1] == b"{" and len(text) < 200 and reason != "NOT_JSON"]


@pytest.mark.parametrize(("reason", "payload"), READINGS)
def test_a_bad_reading_of_an_array_costs_only_itself(reason: Reason, payload: bytes) -> None:
    good = [json.dumps(a_reading(NOW_MS - i)).encode() for i in (2000, 1000)]
    result = decoded(b"[" + good[0] + b"," + payload + b"," + good[1] + b"]")
    assert result.batches[0].ts_ms.tolist() == [NOW_MS - 2000, NOW_MS - 1000]
    assert [refusal.reason for refusal in result.refusals] == [reason]
    assert decoded(result.refusals[0].payload).refusals[0].reason is reason


@pytest.mark.parametrize(("reason", "name", "value"), METRIC)
def test_a_bad_metric_is_null_and_a_refusal_and_its_neighbours_are_kept(reason: Reason, name: str, value: str) -> None:
    result = decoded(with_metric(name, value))
    (refusal,) = result.refusals
    assert (refusal.reason, refusal.ts_ms) == (reason, NOW_MS)
    assert refusal.metric is not None
    row = dict(zip(FRIDGE.metric_names, result.batches[0].values[0].tolist(), strict=True))
    assert row["power_w"] == 85.5
    assert row["door_open"] == 1.0
    assert np.isnan(row["cabinet_temp_c"])
    assert result.batches[0].extra == [None]
    again = decoded(refusal.payload)
    assert not again.batches
    assert [each.reason for each in again.refusals] == [reason]


def test_bytes_that_are_no_utf8_condemn_only_the_text_they_stand_in() -> None:
    result = decoded(b'{"ts": 1764000000000, "m": {"power_w": 85.5, "note": "caf\xe9"}}')
    assert [refusal.reason for refusal in result.refusals] == [Reason.BAD_TEXT]
    assert result.batches[0].values[0, 4] == 85.5


def test_a_reading_whose_every_metric_is_refused_leaves_no_row() -> None:
    result = decoded(a_reading(power_w="85", cabinet_temp_c=True))
    assert not result.batches
    assert [refusal.metric for refusal in result.refusals] == ["power_w", "cabinet_temp_c"]


def test_what_nobody_declared_goes_to_extra_whichever_scalar_it_is() -> None:
    said = {"power_w": 85.0, "rssi": -61, "mode": "eco: 2", "eco": True, "nothing": None, "名": 1.5}
    for careful in (False, True):
        result = decoded(a_reading(**said), a_reading(NOW_MS + 1, rssi=1), careful=careful)
        assert not result.refusals
        assert [orjson.loads(text or "{}") for text in result.batches[0].extra] == [
            {"rssi": -61, "mode": "eco: 2", "eco": True, "名": 1.5},
            {"rssi": 1},
        ]


def test_a_finite_but_implausible_value_is_kept_and_flagged() -> None:
    batch = decoded(a_reading(cabinet_temp_c=61, power_w=-1.0), a_reading(NOW_MS + 1, cabinet_temp_c=60.0)).batches[0]
    assert batch.values[0, 0] == 61.0
    assert batch.flags.tolist() == [0b10001, 0]


def test_null_says_nothing() -> None:
    batch = decoded(a_reading(cabinet_temp_c=None, power_w=85)).batches[0]
    assert np.isnan(batch.values[0, 0])
    assert batch.values[0, 4] == 85.0


def test_what_a_later_message_fills_in_is_in_the_row_and_not_in_what_was_said_first() -> None:
    """One message that says a moment in two readings says all of it."""
    parts = [a_reading(cabinet_temp_c=4.0), a_reading(power_w=85.0)]
    (batch,) = decoded(parts, a_reading(door_open=1.0), a_reading(power_w=85.0)).batches
    first = merge.first_said(batch)
    names = [FRIDGE.metric_names.index(name) for name in ("cabinet_temp_c", "power_w", "door_open")]
    assert batch.values[:, names].tolist() == [[4.0, 85.0, 1.0]]
    np.testing.assert_equal(first.values[:, names], [[4.0, 85.0, np.nan]])
    (alone,) = decoded(parts).batches
    np.testing.assert_equal(merge.first_said(alone).values[:, names], [[4.0, 85.0, np.nan]])


def test_readings_of_one_message_are_sorted_by_their_time_and_messages_stay_in_log_order() -> None:
    array = [a_reading(NOW_MS - 1000, power_w=1), a_reading(NOW_MS - 3000, power_w=2, door_open=1)]
    batch = decoded(array, a_reading(NOW_MS - 2000, power_w=3)).batches[0]
    assert batch.ts_ms.tolist() == [NOW_MS - 3000, NOW_MS - 1000, NOW_MS - 2000]
    assert batch.seq.tolist() == [1, 1, 2]


def test_equal_times_in_a_batch_become_one_row_that_keeps_what_came_first() -> None:
    result = decoded(
        a_reading(power_w=85.0, mode="a"),
        a_reading(power_w=85.0),
        a_reading(power_w=86.0, cabinet_temp_c=99.0, mode="b", rssi=1),
    )
    (batch,) = result.batches
    assert batch.seq.tolist() == [1]
    assert batch.values[0, :5:4].tolist() == [99.0, 85.0]
    assert batch.flags.tolist() == [1]
    assert orjson.loads(batch.extra[0] or "") == {"mode": "a", "rssi": 1}
    conflicts = [(refusal.reason, refusal.seq, refusal.metric, refusal.payload) for refusal in result.refusals]
    assert conflicts == [
        (Reason.CONFLICT, 3, "power_w", b'{"ts":1764000000000,"m":{"power_w":86.0}}'),
        (Reason.CONFLICT, 3, "mode", b'{"ts":1764000000000,"m":{"mode":"b"}}'),
    ]


@pytest.mark.parametrize(
    ("subject", "topic", "reason"),
    [
        ("log.3.demo.d1.up.state", "fm/demo/d1/up/state", Reason.UNKNOWN_KIND),
        ("log.3.demo.d1.up.telemetry.more", "fm/demo/d1/up/telemetry/more", Reason.UNKNOWN_KIND),
        ("log.3.demo.d1.ctl.label", "fm/demo/d1/ctl/label", Reason.UNKNOWN_KIND),
        ("log.3.demo.d//1.up.telemetry", "fm/demo/d.1/up/telemetry", Reason.BAD_TOPIC),
        ("log.3./.d1.up.telemetry", "fm//d1/up/telemetry", Reason.BAD_TOPIC),
        ("log.3.demo." + "d" * 65 + ".up.telemetry", "fm/demo/" + "d" * 65 + "/up/telemetry", Reason.BAD_TOPIC),
    ],
)
def test_a_topic_where_nobody_listens_is_refused(subject: str, topic: str, reason: Reason) -> None:
    source = topics.found(topics.read(subject), Address(1, "refrigerator"), frozenset(CATALOGUE))
    result = decoded(GOOD, source=source)
    assert not result.batches
    assert [(refusal.reason, refusal.topic, refusal.payload) for refusal in result.refusals] == [(reason, topic, GOOD)]


def test_an_unknown_device_is_refused_under_the_tenant_of_its_topic() -> None:
    source = topics.found(topics.read("log.7.acme.d9.up.telemetry"), None, frozenset(CATALOGUE))
    (refusal,) = decoded(GOOD, source=source).refusals
    assert (refusal.reason, refusal.tenant_id, refusal.device_no) == (Reason.UNKNOWN_DEVICE, "acme", None)


def test_every_class_gets_a_batch_of_its_own() -> None:
    sources = [a_source(1), a_source(2, "cold_room"), a_source(3)]
    messages = [a_message(a_reading(door_open=1), seq=seq) for seq in (5, 6, 7)]
    result = decode(messages, sources, CATALOGUE)
    assert {batch.class_id: batch.device_no.tolist() for batch in result.batches} == {
        "refrigerator": [1, 3],
        "cold_room": [2],
    }


def same(one: Decoded, other: Decoded) -> None:
    assert one.refusals == other.refusals
    left = {batch.class_id: batch for batch in one.batches}
    right = {batch.class_id: batch for batch in other.batches}
    assert left.keys() == right.keys()
    for class_id, batch in left.items():
        for name in ("device_no", "ts_ms", "seq", "received_ms", "values", "flags"):
            np.testing.assert_array_equal(getattr(batch, name), getattr(right[class_id], name))
        assert [text and orjson.loads(text) for text in batch.extra] == [
            text and orjson.loads(text) for text in right[class_id].extra
        ]


@settings(max_examples=400)
@given(st.lists(payloads, min_size=1, max_size=4))
def test_whatever_comes_good_neighbours_survive_and_both_ways_of_reading_agree(sent: list[bytes]) -> None:
    """Every message leads to a row or a refusal; the good ones between lose nothing."""
    messages, sources = [], []
    for seq, payload in enumerate(sent):
        messages += [Message(2 * seq, NOW_MS, "", payload), Message(2 * seq + 1, NOW_MS, "", GOOD)]
        sources += [a_source(1 + seq), a_source(100 + seq)]
    fast = decode(messages, sources, CATALOGUE)
    rows = {(batch.class_id, seq) for batch in fast.batches for seq in batch.seq.tolist()}
    assert {("refrigerator", 2 * seq + 1) for seq in range(len(sent))} <= rows
    assert {seq for _, seq in rows} | {refusal.seq for refusal in fast.refusals} == set(range(len(messages)))
    same(fast, decode(messages, sources, CATALOGUE, careful=True))


@pytest.mark.parametrize("careful", [False, True])
def test_a_clock_that_was_wrong_does_not_become_right_by_waiting(*, careful: bool) -> None:
    """A message that is replayed is judged by the time at which the log first received it, and kept by the new one."""
    ahead = a_reading(NOW_MS + 3_600_000)
    messages = [
        a_message(ahead, seq=1, received_ms=NOW_MS + 86_400_000)._replace(first_ms=NOW_MS),
        a_message(ahead, seq=2, received_ms=NOW_MS + 86_400_000),
    ]
    found = decode(messages, [a_source()] * 2, CATALOGUE, careful=careful)
    assert [(each.seq, each.reason) for each in found.refusals] == [(1, Reason.TS_IN_FUTURE)]
    assert found.batches[0].seq.tolist() == [2]
    assert found.batches[0].received_ms.tolist() == [NOW_MS + 86_400_000]

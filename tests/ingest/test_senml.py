"""SenML's own rules: base fields, relative time, units, and names that become metrics."""

import json
from typing import Any

import cbor2
import orjson
import pytest

from devices import catalogue
from ingest import limits
from ingest.model import Reason
from ingest.payloads import units
from ingest.payloads.records import NUMBERS
from tests.ingest.builders import FRIDGE, NOW_MS, decoded
from tests.ingest.speakers import BY_NAME, heard

NOW_S = NOW_MS / 1000
BASE = {"bn": "urn:dev:mac:0024befffe804ff1:", "bt": NOW_S}
Kept = dict[int, dict[str, Any]]


def as_json(*records: Any) -> bytes:
    return json.dumps(records).encode()


def as_cbor(*records: Any) -> bytes:
    return cbor2.dumps([{NUMBERS.get(label, label): value for label, value in each.items()} for each in records])


def read(*records: Any) -> tuple[Kept, list[tuple[Reason, str | None]]]:
    """What is kept of a pack, by time and metric, and what is refused; the same from JSON and from CBOR."""
    answers = []
    for name, payload in (("senml-json", as_json(*records)), ("senml-cbor", as_cbor(*records))):
        refused, batch = heard(BY_NAME[name], payload)
        kept: Kept = {}
        for ts_ms, values, extra in zip(batch.ts_ms, batch.values, batch.extra, strict=True) if batch else ():
            said = {metric: value for metric, value in zip(FRIDGE.metric_names, values, strict=True) if value == value}
            kept[int(ts_ms)] = said | (orjson.loads(extra) if extra else {})
        answers.append((kept, refused))
    assert answers[0] == answers[1]
    return answers[0]


def test_records_of_one_time_are_one_reading() -> None:
    kept, refused = read(
        {**BASE, "n": "cabinet_temp_c", "u": "Cel", "v": 4.1},
        {"n": "power_w", "u": "W", "v": 85},
        {"n": "cabinet_temp_c", "v": 4.3, "t": -60},
        {"n": "power_w", "v": 2, "t": -60.0},
    )
    assert refused == []
    assert kept == {
        NOW_MS: {"cabinet_temp_c": 4.1, "power_w": 85.0},
        NOW_MS - 60_000: {"cabinet_temp_c": 4.3, "power_w": 2.0},
    }


def test_base_fields_hold_until_the_next_ones() -> None:
    kept, refused = read(
        {"bn": "a:", "bt": NOW_S - 10, "bv": 20, "bu": "Cel", "n": "cabinet_temp_c", "v": 1.5},
        {"n": "ambient_temp_c", "v": 2},
        {"bt": NOW_S, "bv": 0, "n": "ambient_temp_c", "v": 21},
        {"bu": "W", "n": "power_w", "v": 9, "u": "W"},
        {"n": "mode", "vs": "eco"},
    )
    assert refused == []
    assert kept == {
        NOW_MS - 10_000: {"cabinet_temp_c": 21.5, "ambient_temp_c": 22.0},
        NOW_MS: {"ambient_temp_c": 21.0, "power_w": 9.0, "a:mode": "eco"},
    }


@pytest.mark.parametrize(
    ("base", "t", "ts_ms"),
    [
        (None, None, NOW_MS),
        (None, -2.5, NOW_MS - 2500),
        (-60, 5, NOW_MS - 55_000),
        (60, None, NOW_MS + 60_000),
        (NOW_S, -1, NOW_MS - 1000),
        (None, 1_763_000_000.1234, 1_763_000_000_123),
        (1_763_000_000, 0.25, 1_763_000_000_250),
    ],
)
def test_a_time_below_two_to_the_28_is_relative_to_when_the_log_received_it(base: Any, t: Any, ts_ms: int) -> None:
    record = {"n": "power_w", "v": 1, **({} if base is None else {"bt": base}), **({} if t is None else {"t": t})}
    assert read(record) == ({ts_ms: {"power_w": 1.0}}, [])


@pytest.mark.parametrize(
    ("t", "reason"),
    [
        (2**28, Reason.TS_TOO_OLD),
        (2**28 - 1, Reason.TS_IN_FUTURE),
        (601, Reason.TS_IN_FUTURE),
        (-2_000_000_000, Reason.TS_TOO_OLD),
        (-70_000_000_000_000, Reason.TS_OUT_OF_RANGE),
        (NOW_MS, Reason.TS_IN_MILLISECONDS),
        (1e15, Reason.TS_OUT_OF_RANGE),
        ("0", Reason.TS_NOT_A_NUMBER),
        (None, Reason.TS_NOT_A_NUMBER),
        (True, Reason.TS_NOT_A_NUMBER),
        (float("nan"), Reason.TS_NOT_A_NUMBER),
    ],
)
def test_a_time_that_cannot_be_believed_costs_its_record(t: Any, reason: Reason) -> None:
    kept, refused = read({"n": "power_w", "v": 1}, {"n": "cabinet_temp_c", "v": 4, "t": t})
    assert [each for each, _ in refused] == [reason]
    assert kept == {NOW_MS: {"power_w": 1.0}}
    pack = as_json({"bn": "x:", "bt": 1}, {"n": "cabinet_temp_c", "v": 4, "t": t})
    (refusal,) = decoded(pack, source=BY_NAME["senml-json"].source).refusals
    assert [each for each, _ in heard(BY_NAME["senml-json"], refusal.payload)[0]] == [refusal.reason]


@pytest.mark.parametrize("unit", ["K", "mV", "kW", "", "cel"])
def test_another_unit_than_the_declared_one_is_refused_not_converted(unit: str) -> None:
    kept, refused = read(
        {**BASE, "n": "cabinet_temp_c", "u": unit, "v": 277},
        {"n": "power_w", "v": 1},
        {"n": "volts", "u": unit, "v": 2},
    )
    assert refused == [(Reason.UNIT_MISMATCH, "cabinet_temp_c")]
    assert kept == {NOW_MS: {"power_w": 1.0, "urn:dev:mac:0024befffe804ff1:volts": 2}}


def test_every_unit_of_the_catalogue_has_its_name_in_senml() -> None:
    said = {metric.unit for appliance in catalogue.load().values() for metric in appliance.metrics}
    assert said <= set(units.SENML)
    assert read({"n": "door_open", "u": "/", "v": 1}) == ({NOW_MS: {"door_open": 1.0}}, [])


def test_a_refused_record_is_said_again_with_full_name_and_absolute_time() -> None:
    pack = as_json({**BASE, "bu": "Cel"}, {"n": "cabinet_temp_c", "t": -5, "vs": "4"}, {"n": "ambient_temp_c", "v": 21})
    (refusal,) = decoded(pack, source=BY_NAME["senml-json"].source).refusals
    assert (refusal.reason, refusal.metric, refusal.ts_ms) == (Reason.NOT_A_NUMBER, "cabinet_temp_c", NOW_MS - 5000)
    again = {"n": f"{BASE['bn']}cabinet_temp_c", "t": NOW_S - 5, "u": "Cel", "vs": "4"}
    assert orjson.loads(refusal.payload) == [again]


def test_a_sum_is_kept_beside_the_value() -> None:
    kept, refused = read(
        {"bs": 1000, "n": "power_w", "v": 85, "s": 2.5}, {"n": "rssi", "s": 1}, {"n": "cabinet_temp_c", "v": 4}
    )
    assert refused == []
    assert kept == {
        NOW_MS: {
            "power_w": 85.0,
            "power_w.sum": 1002.5,
            "rssi.sum": 1001,
            "cabinet_temp_c": 4.0,
            "cabinet_temp_c.sum": 1000,
        }
    }


def test_two_devices_in_one_pack_are_not_mixed() -> None:
    pack = ({"bn": "urn:dev:a:", "n": "power_w", "v": 1}, {"bn": "urn:dev:b:", "n": "power_w", "v": 2})
    assert read(*pack) == ({}, [(Reason.SEVERAL_DEVICES, None)])
    objects = ({"bn": "/3303/0/", "n": "5700", "v": 1}, {"bn": "/3304/0/", "n": "5700", "v": 2})
    assert read(*objects) == ({NOW_MS: {"/3303/0/5700": 1, "/3304/0/5700": 2}}, [])


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        (5, Reason.NOT_SENML),
        ({"n": "rssi", "v": 1, "vs": "1"}, Reason.NOT_SENML),
        ({"n": 5, "v": 1}, Reason.NOT_SENML),
        ({"n": "rssi", "u": 5, "v": 1}, Reason.NOT_SENML),
        ({"n": "rssi", "vs": 1}, Reason.NOT_SENML),
        ({"n": "rssi", "vb": 1}, Reason.NOT_SENML),
        ({"n": "rssi"}, Reason.EMPTY),
        ({"n": "rssi", "v": None}, Reason.NOT_A_NUMBER),
        ({"n": "rssi", "v": "1"}, Reason.NOT_A_NUMBER),
        ({"n": "rssi", "vd": "AQI"}, Reason.NOT_A_NUMBER),
        ({"n": "rssi", "s": "1"}, Reason.NOT_A_NUMBER),
        ({"n": "door_open", "vb": True}, Reason.NOT_A_NUMBER),
        ({"v": 1}, Reason.BAD_METRIC_NAME),
    ],
)
def test_a_record_that_is_none_costs_only_itself(record: Any, reason: Reason) -> None:
    for name, write in (("senml-json", json.dumps), ("senml-cbor", cbor2.dumps)):
        said = [{"n": "power_w", "v": 1}, record, {"n": "cabinet_temp_c", "v": 4}]
        if name == "senml-cbor":
            said = [{NUMBERS[k]: v for k, v in each.items()} if isinstance(each, dict) else each for each in said]
        text: Any = write(said)
        payload = text if isinstance(text, bytes) else text.encode()
        refused, batch = heard(BY_NAME[name], payload)
        assert [each for each, _ in refused] == [reason]
        assert batch.values[0, [0, FRIDGE.metric_names.index("power_w")]].tolist() == [4.0, 1.0]
        (refusal,) = decoded(payload, source=BY_NAME[name].source).refusals
        assert heard(BY_NAME[name], refusal.payload) == (refused, None)


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (b"{}", Reason.NOT_SENML),
        (b'{"n":"power_w","v":1}', Reason.NOT_SENML),
        (b"[]", Reason.EMPTY),
        (b'[{"bn":"a:"}]', Reason.EMPTY),
        (b'[{"bver":11,"n":"power_w","v":1}]', Reason.NOT_SENML),
        (b'[{"bver":"10","n":"power_w","v":1}]', Reason.NOT_SENML),
        (b'[{"bt":"0","n":"power_w","v":1}]', Reason.NOT_SENML),
        (b'[{"bv":NaN,"n":"power_w","v":1}]', Reason.NOT_SENML),
        (b'[{"bn":5,"n":"power_w","v":1}]', Reason.NOT_SENML),
        (b'[{"n":"power_w","v":1},{"n":"rssi","v":1,"ct_":"60"}]', Reason.NOT_SENML),
        (b'[{"n":"rssi","v":1},{"bt":1,"bt":2,"n":"power_w","v":1}]', Reason.DUPLICATE_KEY),
    ],
)
def test_what_makes_a_whole_pack_doubtful_refuses_it_whole(payload: bytes, reason: Reason) -> None:
    assert heard(BY_NAME["senml-json"], payload) == ([(reason, None)], None)


def test_what_need_not_be_understood_is_passed_over() -> None:
    for version in (1, 10):
        said = {"bver": version, "n": "power_w", "v": 1, "ut": 60, "new": [1]}
        assert read(said) == ({NOW_MS: {"power_w": 1.0}}, [])


def test_a_record_of_base_fields_says_nothing_itself_not_even_all_of_them() -> None:
    assert read({"bver": 10, "bn": "a:", "bt": NOW_S, "bu": "Cel", "bv": 1, "bs": 2}) == ({}, [(Reason.EMPTY, None)])


@pytest.mark.parametrize("name", ["power_w", "nobody_declared"])
def test_what_stands_twice_at_one_time_stands_nowhere(name: str) -> None:
    twice = [{"n": name, "v": 1, "t": NOW_S}, {"n": "rssi", "v": 3}, {"n": name, "v": 2, "t": NOW_S}]
    assert read(*twice) == ({NOW_MS: {"rssi": 3}}, [(Reason.DUPLICATE_KEY, name)])


@pytest.mark.parametrize("more", [0, 1])
def test_a_pack_is_as_wide_as_its_widest_time(more: int) -> None:
    wide = [{"n": f"k{i}", "v": i} for i in range(limits.KEYS + more)]
    kept, refused = read(*wide, {"n": "power_w", "v": 1, "t": NOW_S - 1})
    assert refused == [(Reason.TOO_MANY_KEYS, None)] * more
    assert sorted(map(len, kept.values())) == ([] if more else [1, limits.KEYS])

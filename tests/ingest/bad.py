"""Bad input: whole payloads and single metrics, each with the reason for which it is refused; and whatever else."""

import json

import orjson
from hypothesis import strategies as st

from ingest.model import Reason
from tests.ingest.builders import FRIDGE, NOW_MS, a_reading


def nest(levels: int) -> bytes:
    return b"[" * levels + b"]" * levels


WHOLE: list[tuple[Reason, bytes]] = [
    (Reason.NOT_JSON, b"hello"),
    (Reason.NOT_JSON, b'{"ts": 1, "m": {}'),
    (Reason.NOT_JSON, b'{"ts": 1, "m": {}} {}'),
    (Reason.NOT_JSON, b"\xff\xfe"),
    (Reason.NOT_JSON, b'{"ts":1,"m":{"power_w":01}}'),
    (Reason.NOT_JSON, b"-"),
    (Reason.TOO_LARGE, b'{"ts": 1, "m": {}}' + b" " * 65536),
    (Reason.TOO_LARGE, orjson.dumps({"ts": NOW_MS, "m": {f"{i:x}": 1 for i in range(10_000)}})),
    (Reason.TOO_DEEP, nest(9)),
    (Reason.TOO_DEEP, nest(2000)),
    (Reason.TOO_DEEP, b'{"a":' * 30_00 + b"1" + b"}" * 30_00),
    (Reason.TOO_MANY_KEYS, json.dumps(a_reading(**{f"k{i}": i for i in range(257)})).encode()),
    (Reason.TOO_MANY_KEYS, orjson.dumps({"ts": NOW_MS, "m": {f"{i:x}": 1 for i in range(7_000)}})),
    (Reason.TOO_MANY_READINGS, json.dumps([a_reading(NOW_MS - i) for i in range(401)]).encode()),
    (Reason.EMPTY, b""),
    (Reason.EMPTY, b"[]"),
    (Reason.EMPTY, json.dumps({"ts": NOW_MS, "m": {}}).encode()),
    (Reason.EMPTY, json.dumps(a_reading(power_w=None)).encode()),
    (Reason.NOT_A_READING, b"5"),
    (Reason.NOT_A_READING, b"null"),
    (Reason.NOT_A_READING, b'{"ts": 1764000000000}'),
    (Reason.NOT_A_READING, b'{"ts": 1764000000000, "m": 5}'),
    (Reason.NOT_A_READING, b'{"ts": 1764000000000, "m": {"power_w": 1}, "fw": 2}'),
    (Reason.DUPLICATE_KEY, b'{"ts": 1764000000000, "m": {"power_w": 1, "power_w": 2}}'),
    (Reason.DUPLICATE_KEY, b'{"ts": 1764000000000, "m": {"power_w": 1, "power\\u005fw": 2}}'),
    (Reason.DUPLICATE_KEY, b'{"ts": 1764000000000, "ts": 1764000000001, "m": {"power_w": 1}}'),
    (Reason.DUPLICATE_KEY, b'{"ts": 1764000000000, "m": {"power_w": 1}, "m": {"power_w": 1}}'),
    (Reason.TS_MISSING, b'{"m": {"power_w": 1}}'),
    (Reason.TS_MISSING, b'{"ts": null, "m": {"power_w": 1}}'),
    (Reason.TS_NOT_AN_INTEGER, b'{"ts": "1764000000000", "m": {"power_w": 1}}'),
    (Reason.TS_NOT_AN_INTEGER, b'{"ts": 1764000000000.0, "m": {"power_w": 1}}'),
    (Reason.TS_NOT_AN_INTEGER, b'{"ts": true, "m": {"power_w": 1}}'),
    (Reason.TS_IN_SECONDS, b'{"ts": 1764000000, "m": {"power_w": 1}}'),
    (Reason.TS_TOO_OLD, b'{"ts": 0, "m": {"power_w": 1}}'),
    (Reason.TS_TOO_OLD, b'{"ts": 1262303999999, "m": {"power_w": 1}}'),
    (Reason.TOO_LATE, orjson.dumps(a_reading(NOW_MS - 400 * 86_400_000 - 1))),
    (Reason.TS_IN_FUTURE, json.dumps(a_reading(NOW_MS + 600_001)).encode()),
    (Reason.TS_OUT_OF_RANGE, b'{"ts": 9404640000000000, "m": {"power_w": 1}}'),
    (Reason.TS_OUT_OF_RANGE, b'{"ts": 99999999999999999999999, "m": {"power_w": 1}}'),
    (Reason.TS_OUT_OF_RANGE, b'{"ts": -99999999999999999, "m": {"power_w": 1}}'),
]

METRIC: list[tuple[Reason, str, str]] = [
    (Reason.NOT_A_NUMBER, "cabinet_temp_c", '"4.1"'),
    (Reason.NOT_A_NUMBER, "cabinet_temp_c", "true"),
    (Reason.NOT_A_NUMBER, "cabinet_temp_c", "[4.1]"),
    (Reason.NOT_A_NUMBER, "cabinet_temp_c", '{"value": 4.1}'),
    (Reason.NOT_A_NUMBER, "nobody_declared", "[1]"),
    (Reason.NOT_FINITE, "cabinet_temp_c", "NaN"),
    (Reason.NOT_FINITE, "cabinet_temp_c", "-Infinity"),
    (Reason.NOT_FINITE, "cabinet_temp_c", "1e999"),
    (Reason.NOT_FINITE, "nobody_declared", "NaN"),
    (Reason.NUMBER_TOO_LARGE, "cabinet_temp_c", "9223372036854775808"),
    (Reason.NUMBER_TOO_LARGE, "cabinet_temp_c", "-9223372036854775809"),
    (Reason.NUMBER_TOO_LARGE, "cabinet_temp_c", "1e300"),
    (Reason.NUMBER_TOO_LARGE, "nobody_declared", "9" * 5000),
    (Reason.BAD_TEXT, "nobody_declared", r'"a\u0000b"'),
    (Reason.BAD_TEXT, "nobody_declared", r'"\ud800"'),
    (Reason.BAD_TEXT, "nobody_declared", '"' + "x" * 1025 + '"'),
    (Reason.NOT_A_NUMBER, "cabinet_temp_c", r'"\u0000"'),
    (Reason.NOT_A_NUMBER, "cabinet_temp_c", r'"\ud800"'),
    (Reason.BAD_TEXT, r"a\u0000b", "1"),
    (Reason.BAD_TEXT, r"\udfff", "1"),
    (Reason.BAD_METRIC_NAME, "", "1"),
    (Reason.BAD_METRIC_NAME, "x" * 129, "1"),
]


def with_metric(name: str, value: str) -> bytes:
    """A reading with a bad metric between two good ones; both are JSON as they stand."""
    return f'{{"ts": {NOW_MS}, "m": {{"power_w": 85.5, "{name}": {value}, "door_open": 1}}}}'.encode()


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.just(NOW_MS),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=12,
)
names = st.sampled_from([*FRIDGE.metric_names, "rssi", "mode", "", "x\0"]) | st.text(max_size=4)
numbers = st.integers(-5, 5) | st.floats(width=32) | st.sampled_from([2**63, -(2**63), 2**64, 1e300, None, "4", True])
_moments = st.integers(NOW_MS - 3, NOW_MS + 3) | st.sampled_from([0, None, "x", NOW_MS + 10**6, 2**70, True])
_nested = st.fixed_dictionaries(
    {
        "ts": _moments,
        "m": st.dictionaries(names, numbers | st.text(max_size=3), max_size=5) | st.just(5),
    },
    optional={"x": st.none()},
)
_flat = st.builds(lambda ts, said: {"ts": ts, **said}, _moments, st.dictionaries(names, numbers, max_size=4))
readings = _nested | _flat
texts = (readings | st.lists(readings, max_size=5) | json_values).map(lambda value: json.dumps(value).encode())
payloads = texts | st.binary(max_size=40) | st.tuples(texts, st.binary(max_size=2)).map(b"".join)

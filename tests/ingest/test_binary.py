"""CBOR and MessagePack against the encoders that devices have, and what only these formats can say."""

import struct
from datetime import UTC, datetime
from fractions import Fraction
from typing import Any

import cbor2
import msgpack as msgpack_library
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.model import Reason
from ingest.payloads import cbor, msgpack
from ingest.payloads.model import Encoding, Foreign, Pairs
from tests.ingest.builders import FRIDGE, NOW_MS, decoded
from tests.ingest.speakers import BY_NAME, heard

documents = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False) | st.text(max_size=300),
    lambda inner: st.lists(inner, max_size=20) | st.dictionaries(st.text(max_size=40) | st.integers(-9, 2**40), inner),
    max_leaves=20,
).filter(lambda document: _depth(document) <= 8)


def _depth(document: Any) -> int:
    inner = document.values() if isinstance(document, dict) else document if isinstance(document, list) else None
    return 0 if inner is None else 1 + max(map(_depth, inner), default=0)


def plain(document: Any) -> Any:
    if isinstance(document, Pairs):
        return {name: plain(value) for name, value in document}
    return [plain(each) for each in document] if isinstance(document, list) else document


@given(documents)
def test_what_the_library_writes_is_read_and_what_we_say_the_library_reads(document: Any) -> None:
    for ours, theirs in (
        (cbor.parse(cbor2.dumps(document)), cbor2.loads),
        (cbor.parse(cbor2.dumps(document, canonical=True)), cbor2.loads),
        (msgpack.parse(msgpack_library.packb(document)), None),
    ):
        assert plain(ours) == document
        assert sorted(map(repr, _leaves(plain(ours)))) == sorted(map(repr, _leaves(document)))
        said = cbor.say(ours) if theirs else msgpack.say(ours)
        assert (cbor2.loads(said) if theirs else msgpack_library.unpackb(said, strict_map_key=False)) == document


def _leaves(document: Any) -> list[Any]:
    inner = document.values() if isinstance(document, dict) else document if isinstance(document, list) else None
    return [document] if inner is None else [leaf for each in inner for leaf in _leaves(each)]


@pytest.mark.parametrize("encoding", [cbor.CBOR, msgpack.MSGPACK], ids=["cbor", "msgpack"])
@given(document=documents)
def test_what_is_said_is_read_alike(encoding: Encoding, document: Any) -> None:
    pairs = encoding.parse(cbor2.dumps(document) if encoding is cbor.CBOR else msgpack_library.packb(document))
    assert encoding.parse(encoding.say(pairs)) == pairs


def a_metric(name: str, raw: bytes) -> bytes:
    """A reading with one metric as it stands in bytes, between two good ones."""
    text = cbor.say if name == "cbor" else msgpack.say
    around, inner = (b"\xa2", b"\xa3") if name == "cbor" else (b"\x82", b"\x83")
    parts = [around, text("ts"), text(NOW_MS), text("m"), inner, text("power_w"), text(1), text("rssi"), raw]
    return b"".join([*parts, text("door_open"), text(0)])


ODD = [
    ("cbor", b"\x42\x01\x02", Reason.NOT_A_NUMBER),
    ("cbor", b"\x5f\x41\x01\x41\x02\xff", Reason.NOT_A_NUMBER),
    ("cbor", cbor2.dumps(datetime.fromtimestamp(NOW_MS / 1000, UTC)), Reason.NOT_A_NUMBER),
    ("cbor", cbor2.dumps(Fraction(1, 3)), Reason.NOT_A_NUMBER),
    ("cbor", b"\xd9\xd9\xf7\x01", Reason.NOT_A_NUMBER),
    ("cbor", b"\xe0", Reason.NOT_A_NUMBER),
    ("cbor", b"\xf8\xff", Reason.NOT_A_NUMBER),
    ("cbor", cbor2.dumps(2**64), Reason.NUMBER_TOO_LARGE),
    ("cbor", cbor2.dumps(-(2**70)), Reason.NUMBER_TOO_LARGE),
    ("cbor", b"\x3b" + b"\xff" * 8, Reason.NUMBER_TOO_LARGE),
    ("cbor", b"\xf9\x7e\x00", Reason.NOT_FINITE),
    ("cbor", b"\xfa\x7f\x80\x00\x00", Reason.NOT_FINITE),
    ("cbor", b"\xc4\x82\x1a\x7f\xff\xff\xff\x01", Reason.NOT_FINITE),
    ("cbor", b"\x62\xc3\x28", Reason.BAD_TEXT),
    ("cbor", b"\x63\xed\xa0\x80", Reason.BAD_TEXT),
    ("msgpack", b"\xc4\x02\x01\x02", Reason.NOT_A_NUMBER),
    ("msgpack", b"\xd6\xff" + struct.pack(">I", 1_764_000_000), Reason.NOT_A_NUMBER),
    ("msgpack", b"\xc7\x03\x05abc", Reason.NOT_A_NUMBER),
    ("msgpack", b"\xcf" + b"\xff" * 8, Reason.NUMBER_TOO_LARGE),
    ("msgpack", b"\xca\x7f\xc0\x00\x00", Reason.NOT_FINITE),
    ("msgpack", b"\xa2\xc3\x28", Reason.BAD_TEXT),
]


@pytest.mark.parametrize(("name", "raw", "reason"), ODD)
def test_what_only_a_binary_format_can_say_is_refused_alone(name: str, raw: bytes, reason: Reason) -> None:
    refused, batch = heard(BY_NAME[name], a_metric(name, raw))
    assert refused == [(reason, "rssi")]
    assert batch.values[0, [FRIDGE.metric_names.index(each) for each in ("power_w", "door_open")]].tolist() == [1, 0]
    (refusal,) = decoded(a_metric(name, raw), source=BY_NAME[name].source).refusals
    assert raw in refusal.payload or reason in {Reason.NOT_FINITE, Reason.NOT_A_NUMBER}
    assert heard(BY_NAME[name], refusal.payload) == (refused, None)


@pytest.mark.parametrize(
    ("name", "raw", "value"),
    [
        ("cbor", b"\xf9\x3c\x00", 1.0),
        ("cbor", b"\xfa\x40\x83\x33\x33", 4.099999904632568),
        ("cbor", b"\xc4\x82\x21\x19\x01\xa4", 4.2),
        ("cbor", b"\xc2\x42\x01\x00", 256),
        ("cbor", b"\xc3\x41\x09", -10),
        ("cbor", b"\x7f\x62ec\x61o\xff", "eco"),
        ("cbor", b"\x18\x05", 5),
        ("cbor", b"\xf5", True),
        ("msgpack", b"\xca\x40\x83\x33\x33", 4.099999904632568),
        ("msgpack", b"\xd1\xff\x00", -256),
        ("msgpack", b"\xd9\x03eco", "eco"),
    ],
)
def test_every_way_to_write_a_number_or_a_text_is_read(name: str, raw: bytes, value: Any) -> None:
    refused, batch = heard(BY_NAME[name], a_metric(name, raw))
    assert refused == []
    found = orjson.loads(batch.extra[0])["rssi"]
    assert (type(found), found) == (type(value), value)


@pytest.mark.parametrize("raw", [b"\xf6", b"\xf7"])
def test_null_and_undefined_say_nothing(raw: bytes) -> None:
    refused, batch = heard(BY_NAME["cbor"], a_metric("cbor", raw))
    assert (refused, batch.extra) == ([], [None])


def test_cbor_may_say_that_it_is_cbor_and_leave_lengths_open() -> None:
    said = {"ts": NOW_MS, "m": {"power_w": 1.5}}
    refused, batch = heard(BY_NAME["cbor"], b"\xd9\xd9\xf7" + cbor2.dumps(said))
    assert (refused, len(batch)) == ([], 1)
    reading = b"\xbf\x62ts" + cbor2.dumps(NOW_MS) + b"\x61m\xbf\x67power_w\xf9\x3e\x00\xff\xff"
    refused, batch = heard(BY_NAME["cbor"], b"\x9f" + reading + b"\xff")
    assert (refused, len(batch)) == ([], 1)


@pytest.mark.parametrize(
    "payload", [b"\xff", b"\x1f", b"\x1c", b"\x5f\x61a\xff", b"\x7f\x7f\xff\xff", b"\xf8\x14", b"\xbf\x01\xff"]
)
def test_what_is_not_well_formed_is_refused_as_a_whole(payload: bytes) -> None:
    assert heard(BY_NAME["cbor"], payload) == ([(Reason.NOT_CBOR, None)], None)


@pytest.mark.parametrize("name", ["cbor", "msgpack"])
def test_a_key_that_is_no_text_is_a_name_that_cannot_be_used(name: str) -> None:
    speaker = BY_NAME[name]
    for key in (7, True, 1.5, [1], Foreign("bytes", b"\x41a" if name == "cbor" else b"\xc4\x01a")):
        said = [("power_w", 1), (key, 2)]
        refused, batch = heard(speaker, speaker.write((NOW_MS, said)))
        assert [reason for reason, _ in refused] == [Reason.BAD_METRIC_NAME]
        assert len(batch) == 1
    twice = [("power_w", 1), (7, 2), (7, 3)]
    assert heard(speaker, speaker.write((NOW_MS, twice))) == ([(Reason.DUPLICATE_KEY, None)], None)
    numbered = Pairs([(1, NOW_MS), (2, Pairs())])
    assert heard(speaker, (cbor if name == "cbor" else msgpack).say(numbered))[0] == [(Reason.TS_MISSING, None)]


@pytest.mark.parametrize("ts", [float(NOW_MS), str(NOW_MS), True, Foreign("x", cbor2.dumps(datetime.now(UTC)))])
def test_ts_is_an_integer_in_every_format(ts: Any) -> None:
    for name in ("json", "flat", "cbor", "msgpack"):
        if not isinstance(ts, Foreign) or name == "cbor":
            refused, batch = heard(BY_NAME[name], BY_NAME[name].write((ts, [("power_w", 1)])))
            assert (refused, batch) == ([(Reason.TS_NOT_AN_INTEGER, None)], None)


def test_seconds_are_noticed_in_every_format_that_speaks_milliseconds() -> None:
    for name in ("json", "flat", "cbor", "msgpack"):
        refused, _ = heard(BY_NAME[name], BY_NAME[name].write((NOW_MS // 1000, [("power_w", 1)])))
        assert refused == [(Reason.TS_IN_SECONDS, None)]

"""Every bound from both sides, in every format: the last that is kept and the first that is not; and what is refused
for its time can be stored with it."""

from typing import Any

import msgpack
import orjson
import pytest

from ingest import limits
from ingest.model import Reason
from ingest.store import moment
from tests.ingest.builders import FRIDGE, NOW_MS, decoded
from tests.ingest.speakers import BY_NAME, SPEAKERS, Speaker, heard

every_format = pytest.mark.parametrize("speaker", SPEAKERS, ids=str)
YEAR_1_MS = -62_135_596_800_000
TOO_LATE_MS = NOW_MS - FRIDGE.retention_days * 86_400_000
POWER = FRIDGE.metric_names.index("power_w")


def said_at(speaker: Speaker, ts_ms: int) -> list[Reason]:
    """Why a reading of that moment is refused, beside one that is not; every moment can be stored."""
    result = decoded(speaker.write((ts_ms, [("power_w", 1)]), (NOW_MS - 5, [("power_w", 2)])), source=speaker.source)
    assert NOW_MS - 5 in result.batches[0].ts_ms.tolist()
    for each in result.refusals:
        assert each.ts_ms is None or moment(each.ts_ms).year >= 1
    assert len(result.batches[0]) + len(result.refusals) == 2
    return [each.reason for each in result.refusals]


@every_format
@pytest.mark.parametrize("ts_ms", [NOW_MS + limits.AHEAD_MS, NOW_MS, TOO_LATE_MS])
def test_the_last_moment_that_is_believed_is_kept(speaker: Speaker, ts_ms: int) -> None:
    assert said_at(speaker, ts_ms) == []


@every_format
@pytest.mark.parametrize(
    ("ts_ms", "reason"),
    [
        (NOW_MS + limits.AHEAD_MS + 1, Reason.TS_IN_FUTURE),
        (limits.NEWEST_MS, Reason.TS_IN_FUTURE),
        (TOO_LATE_MS - 1, Reason.TOO_LATE),
        (limits.OLDEST_MS, Reason.TOO_LATE),
        (limits.OLDEST_MS - 1, Reason.TS_TOO_OLD),
    ],
)
def test_the_first_moment_that_is_not_believed_is_refused(speaker: Speaker, ts_ms: int, reason: Reason) -> None:
    assert said_at(speaker, ts_ms) == [reason]


@pytest.mark.parametrize("speaker", [each for each in SPEAKERS if not each.times_each_value], ids=str)
@pytest.mark.parametrize(
    ("ts_ms", "reason"),
    [
        (10**9 - 1, Reason.TS_TOO_OLD),
        (10**9, Reason.TS_IN_SECONDS),
        (10**10 - 1, Reason.TS_IN_SECONDS),
        (10**10, Reason.TS_TOO_OLD),
        (-1, Reason.TS_TOO_OLD),
        (YEAR_1_MS, Reason.TS_TOO_OLD),
        (YEAR_1_MS - 1, Reason.TS_OUT_OF_RANGE),
        (limits.NEWEST_MS + 1, Reason.TS_OUT_OF_RANGE),
        (2**63 - 1, Reason.TS_OUT_OF_RANGE),
        (-(2**63), Reason.TS_OUT_OF_RANGE),
    ],
)
def test_moments_that_no_clock_says_are_refused_for_what_they_look_like(
    speaker: Speaker, ts_ms: int, reason: Reason
) -> None:
    """SenML counts from now below 2^28 s, and of Sparkplug no moment is negative."""
    assert said_at(speaker, ts_ms) == [reason]


@every_format
@pytest.mark.parametrize("more", [0, 1])
def test_a_payload_of_64_kib_is_read_and_a_byte_more_is_not(speaker: Speaker, more: int) -> None:
    def pad(size: int) -> bytes:
        return speaker.write((NOW_MS, [("power_w", 85), ("note", "x" * size)]))

    payload = pad(1000)
    payload = pad(1000 + limits.PAYLOAD_BYTES - len(payload) + more)
    payload = pad(1000 + limits.PAYLOAD_BYTES - len(pad(1000)) + more - (len(payload) - limits.PAYLOAD_BYTES - more))
    assert len(payload) == limits.PAYLOAD_BYTES + more
    refused, batch = heard(speaker, payload)
    assert [reason for reason, _ in refused] == [Reason.TOO_LARGE if more else Reason.BAD_TEXT]
    assert (batch is None) == bool(more)


@pytest.mark.parametrize("beside", [[], [b"{"]], ids=["alone", "beside what is odd"])
@pytest.mark.parametrize("more", [0, 1])
def test_the_same_holds_where_nothing_else_is_odd(beside: list[bytes], more: int) -> None:
    payload = orjson.dumps({"ts": NOW_MS, "m": {"power_w": 85}})
    result = decoded(payload.ljust(limits.PAYLOAD_BYTES + more), *beside)
    assert [each.reason for each in result.refusals][:more] == [Reason.TOO_LARGE] * more
    assert len(result.batches) == 1 - more


@every_format
@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (2**63 - 1, None),
        (-(2**63) + 1, None),
        (9223372036854774784.0, None),
        (-9223372036854774784.0, None),
        (2.0**63, Reason.NUMBER_TOO_LARGE),
        (-(2.0**63), Reason.NUMBER_TOO_LARGE),
        (5e-324, None),
        (-0.0, None),
    ],
)
@pytest.mark.parametrize("name", ["power_w", "nobody_declared"])
def test_a_number_is_kept_up_to_2_63(speaker: Speaker, name: str, value: Any, reason: Reason | None) -> None:
    refused, batch = heard(speaker, speaker.write((NOW_MS, [(name, value), ("door_open", 1)])))
    assert [each for each, _ in refused] == ([] if reason is None else [reason])
    if name == "power_w" and reason is None:
        assert batch.values[0, POWER] == float(value)


@every_format
def test_names_and_texts_are_kept_up_to_their_bounds(speaker: Speaker) -> None:
    """A text is counted in bytes, a name in characters."""
    good = [("名" * limits.NAME_CHARS, 1), ("text", "é" * (limits.TEXT_BYTES // 2)), ("empty", "")]
    bad = [("名" * (limits.NAME_CHARS + 1), 1), ("long", "é" * (limits.TEXT_BYTES // 2) + "x")]
    refused, _ = heard(speaker, speaker.write((NOW_MS, [*good, *bad])))
    assert [reason for reason, _ in refused] == [Reason.BAD_METRIC_NAME, Reason.BAD_TEXT]


@pytest.mark.parametrize(
    ("name", "inner", "outer"),
    [("json", b"[]", (b"[", b"]")), ("cbor", b"\x80", (b"\x81", b"")), ("msgpack", b"\x90", (b"\x91", b""))],
)
def test_eight_levels_are_read_and_nine_are_not(name: str, inner: bytes, outer: tuple[bytes, bytes]) -> None:
    for levels, reason in ((limits.DEPTH, Reason.NOT_A_READING), (limits.DEPTH + 1, Reason.TOO_DEEP)):
        nested = outer[0] * (levels - 1) + inner + outer[1] * (levels - 1)
        assert heard(BY_NAME[name], nested) == ([(reason, None)], None)


@pytest.mark.parametrize("size", [0, 1, 2, 3, 4, 8, 16, 17, 255, 256])
def test_an_extension_of_any_size_is_no_number_and_its_neighbours_live(size: int) -> None:
    said = {"ts": NOW_MS, "m": {"cabinet_temp_c": msgpack.ExtType(5, b"x" * size), "power_w": 85.0}}
    refused, batch = heard(BY_NAME["msgpack"], msgpack.packb(said))
    assert refused == [(Reason.NOT_A_NUMBER, "cabinet_temp_c")]
    assert batch.values[0, POWER] == 85.0


@pytest.mark.parametrize("more", [0, 1])
def test_a_thousand_refusals_of_a_message_are_stored_one_by_one_and_one_more_as_one(more: int) -> None:
    bad = dict.fromkeys(FRIDGE.metric_names[:5], "x")
    said = [{"ts": NOW_MS - i, "m": bad} for i in range(limits.FLAWS // 5)] + [{"ts": NOW_MS, "m": {"a": []}}] * more
    reasons = [refusal.reason for refusal in decoded(said).refusals]
    assert reasons == ([Reason.TOO_MANY_FLAWS] if more else [Reason.NOT_A_NUMBER] * limits.FLAWS)

"""A device's own rhythm, and how long it may be silent."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.presence import rhythm
from ingest.presence.heard import Heard
from ingest.presence.model import Spoken
from ingest.presence.rhythm import Pace, Rhythm
from tests.presence.builders import DAY, HOUR, MINUTE, SECOND, START_MS, a_batch, every, heard, patience_ms

FLUSH = st.lists(st.integers(0, 2_000), max_size=400)


@given(gap_s=st.integers(1, 86_400), flushes=st.lists(FLUSH, min_size=20, max_size=20), repeats=st.integers(1, 3))
@settings(max_examples=30)
def test_patience_is_never_below_the_real_gap_whatever_is_flushed_or_sent_twice(
    gap_s: int, flushes: list[list[int]], repeats: int
) -> None:
    memory = Heard(Pace())
    at = 0
    for flush in flushes:
        memory.hear(a_batch((1, at), *((1, at + each) for each in sorted(flush) if each < gap_s * 500)))
        memory.hear(a_batch(*[(1, at)] * repeats))
        memory.settle()
        assert patience_ms(memory) >= 2 * gap_s * SECOND
        at += gap_s * SECOND


@given(st.lists(st.integers(30, 60), min_size=40, max_size=200))
@settings(max_examples=40)
def test_an_uneven_rhythm_is_waited_for_but_not_for_ever(gaps_s: list[int]) -> None:
    at = np.cumsum([0, *gaps_s]) * SECOND
    memory = heard(a_batch(*((1, int(each)) for each in at)))
    if at[-1] < Pace().learning_ms:
        return
    assert 60 * SECOND <= patience_ms(memory) <= 6 * MINUTE


def rhythms(*rows: tuple[float, float, int, float]) -> Rhythm:
    gap_ms, spread_ms, gaps, span_ms = (np.array(column) for column in zip(*rows, strict=True))
    return Rhythm(gap_ms=gap_ms, spread_ms=spread_ms, gaps=gaps.astype(np.int32), span_ms=span_ms)


def test_patience_is_three_gaps_or_one_and_four_spreads_and_long_until_it_is_learned() -> None:
    pace = Pace()
    learned = pace.few, float(pace.learning_ms)
    found = rhythm.patience_ms(
        rhythms(
            (60_000.0, 10_000.0, *learned),
            (60_000.0, 50_000.0, *learned),
            (1_000.0, 0.0, *learned),
            (60_000.0, 10_000.0, pace.few - 1, pace.learning_ms * 1.0),
            (60_000.0, 10_000.0, pace.few, pace.learning_ms - 1.0),
        ),
        pace,
    )
    assert found.tolist() == [180_000, 260_000, pace.least_ms, pace.unlearned_ms, pace.unlearned_ms]


def test_a_gap_weighs_what_it_lasted_and_an_outage_as_long_as_patience_was() -> None:
    """By hand: 1 - exp(-gap / (8 * average)) of the way."""
    known = (60_000.0, 30_000.0, 9, 900_000.0)
    after = rhythm.after(
        rhythms((0.0, 0.0, 0, 0.0), known, known, known), np.array([60_000, 60_000, 120_000, 86_400_000]), Pace()
    )
    np.testing.assert_allclose(after.gap_ms, [60_000, 60_000, 73_271.953, 97_525.287], rtol=1e-7)
    np.testing.assert_allclose(after.spread_ms, [30_000, 26_474.907, 36_635.977, 58_143.965], rtol=1e-7)
    assert (after.gaps.tolist(), after.span_ms.tolist()) == ([1, 10, 10, 10], [60_000, 960_000, 1_020_000, 1_080_000])


def test_who_speaks_once_a_day_is_not_out_after_an_hour_nor_before_it_is_known() -> None:
    assert patience_ms(heard(every(DAY, 30))) >= 2 * DAY
    assert patience_ms(heard(every(SECOND, 2))) >= DAY
    assert patience_ms(heard(every(SECOND, 20))) >= DAY, "a first flush is no rhythm"


def test_one_long_outage_does_not_make_a_device_slow() -> None:
    before = heard(every(MINUTE, 100))
    assert patience_ms(before) < 4 * MINUTE
    after = heard(every(MINUTE, 100), every(MINUTE, 30, begin_ms=100 * MINUTE + 3 * DAY))
    assert patience_ms(after) < 5 * MINUTE


def test_who_becomes_slower_or_quicker_is_learned_anew() -> None:
    slower = heard(every(MINUTE, 100), every(HOUR, 60, begin_ms=100 * MINUTE))
    assert patience_ms(slower) >= HOUR
    quicker = heard(every(HOUR, 60), every(MINUTE, 3_000, begin_ms=60 * HOUR))
    assert patience_ms(quicker) < 10 * MINUTE


def test_in_bursts_the_pause_between_them_counts() -> None:
    bursts = [(1, burst * HOUR + i * SECOND) for burst in range(20) for i in range(30)]
    assert patience_ms(heard(a_batch(*bursts))) >= HOUR


@given(st.data())
@settings(max_examples=40)
def test_it_is_the_same_however_the_log_is_cut_and_one_moment_ordered(data: st.DataObject) -> None:
    steps = data.draw(st.lists(st.tuples(st.integers(1, 4), st.integers(0, 90_000)), min_size=1, max_size=120))
    at = np.cumsum([gap for _, gap in steps])
    said = [(device_no, int(moment)) for (device_no, _), moment in zip(steps, at, strict=True)]
    whole = heard(a_batch(*said)).dump()
    cuts = sorted(data.draw(st.lists(st.integers(0, len(said)), max_size=8)))
    pieces = Heard(Pace())
    for begin, end in zip([0, *cuts], [*cuts, len(said)], strict=True):
        pieces.hear(a_batch(*said[begin:end]))
        if data.draw(st.booleans()):
            pieces.settle()
        other = Heard(Pace())
        other.load(pieces.dump())
        pieces = other
    assert_the_same(whole, pieces.dump())
    shuffled = sorted(said, key=lambda each: (each[1], data.draw(st.integers(0, 9))))
    assert_the_same(whole, heard(a_batch(*shuffled)).dump())


def assert_the_same(ours: dict[str, np.ndarray], theirs: dict[str, np.ndarray]) -> None:
    assert ours.keys() == theirs.keys()
    for name, array in ours.items():
        np.testing.assert_array_equal(array, theirs[name], err_msg=name)


def test_a_message_is_only_put_aside_and_thousands_are_worked_in_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that presence costs a message next to nothing: of 160,000 messages, 1,000 devices learn together."""
    memory, n = Heard(Pace()), 4000
    learned: list[int] = []
    settled: list[int] = []
    after, settle = rhythm.after, Heard.settle
    monkeypatch.setattr(rhythm, "after", lambda *said: learned.append(len(said[1])) or after(*said))
    monkeypatch.setattr(Heard, "settle", lambda self: settled.append(len(self._aside)) or settle(self))
    for i in range(40):
        said_ms = np.full(n, START_MS + i * 267, np.int64)
        memory.hear(Spoken(device_no=np.arange(n) % 1000 + 1, received_ms=said_ms))
    assert settled == [2] * 20
    assert learned == [1000] * 39, "one gap of every device at a time"

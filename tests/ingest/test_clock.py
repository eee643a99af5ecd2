"""A clock that is wrong by a fixed amount is known, whatever is flushed; and none freezes the newest reading."""

import numpy as np
import pytest

from ingest import history
from ingest.clock import CROWD_MS, ENOUGH, WRONG_MS, Clock, ClockState, judge
from ingest.decode import decode
from ingest.model import Reason
from tests.ingest.builders import CATALOGUE, FRIDGE, NOW_MS, a_message, a_reading, a_source
from tests.ingest.conftest import Record
from tests.ingest.record import a_batch, register
from tests.ingest.test_quota import a_refusal
from tests.ingest.test_refusals import as_api, keep

HOUR_MS = 3_600_000


def lateness(offset_ms: int, *, live: int = 50, flushed: int = 0, seed: int = 3) -> Clock:
    """`live` messages with the delays of a network, and `flushed` ones of an outage of four hours."""
    rng = np.random.default_rng(seed)
    delay = np.concatenate([rng.exponential(400, live), np.linspace(0, 4 * HOUR_MS, flushed)])
    return judge(rng.permutation(delay - offset_ms).astype(np.int64))


@pytest.mark.parametrize(
    ("offset_ms", "state"),
    [
        (0, ClockState.RIGHT),
        (-90_000, ClockState.RIGHT),
        (-HOUR_MS, ClockState.BEHIND),
        (-8 * HOUR_MS, ClockState.BEHIND),
        (150_000, ClockState.AHEAD),
        (26 * HOUR_MS, ClockState.AHEAD),
    ],
)
@pytest.mark.parametrize("flushed", [0, 40])
def test_a_fixed_offset_is_known_whatever_is_flushed_after_an_outage(
    offset_ms: int, state: ClockState, flushed: int
) -> None:
    found = lateness(offset_ms, flushed=flushed)
    assert found.state is state
    assert found.offset_ms is not None
    assert abs(found.offset_ms - offset_ms) < 1000


def test_one_reading_from_nowhere_does_not_make_a_clock_wrong() -> None:
    late = np.full(50, 300, dtype=np.int64)
    late[7], late[8] = -500_000, 9 * HOUR_MS
    assert judge(late) == Clock(state=ClockState.RIGHT, offset_ms=-300, messages=50)


def test_what_does_not_recur_or_is_too_little_is_not_judged() -> None:
    wandering = np.arange(40, dtype=np.int64) * CROWD_MS
    assert judge(wandering).state is ClockState.UNKNOWN
    assert judge(np.zeros(ENOUGH - 1, dtype=np.int64)).state is ClockState.UNKNOWN
    assert judge(np.zeros(0, dtype=np.int64)) == Clock(state=ClockState.UNKNOWN, offset_ms=None, messages=0)


@pytest.mark.parametrize(
    ("offset_ms", "state"),
    [
        (-WRONG_MS, ClockState.BEHIND),
        (1 - WRONG_MS, ClockState.RIGHT),
        (WRONG_MS - 1, ClockState.RIGHT),
        (WRONG_MS, ClockState.AHEAD),
    ],
)
def test_a_clock_is_wrong_from_two_minutes_on(offset_ms: int, state: ClockState) -> None:
    found = judge(np.full(ENOUGH, -offset_ms, dtype=np.int64))
    assert found == Clock(state=state, offset_ms=offset_ms, messages=ENOUGH)


def test_half_of_the_messages_within_a_minute_are_a_crowd_and_fewer_are_none() -> None:
    crowd = [5, 5, 5 + CROWD_MS]
    alone = [HOUR_MS * hour for hour in range(1, 4)]
    assert judge(np.array(crowd + alone, dtype=np.int64)).offset_ms == -5
    assert judge(np.array([*crowd, *alone, 9 * HOUR_MS], dtype=np.int64)).offset_ms is None
    assert judge(np.array([5, 5, 6 + CROWD_MS, *alone], dtype=np.int64)).offset_ms is None


@pytest.fixture
def device_no(record: Record) -> int:
    with record.connect() as conn:
        return register(conn, ("demo", "d1", "refrigerator"))[0]


def speak(record: Record, device_no: int, offset_ms: int, first_seq: int) -> None:
    """Ten messages, one a minute, by a clock that is off; as decoding would have them."""
    for seq in range(first_seq, first_seq + 10):
        at_ms = NOW_MS + seq * 60_000
        message = a_message(a_reading(at_ms + offset_ms), seq=seq, received_ms=at_ms + 200)
        found = decode([message], [a_source(device_no, subject="log.7.demo.d1.up.telemetry")], CATALOGUE)
        with record.connect("foremend_worker", autocommit=False) as conn:
            history.keep(conn, CATALOGUE, found.batches, found.refusals)
            conn.commit()


def clock(record: Record, device_no: int) -> Clock:
    with record.connect("foremend_api", autocommit=False) as conn:
        return history.clock(as_api(conn), FRIDGE, device_no)


def test_a_clock_so_far_ahead_that_all_is_refused_is_known_from_the_refusals_and_again_when_it_is_set(
    record: Record, device_no: int
) -> None:
    assert clock(record, device_no).state is ClockState.UNKNOWN
    speak(record, device_no, 2 * HOUR_MS, 1)
    ahead = clock(record, device_no)
    assert (ahead.state, ahead.offset_ms, ahead.messages) == (ClockState.AHEAD, 2 * HOUR_MS - 200, 10)
    for start in (11, 21):
        speak(record, device_no, 0, start)
    assert clock(record, device_no).state is ClockState.RIGHT


@pytest.mark.parametrize("years", [2, 15, 55])
def test_a_clock_that_is_years_behind_is_known_from_the_refusals_too(
    record: Record, device_no: int, years: int
) -> None:
    """Older than the record keeps readings, than any appliance, and as after a battery: in 1970."""
    offset_ms = -years * 365 * 24 * HOUR_MS
    speak(record, device_no, offset_ms, 1)
    behind = clock(record, device_no)
    assert (behind.state, behind.offset_ms, behind.messages) == (ClockState.BEHIND, offset_ms - 200, 10)
    for start in (11, 21):
        speak(record, device_no, 0, start)
    assert clock(record, device_no).state is ClockState.RIGHT


def test_an_array_counts_as_one_message_by_its_newest_reading(record: Record, device_no: int) -> None:
    with record.connect("foremend_worker", autocommit=False) as conn:
        for seq in range(1, 7):
            at_ms = NOW_MS + seq * HOUR_MS
            ts = [at_ms - HOUR_MS - i * 60_000 for i in range(60)]
            history.keep(conn, CATALOGUE, [a_batch(device_no, ts, seq=seq, received_ms=at_ms)], [])
        conn.commit()
    found = clock(record, device_no)
    assert (found.state, found.offset_ms, found.messages) == (ClockState.BEHIND, -HOUR_MS, 6)


def test_no_clock_freezes_the_newest_reading(record: Record, device_no: int) -> None:
    """In seconds, in 1970, in the future: each is refused with its reason, and the next true reading is the newest."""
    wrong = [NOW_MS // 1000, 5, NOW_MS + HOUR_MS, NOW_MS * 1000]
    messages = [a_message(a_reading(ts), seq=seq) for seq, ts in enumerate([NOW_MS - 60_000, *wrong, NOW_MS], start=1)]
    found = decode(messages, [a_source(device_no)] * len(messages), CATALOGUE)
    assert [each.reason for each in found.refusals] == [
        Reason.TS_IN_SECONDS,
        Reason.TS_TOO_OLD,
        Reason.TS_IN_FUTURE,
        Reason.TS_OUT_OF_RANGE,
    ]
    with record.connect("foremend_worker", autocommit=False) as conn:
        history.keep(conn, CATALOGUE, found.batches, found.refusals)
        conn.commit()
    with record.connect("foremend_api", autocommit=False) as conn:
        newest = history.newest(as_api(conn), FRIDGE, device_no)
    assert newest is not None
    assert newest.ts_ms == NOW_MS


def test_refusals_of_others_say_nothing_about_a_clock(record: Record, device_no: int) -> None:
    ahead = {"reason": Reason.TS_IN_FUTURE, "ts_ms": NOW_MS + HOUR_MS, "topic": "fm/demo/d2/up/telemetry"}
    keep(record, *[a_refusal(seq, payload=b"%d" % seq, device_no=None, **ahead) for seq in range(9)])
    assert clock(record, device_no).messages == 0

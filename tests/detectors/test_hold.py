"""Hold and hysteresis: timers in event time, several devices at once."""

import numpy as np

from detectors import hold

MINUTE_MS = 60_000
START_MS = 1_000 * MINUTE_MS


def run(scores: list[float], *, restart_at: int = -1, quiet: bool = False) -> list[tuple[int, str, int]]:
    """(minute, what, since minute) of one device among three, a score a minute, hold 5, clear hold 3."""
    latch = hold.Latch.blank(3)
    said = []
    for minute, score in enumerate(scores):
        from_ms = START_MS + minute * MINUTE_MS
        turn = hold.advance(
            latch,
            np.array([0, 2]),
            np.array([np.nan, score]),
            np.full(2, from_ms),
            np.full(2, from_ms + MINUTE_MS),
            np.full(2, minute == restart_at),
            5 * MINUTE_MS,
            3 * MINUTE_MS,
            quiet=quiet,
        )
        assert not turn.raised[0]
        for what, turned in (("raised", turn.raised), ("cleared", turn.cleared)):
            if turned[1]:
                said.append((minute, what, int(turn.since_ms[1] - START_MS) // MINUTE_MS))
    assert latch.raised.tolist()[:2] == [False, False]
    return said


def test_a_departure_is_raised_once_it_held_and_cleared_once_it_is_over() -> None:
    assert run([0.1, 2, 2, 2, 2, 2, 2, 2, 0.5, 0.5, 0.5, 0.5]) == [(5, "raised", 1), (10, "cleared", 8)]


def test_one_good_minute_ends_a_departure() -> None:
    assert run([2, 2, 2, 2, 0.2, 2, 2, 2, 2, 0.2]) == []


def test_a_swing_around_the_limit_is_one_departure_and_between_the_thresholds_nothing_turns() -> None:
    assert run([1.1, 0.9] * 10) == [(4, "raised", 0)]
    assert run([2.0] * 5 + [0.8, 0.5] * 10) == [(4, "raised", 0)]


def test_it_is_raised_only_while_it_is_out() -> None:
    assert run([1.1] + [0.9] * 20) == []


def test_a_hold_does_not_reach_across_what_is_not_known() -> None:
    assert run([2.0] * 8, restart_at=4) == []
    assert run([2.0] * 9, restart_at=4) == [(8, "raised", 4)]
    assert run([2.0] * 5 + [0.1] * 4, restart_at=7) == [(4, "raised", 0)]
    assert run([2.0, 2.0, 2.0, np.nan, 2.0, 2.0, 2.0, 2.0]) == []


def test_nothing_turns_while_the_record_decides() -> None:
    assert run([2.0] * 20, quiet=True) == []

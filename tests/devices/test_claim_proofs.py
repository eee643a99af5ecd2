"""What proves that an appliance is somebody's to claim, and how long wrong secrets close the door."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from devices.claims import lockout, proof
from devices.claims.model import Guesses, Secret, Verdict, Waiting

NOW = datetime(2026, 11, 20, 9, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def a_secret(**facts: object) -> Secret:
    known = {"secret_sha256": proof.sha256(7, "k7m2-9xqd-4tp8-n3vz"), "issued_at": NOW, "spent_at": None}
    return Secret(**{**known, "expires_at": NOW + 10 * MINUTE, **facts})


@pytest.mark.parametrize(
    ("typed", "device_no", "facts", "verdict"),
    [
        ("K7M2 9XQD 4TP8 N3VZ", 7, {}, Verdict.BOUND),
        ("k7m29xqd4tp8n3vz", 7, {}, Verdict.BOUND),
        ("k7m2-9xqd-4tp8-n3vy", 7, {}, Verdict.WRONG),
        ("k7m2-9xqd-4tp8-n3vz", 8, {}, Verdict.WRONG),
        ("k7m2-9xqd-4tp8-n3vz", 7, {"spent_at": NOW}, Verdict.WRONG),
        ("k7m2-9xqd-4tp8-n3vz", 7, {"expires_at": NOW}, Verdict.EXPIRED),
        ("k7m2-9xqd-4tp8-n3vy", 7, {"expires_at": NOW}, Verdict.WRONG),
        ("", 7, {}, Verdict.WRONG),
    ],
)
def test_a_secret_is_good_for_its_device_once_and_for_a_time(
    typed: str, device_no: int, facts: dict[str, object], verdict: Verdict
) -> None:
    assert proof.by_secret(a_secret(**facts), proof.sha256(device_no, typed), NOW) is verdict


def test_a_secret_from_before_the_sale_opens_nothing_after_it() -> None:
    typed = proof.sha256(7, "k7m2-9xqd-4tp8-n3vz")
    assert proof.by_secret(a_secret(), typed, NOW, NOW + MINUTE) is Verdict.EXPIRED
    assert proof.by_secret(a_secret(), typed, NOW, NOW - MINUTE) is Verdict.BOUND


def test_a_device_without_a_secret_has_none_that_is_right() -> None:
    assert proof.by_secret(None, proof.sha256(7, ""), NOW) is Verdict.WRONG


def test_a_secret_is_spelled_in_groups_without_letters_that_look_alike() -> None:
    assert proof.spell(bytes(10)) == "0000-0000-0000-0000"
    assert proof.spell(b"\xff" * 10) == "zzzz-zzzz-zzzz-zzzz"
    with pytest.raises(ValueError, match="80 bits"):
        proof.spell(bytes(9))


def waits(token: bytes, who: bytes = b"a", begun: timedelta = timedelta(), **facts: object) -> Waiting:
    begun_at = NOW + begun
    times = {"begun_at": begun_at, "press_by": begun_at + 5 * MINUTE, "expires_at": begun_at + 30 * MINUTE}
    return Waiting(
        **{"claim_id": UUID(int=1), "token_sha256": token, "address_sha256": who, "spent_at": None, **times, **facts}
    )


@pytest.mark.parametrize(
    ("pressed_min", "now_min", "verdict"),
    [
        ([1], 2, Verdict.BOUND),
        ([1], 29, Verdict.BOUND),  # the form may take longer than the press
        ([1], 30, Verdict.EXPIRED),
        ([], 2, Verdict.NOT_PRESSED),
        ([], 6, Verdict.EXPIRED),
        ([-1, 0], 2, Verdict.NOT_PRESSED),  # before it was asked for
        ([6], 7, Verdict.EXPIRED),
    ],
)
def test_a_press_counts_after_the_claim_began_and_in_time(
    pressed_min: list[int], now_min: int, verdict: Verdict
) -> None:
    pressed = [NOW + minutes * MINUTE for minutes in pressed_min]
    assert proof.by_press([waits(b"t")], b"t", pressed, NOW + now_min * MINUTE) is verdict


def test_a_press_that_two_waited_for_is_nobodys() -> None:
    waiting = [waits(b"t"), waits(b"s", b"b", MINUTE)]
    both, alone = NOW + 2 * MINUTE, NOW + MINUTE / 2
    assert proof.by_press(waiting, b"t", [both], NOW + 3 * MINUTE) is Verdict.CONTESTED
    assert proof.by_press(waiting, b"s", [both], NOW + 3 * MINUTE) is Verdict.CONTESTED
    assert proof.by_press(waiting, b"t", [alone, both], NOW + 3 * MINUTE) is Verdict.BOUND


def test_who_begins_twice_is_no_rival_of_himself() -> None:
    waiting = [waits(b"t"), waits(b"s", b"a", MINUTE)]
    assert proof.by_press(waiting, b"t", [NOW + 2 * MINUTE], NOW + 3 * MINUTE) is Verdict.BOUND


def test_another_token_proves_nothing() -> None:
    assert proof.by_press([waits(b"t")], b"x", [NOW + MINUTE], NOW + 2 * MINUTE) is Verdict.EXPIRED


def test_a_lock_comes_after_some_wrong_ones_and_grows_to_its_end() -> None:
    guesses, locks, now = Guesses(), [], NOW
    for _ in range(13):
        guesses = lockout.failed(guesses, lockout.DEVICE, now)
        locks.append(round((guesses.locked_until - now) / MINUTE) if guesses.locked_until else 0)
        now = guesses.locked_until or now
    assert locks == [0, 0, 0, 0, 1, 2, 4, 8, 16, 32, 60, 60, 60]


def test_wrong_ones_are_forgotten_after_a_day() -> None:
    guesses = Guesses(failures=9, last_at=NOW, locked_until=NOW + MINUTE)
    assert lockout.standing(guesses, lockout.DEVICE, NOW + timedelta(hours=23)) == guesses
    assert lockout.standing(guesses, lockout.DEVICE, NOW + timedelta(hours=24)) == Guesses()
    assert lockout.until(NOW, guesses, Guesses()) == NOW + MINUTE
    assert lockout.until(NOW + MINUTE, guesses) is None

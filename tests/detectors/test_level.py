"""Level: what must not raise, what must, and how often."""

import numpy as np
import pytest

from detectors.engine import Engine
from tests.detectors.builders import (
    CATALOGUE,
    DAY,
    DAY_MS,
    HOUR_MS,
    MINUTE_MS,
    REFRIGERATOR,
    START_MS,
    SUBJECTS,
    a_batch,
    cabinet_c,
    observe,
    said,
)

LEVEL = SUBJECTS[0]
RULE = REFRIGERATOR.levels[0]
DAYS = 6
AT = np.arange(DAYS * DAY)
ONSET = 5 * DAY


def told(warmer_k: np.ndarray) -> list[tuple[str, str]]:
    return said(observe(LEVEL.engine(), [a_batch([("cabinet_temp_c", cabinet_c(len(AT), warmer_k=warmer_k))])]))


def after(minutes: np.ndarray, length: int) -> np.ndarray:
    return (minutes >= ONSET) & (minutes < ONSET + length)


@pytest.mark.parametrize(
    ("what", "warmer_k"),
    [
        ("a long defrost", 5.0 * after(AT, 40)),
        ("a party: the door open every few minutes for three hours", 4.0 * (after(AT, 180) & (AT % 6 < 2))),
        ("a warm pot", np.where(AT >= ONSET, 5.0 * np.exp(-(AT - ONSET) / 45), 0.0)),
        ("a hot day", 1.5 * np.sin(AT / DAY * 2 * np.pi)),
        ("a shift below what the catalogue calls one", 2.0 * (AT >= ONSET)),
        ("almost as long as the hold", 6.0 * after(AT, RULE.hold_s // 60 - 15)),
    ],
)
def test_everyday_life_does_not_raise(what: str, warmer_k: np.ndarray) -> None:
    assert told(warmer_k) == [], what


def test_a_cabinet_far_too_cold_raises_too() -> None:
    assert told(-8.0 * (AT >= ONSET)) == [("level", "RAISED")]


@pytest.mark.parametrize(("shift_k", "raised"), [(-5.5, 0), (-7.0, 1), (4.5, 1)])
def test_a_room_may_get_cooler_by_night_than_it_may_get_warmer(shift_k: float, raised: int) -> None:
    cooler = CATALOGUE["air_conditioner"]
    log = a_batch([("room_temp_c", np.where(AT >= ONSET, 25.0 + shift_k, 25.0))], appliance=cooler)
    findings = observe(Engine(CATALOGUE), [log])
    assert said(findings) == [("level", "RAISED")] * raised
    assert all(finding.evidence["band"] == [19.0, 29.0] for finding in findings)


def test_the_hold_is_kept_and_said() -> None:
    log = a_batch([("cabinet_temp_c", np.where(AT >= ONSET, 12.0, 4.0))])
    [finding] = observe(LEVEL.engine(), [log])
    assert finding.at_ms - finding.since_ms >= RULE.hold_s * 1000
    assert 0 <= finding.since_ms - (START_MS + 5 * DAY_MS) <= 30 * MINUTE_MS
    assert finding.at_ms - finding.since_ms <= (RULE.hold_s + 900) * 1000
    assert finding.expected == 4.0
    assert finding.evidence["band"] == [1.0, 7.0], "the catalogue's least shift around a cabinet that never moved"


def test_a_cabinet_that_swings_around_the_threshold_is_one_finding() -> None:
    swing_k = 0.4 * np.sin(AT / 100 * 2 * np.pi)
    log = a_batch([("cabinet_temp_c", np.where(AT >= ONSET, 4.0 + RULE.min_shift + swing_k, 4.0))])
    assert said(observe(LEVEL.engine(), [log])) == [("level", "RAISED")]


def test_a_noisy_device_is_given_more_room() -> None:
    """Its own spread counts when it is wider than the catalogue's least shift."""
    rng = np.random.default_rng(1)
    hourly_k = np.repeat(rng.normal(0, 2.0, DAYS * 24), 60)
    log = a_batch([("cabinet_temp_c", 4.0 + hourly_k + 4.0 * (AT >= ONSET))])
    assert observe(LEVEL.engine(), [log]) == []


def test_a_new_normal_is_learned_after_the_ring_has_turned_only_if_nobody_was_told() -> None:
    """A shift too small to raise becomes what is normal; while raised, what is normal stays what it was."""
    minutes = np.arange(14 * DAY)
    small = np.where(minutes >= 5 * DAY, 6.0, 4.0) + np.where(minutes >= 10 * DAY, 2.5, 0.0)
    assert observe(LEVEL.engine(), [a_batch([("cabinet_temp_c", small)])]) == []
    large = np.where((minutes >= 5 * DAY) & (minutes < 12 * DAY), 9.0, 4.0)
    raised, cleared = observe(LEVEL.engine(), [a_batch([("cabinet_temp_c", large)])])
    assert (raised.expected, cleared.expected) == (4.0, 4.0)
    assert 0 < cleared.at_ms - (START_MS + 12 * DAY_MS) < 3 * HOUR_MS


def test_sparse_readings_are_enough() -> None:
    """One reading in ten minutes."""
    n = 7 * 144
    log = a_batch([("cabinet_temp_c", np.where(np.arange(n) >= 5 * 144, 12.0, 4.0))], step_ms=10 * MINUTE_MS)
    assert said(observe(LEVEL.engine(), [log])) == [("level", "RAISED")]


def test_the_hours_of_a_departure_never_become_what_is_normal() -> None:
    engine = LEVEL.engine()
    step = engine.observe([a_batch([("cabinet_temp_c", np.where(AT >= ONSET, 12.0, 4.0))])])
    assert [finding.claim.value for finding in step.findings] == ["RAISED"]
    ring = step.classes[0].rules[0].memory.ring[0]
    assert set(ring[~np.isnan(ring)]) == {4.0}


def test_a_hold_does_not_reach_across_silence() -> None:
    """Warm for an hour, silent for two, warm for another: an hour and a half was never seen."""
    warm_k = 8.0 * (after(AT, 60) | ((AT >= ONSET + 180) & (AT < ONSET + 240)))
    log = a_batch([("cabinet_temp_c", 4.0 + warm_k)])
    keep = ~((AT >= ONSET + 60) & (AT < ONSET + 180))
    assert observe(LEVEL.engine(), [log.where(keep)]) == []


def test_the_cycles_of_a_warm_cabinet_do_not_hide_that_it_is_warm() -> None:
    cycles_k = 2.0 * np.sin(AT / 52 * 2 * np.pi)
    log = a_batch([("cabinet_temp_c", 4.0 + cycles_k + 4.0 * (AT >= ONSET))])
    assert said(observe(LEVEL.engine(), [log])) == [("level", "RAISED")]

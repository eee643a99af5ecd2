"""The engine: what is observed, in which order, and what happens when a detector fails."""

import json
from dataclasses import asdict, replace
from typing import Any

import numpy as np
import pytest

from detectors.engine import Engine
from detectors.level import Level
from detectors.memory import Slots
from detectors.model import Claim, Finding
from detectors.series import Series
from devices.model import ApplianceClass
from ingest.model import Batch
from tests.detectors.builders import (
    CATALOGUE,
    DAY,
    REFRIGERATOR,
    START_MS,
    a_batch,
    cabinet_c,
    compressor_w,
    cut,
    in_pieces,
    observe,
    said,
    together,
)


class Remembers(Level):
    """Writes down what it is shown, and fails on a cabinet of -99."""

    def __init__(self) -> None:
        super().__init__(REFRIGERATOR.levels[0], "°C")
        self.seen: list[tuple[int, int]] = []

    def observe(self, memory: Any, series: Series) -> list[Finding]:
        if (series.value == -99).any():
            raise ZeroDivisionError("a cabinet of -99")
        self.seen += zip(series.device_no[series.owner].tolist(), series.ts_ms.tolist(), strict=True)
        return super().observe(memory, series)


@pytest.fixture
def detector() -> Remembers:
    return Remembers()


@pytest.fixture
def engine(detector: Remembers) -> Engine:
    return Engine({REFRIGERATOR.class_id: REFRIGERATOR}, lambda _: (detector,))


def test_a_reading_not_newer_than_the_newest_observed_is_not_observed(engine: Engine, detector: Remembers) -> None:
    minutes = np.array([0, 1, 5, 3, 5, 6, 2, 7])
    log = a_batch([("cabinet_temp_c", np.full(8, 4.0))])
    log.ts_ms[:] = START_MS + minutes * 60_000
    for batches in ([log], cut(log, [1, 4]), cut(log, range(1, 8))):
        fresh = Remembers()
        observe(Engine({"refrigerator": REFRIGERATOR}, lambda _, fresh=fresh: (fresh,)), batches)
        assert [(ts_ms - START_MS) // 60_000 for _, ts_ms in fresh.seen] == [0, 1, 5, 6, 7]


def test_one_device_s_time_does_not_judge_another_s(engine: Engine, detector: Remembers) -> None:
    early, late = (a_batch([("cabinet_temp_c", np.full(3, 4.0))], device_no=n) for n in (1, 2))
    early.ts_ms[:] -= 86_400_000
    late.ts_ms[1] = late.ts_ms[0]  # said twice at one time: the log's first stands
    observe(engine, [together([late, early])])
    assert [number for number, _ in detector.seen] == [1, 1, 1, 2, 2]


def test_one_message_is_sorted_whatever_its_order(engine: Engine, detector: Remembers) -> None:
    log = a_batch([("cabinet_temp_c", np.full(5, 4.0))], array=5)
    log.ts_ms[:] = log.ts_ms[[3, 1, 4, 0, 2]]
    observe(engine, [log])
    assert len(detector.seen) == 5


def test_a_detector_that_fails_on_one_device_is_switched_off_for_that_device() -> None:
    detector = Remembers()
    engine = Engine({"refrigerator": REFRIGERATOR}, lambda _: (detector,))
    logs = [a_batch([("cabinet_temp_c", cabinet_c(7 * DAY, seed=n))], device_no=n) for n in (1, 2, 3)]
    logs[1].values[4 * DAY, 0] = -99
    logs[2].values[5 * DAY :, 0] += 6
    findings = observe(engine, in_pieces(together(logs), 50))
    switched, raised = findings
    assert (switched.device_no, switched.claim, switched.rule) == (2, Claim.SWITCHED_OFF, "level:cabinet_temp_c")
    assert "ZeroDivisionError: a cabinet of -99" in switched.evidence["error"]
    assert (raised.device_no, raised.claim) == (3, Claim.RAISED)
    assert max(ts_ms for number, ts_ms in detector.seen if number == 2) < switched.at_ms
    assert max(ts_ms for number, ts_ms in detector.seen if number == 1) == logs[0].ts_ms[-1]


def test_a_failure_changes_nothing_before_it_is_kept(engine: Engine, detector: Remembers) -> None:
    log = a_batch([("cabinet_temp_c", np.array([4.0, -99.0]))])
    first, second = engine.observe([log]), engine.observe([log])
    assert [finding.claim for finding in (*first.findings, *second.findings)] == [Claim.SWITCHED_OFF] * 2
    engine.keep(first)
    assert engine.observe([replace(log, ts_ms=log.ts_ms + 600_000)]).findings == ()


def a_house(days: int) -> list[Batch]:
    """One log of two classes, of which one appliance each falls ill."""
    fridges = [
        a_batch(
            [
                ("cabinet_temp_c", cabinet_c(days * DAY, seed=n)),
                ("power_w", compressor_w(days * DAY, seed=n, on=15.0 + 15.0 * (n == 2) * late(days))),
            ],
            device_no=n,
        )
        for n in (1, 2)
    ]
    room = CATALOGUE["cold_room"]
    rooms = [
        a_batch(
            [("room_temp_c", cabinet_c(days * DAY, seed=n, warmer_k=7.0 * late(days)))], device_no=n, appliance=room
        )
        for n in (3, 4)
    ]
    return [together(fridges), together(rooms)]


def late(days: int) -> np.ndarray[Any, np.dtype[np.float64]]:
    return (np.arange(days * DAY) > (days - 2) * DAY).astype(np.float64)


def test_classes_in_one_transaction_are_told_apart_and_findings_come_in_log_order() -> None:
    engine = Engine(CATALOGUE)
    step = engine.observe(a_house(7))
    assert [finding.seq for finding in step.findings] == sorted(finding.seq for finding in step.findings)
    assert {(f.device_no, f.rule) for f in step.findings} == {
        (2, "on_time:power_w"),
        (3, "level:room_temp_c"),
        (4, "level:room_temp_c"),
    }


def test_findings_are_plain_json() -> None:
    for finding in Engine(CATALOGUE).observe(a_house(7)).findings:
        again = json.loads(json.dumps(asdict(finding), allow_nan=False))
        assert again["evidence"] == finding.evidence


def test_a_class_without_rules_is_no_trouble() -> None:
    bare = ApplianceClass(**{**vars(REFRIGERATOR), "levels": (), "on_times": ()})
    assert observe(Engine({bare.class_id: bare}), [a_batch([("power_w", np.ones(9))])]) == []


def test_devices_that_join_later_are_watched_alike() -> None:
    """The memory grows under those that are there."""
    engine = Engine(CATALOGUE)
    logs = [
        a_batch(
            [("cabinet_temp_c", cabinet_c(7 * DAY, seed=n, warmer_k=6.0 * late(7)))],
            device_no=n,
            start_ms=START_MS + n * 40 * 60_000,
            seq=1 + n * 40,
        )
        for n in range(12)
    ]
    findings = observe(engine, in_pieces(together(logs), 60))
    assert sorted(finding.device_no for finding in findings) == list(range(12))
    assert set(said(findings)) == {("level", "RAISED")}


def test_slots_are_given_once() -> None:
    slots = Slots()
    assert slots.find(np.array([7, 9])).tolist() == [-1, -1]
    assert slots.claim(np.array([7, 9])).tolist() == [0, 1]
    assert slots.claim(np.array([3, 9])).tolist() == [2, 1]
    assert len(slots) == 3

"""There is no checkpoint: four days of the record give the same findings as if nothing had happened."""

from collections.abc import Iterable

import numpy as np
import pytest

from detectors.model import Finding
from detectors.record import Record
from ingest.model import Batch
from tests.detectors.builders import (
    DAY,
    DAY_MS,
    HOUR_MS,
    START_MS,
    SUBJECTS,
    Subject,
    a_batch,
    cut,
    in_pieces,
    observe,
    together,
)

DAYS = 14
ILLNESSES = (None, (5.0, 6.5), (6.2, 11.0), (9.3, 20.0), (5.5, 5.6))  # days; one device each


def two_weeks(subject: Subject) -> Batch:
    """Five devices, some readings missing and some late, messages of one to many readings."""
    rng = np.random.default_rng(3)
    parts = []
    for i, days in enumerate(ILLNESSES):
        ill = None if days is None else slice(int(days[0] * DAY), int(days[1] * DAY))
        log = a_batch(subject.series(DAYS * DAY, ill=ill, seed=i), device_no=i + 1, array=1 if i % 2 else 60)
        log.seq[:] = log.seq * 60 if i % 2 == 0 else log.seq
        late = rng.integers(100, len(log) - 100, 50)
        log.ts_ms[late] -= rng.integers(1, 90, 50) * 60_000 + 7_000  # comes late, at a time that nobody used
        parts.append(log.where(rng.random(len(log)) > 0.02))
    return together(parts)


def last_days(log: Batch) -> list[Batch]:
    """What the record gives back at start: of each device the rows of four days, by (device, seq, ts)."""
    pieces = []
    for number in np.unique(log.device_no).tolist():
        mine = log.where(log.device_no == number)
        mine = mine.where(mine.ts_ms > mine.ts_ms.max() - 4 * DAY_MS)
        pieces.append(together([mine]))
    return pieces


def key(findings: Iterable[Finding]) -> list[tuple[object, ...]]:
    return [(f.device_no, f.rule, f.claim, f.since_ms, f.at_ms, f.observed, f.expected, f.seq) for f in findings]


@pytest.fixture(scope="module", params=SUBJECTS, ids=lambda subject: subject.name)
def told(request: pytest.FixtureRequest) -> tuple[Subject, Batch, list[Finding]]:
    subject: Subject = request.param
    log = two_weeks(subject)
    findings = observe(subject.engine(), in_pieces(log, 30))
    assert len(findings) >= 5, "there is something to compare"
    return subject, log, findings


def a_message_end(log: Batch, ts_ms: int) -> int:
    """The first row of the first message after a time."""
    seq = log.seq[np.flatnonzero(log.ts_ms > ts_ms)[0]]
    return int(np.searchsorted(log.seq, seq, side="right"))


@pytest.mark.parametrize("seed", range(4))
def test_a_restart_anywhere_changes_no_finding(told: tuple[Subject, Batch, list[Finding]], seed: int) -> None:
    subject, log, findings = told
    at = a_message_end(log, START_MS + int(np.random.default_rng(seed).uniform(4.2, 13.5) * DAY_MS))
    before, after = cut(log, [at])
    cursor = int(before.seq[-1])
    engine = subject.engine()
    engine.recall(finding for finding in findings if finding.seq <= cursor)
    for piece in last_days(before):
        engine.fold([piece])
    assert key(observe(engine, in_pieces(after, 9, seed))) == key(f for f in findings if f.seq > cursor)


def test_without_the_findings_on_record_a_day_after_the_onset_is_early_enough(
    told: tuple[Subject, Batch, list[Finding]],
) -> None:
    subject, everything, findings = told
    log = everything.where(everything.device_no == findings[0].device_no)
    for hours in (-6, 5):
        before, after = cut(log, [a_message_end(log, findings[0].at_ms + hours * HOUR_MS)])
        engine = subject.engine()
        engine.fold(last_days(before))
        mine = [f for f in findings if f.device_no == findings[0].device_no]
        assert key(observe(engine, [after])) == key(f for f in mine if f.seq > before.seq[-1])


def test_what_was_raised_before_the_record_begins_is_cleared_once(
    told: tuple[Subject, Batch, list[Finding]],
) -> None:
    """Raised on day 6, restarted on day 10.9, well again on day 11: four days know nothing but the illness."""
    subject, log, findings = told
    mine = [finding for finding in findings if finding.device_no == 3]
    assert [finding.claim.value for finding in mine[:2]] == ["RAISED", "CLEARED"]
    before, after = cut(log, [a_message_end(log, START_MS + int(10.9 * DAY_MS))])
    assert mine[0].at_ms < int(before.ts_ms.max()) - 3 * DAY_MS < mine[1].at_ms
    engine = subject.engine()
    engine.recall(finding for finding in findings if finding.seq <= before.seq[-1])
    engine.fold(last_days(before))
    assert key(f for f in observe(engine, [after]) if f.device_no == 3) == key(mine[1:])


@pytest.mark.parametrize("subject", SUBJECTS, ids=lambda subject: subject.name)
def test_what_is_not_on_record_was_not_said_and_is_said_now(subject: Subject) -> None:
    """While the record is folded it alone decides, not a baseline that the fold has only begun to know."""
    log = subject.log(7 * DAY, ill=slice(5 * DAY, None))
    [finding] = observe(subject.engine(), [log])
    folded, after = cut(log, [int(np.searchsorted(log.ts_ms, finding.at_ms)) + 60])
    engine = subject.engine()
    engine.recall([])
    engine.fold([folded])
    [again] = observe(engine, [after])
    assert again.claim == finding.claim
    assert 0 <= again.at_ms - int(after.ts_ms[0]) <= HOUR_MS


def test_findings_of_devices_that_are_never_folded_wait_for_them() -> None:
    record = Record([Finding(**{**_A_FINDING, "device_no": 9})])  # type: ignore[arg-type]
    piece = record.cut(a_batch([("power_w", np.zeros(5))]))
    assert (piece.before, piece.decided, piece.rest, len(piece.now)) == ([], [], None, 5)
    other = record.cut(a_batch([("power_w", np.zeros(5))], device_no=9, seq=7))
    assert ([finding.device_no for finding in other.before], len(other.now)) == ([9], 5)


def test_two_rules_that_decided_with_the_last_reading_are_both_remembered() -> None:
    log = a_batch([("power_w", np.zeros(5))])
    at = {"seq": int(log.seq[-1]), "at_ms": int(log.ts_ms[-1])}
    both = [Finding(**{**_A_FINDING, **at, "device_no": 1, "rule": rule}) for rule in ("a", "b")]  # type: ignore[arg-type]
    assert {finding.rule for finding in Record(both).cut(log).decided} == {"a", "b"}


def test_the_reading_that_decided_is_the_last_before_the_cut() -> None:
    log = a_batch([("power_w", np.zeros(6))], array=3)
    at = {"seq": int(log.seq[1]), "at_ms": int(log.ts_ms[1])}
    piece = Record([Finding(**{**_A_FINDING, **at, "device_no": 1})]).cut(log)  # type: ignore[arg-type]
    assert piece.rest is not None
    assert (piece.now.ts_ms.tolist(), len(piece.rest)) == (log.ts_ms[:2].tolist(), 4)


_A_FINDING = {
    "rule": "level:cabinet_temp_c",
    "claim": "RAISED",
    "metric": "cabinet_temp_c",
    "observed": 1.0,
    "expected": 1.0,
    "since_ms": START_MS,
    "at_ms": START_MS,
    "seq": 1,
}

"""What every detector promises; a new one is a new row in `builders.SUBJECTS` and passes these."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from api.worker import sections
from detectors.isolation import RuleStep
from detectors.memory import Memory
from tests.detectors.builders import DAY, HOUR_MS, START_MS, Subject, a_batch, cut, in_pieces, observe, said, together


def raises_an_illness_once_and_it_stays(subject: Subject) -> None:
    findings = observe(subject.engine(), [subject.log(7 * DAY, ill=slice(5 * DAY, None))])
    assert said(findings) == [(subject.name, "RAISED")]
    onset_ms = START_MS + 5 * 24 * HOUR_MS
    assert abs(findings[0].since_ms - onset_ms) <= 4 * HOUR_MS, "since when it holds, not when it was noticed"
    assert onset_ms < findings[0].at_ms <= onset_ms + 36 * HOUR_MS


def clears_when_it_is_over(subject: Subject) -> None:
    findings = observe(subject.engine(), [subject.log(9 * DAY, ill=slice(5 * DAY, 7 * DAY))])
    assert said(findings) == [(subject.name, "RAISED"), (subject.name, "CLEARED")]


def says_nothing_about_a_healthy_one(subject: Subject) -> None:
    log = together(subject.log(8 * DAY, seed=seed, device_no=seed + 1) for seed in range(20))
    assert observe(subject.engine(), [log]) == []


def evidence_names_unit_and_band(subject: Subject) -> None:
    [finding] = observe(subject.engine(), [subject.log(7 * DAY, ill=slice(5 * DAY, None))])
    low, high = finding.evidence["band"]
    assert low <= finding.expected <= high < finding.observed
    assert finding.evidence["unit"] in {"°C", "min", "%", "1/h"}
    assert finding.rule == f"{subject.name}:{subject.metric}"


def the_first_spike_never_raises(subject: Subject) -> None:
    for length in (1, 5, 20):  # minutes
        log = subject.log(5 * DAY)
        log.values[4 * DAY : 4 * DAY + length] = 50.0
        assert observe(subject.engine(), [log]) == []


def nothing_is_said_before_the_baseline(subject: Subject) -> None:
    """A device that is ill from its first reading on is not known any other way."""
    assert observe(subject.engine(), [subject.log(6 * DAY, ill=slice(0, None))]) == []
    soon = subject.knows_after_h * 60 * 2 // 3
    for finding in observe(subject.engine(), [subject.log(6 * DAY, ill=slice(soon, None))]):
        assert finding.at_ms - START_MS >= subject.knows_after_h * HOUR_MS


def a_reading_that_says_nothing_changes_nothing(subject: Subject) -> None:
    log = subject.log(7 * DAY, ill=slice(5 * DAY, None))
    between = replace(log, ts_ms=log.ts_ms + 1, values=np.full_like(log.values, np.nan))
    order = np.argsort(np.concatenate([log.ts_ms, between.ts_ms]), kind="stable")
    names = ("device_no", "ts_ms", "seq", "received_ms", "values", "flags")
    mixed = {name: np.concatenate([getattr(log, name), getattr(between, name)])[order] for name in names}
    mixed["seq"] = np.arange(len(order))
    findings = observe(subject.engine(), [replace(log, extra=[None] * len(order), **mixed)])
    plain = observe(subject.engine(), [log])
    assert [(f.at_ms, f.since_ms, f.observed) for f in findings] == [(f.at_ms, f.since_ms, f.observed) for f in plain]


def an_implausible_reading_was_not_said(subject: Subject) -> None:
    log = subject.log(5 * DAY)
    here = slice(4 * DAY, 4 * DAY + DAY // 2)
    log.values[here] = 9_999.0
    log.flags[here] = (1 << log.values.shape[1]) - 1
    assert observe(subject.engine(), [log]) == []


def nothing_and_one_reading_are_taken(subject: Subject) -> None:
    engine = subject.engine()
    assert engine.observe([]).findings == ()
    log = subject.log(10)
    assert observe(engine, cut(log, [0, 0, 1])) == []
    assert observe(engine, [log.where(np.zeros(10, bool))]) == []


def a_constant_says_nothing(subject: Subject) -> None:
    for constant in (0.0, 4.0, 120.0):
        log = a_batch([(subject.metric, np.full(6 * DAY, constant))])
        assert observe(subject.engine(), [log]) == []


def batches_do_not_matter(subject: Subject) -> None:
    log = subject.log(9 * DAY, ill=slice(5 * DAY, 7 * DAY))
    whole = observe(subject.engine(), [log])
    assert len(whole) == 2
    for seed, pieces in enumerate((3, 200)):
        assert observe(subject.engine(), in_pieces(log, pieces, seed)) == whole


def observing_is_not_remembering(subject: Subject) -> None:
    engine = subject.engine()
    first, second = cut(subject.log(7 * DAY, ill=slice(5 * DAY, None)), [5 * DAY])
    engine.fold([first])
    before = engine.observe([second])
    assert engine.observe([second]).findings == before.findings
    assert len(before.findings) == 1


def a_checkpoint_anywhere_changes_nothing(subject: Subject) -> None:
    log = together(
        [subject.log(9 * DAY, ill=slice(5 * DAY, 7 * DAY), seed=7, device_no=7), subject.log(9 * DAY, device_no=3)]
    )
    whole = observe(subject.engine(), [log])
    assert len(whole) == 2
    engine, findings = subject.engine(), []
    for piece in in_pieces(log, 12, seed=5):
        findings += observe(engine, [piece])
        blob = sections.pack({"detectors": engine})
        engine = subject.engine()
        sections.unpack(blob, {"detectors": engine})
        assert sections.pack({"detectors": engine}) == blob
    assert findings == whole


def memory_is_flat(subject: Subject) -> None:
    engine = subject.engine()
    steps = [engine.observe([piece]) for piece in cut(subject.log(2 * DAY), [10])]
    sizes = {_bytes(rule) for step in steps for part in step.classes for rule in part.rules}
    assert len(sizes) == 1
    assert sizes.pop() <= 4096


def silence_is_not_evidence(subject: Subject) -> None:
    """A day without a reading, just when it begins: the hold does not reach across."""
    log = subject.log(8 * DAY, ill=slice(5 * DAY, 5 * DAY + 30))
    keep = np.ones(len(log), bool)
    keep[5 * DAY + 30 : 6 * DAY] = False
    assert observe(subject.engine(), [log.where(keep)]) == []


def missing_samples_do_not_matter_much(subject: Subject) -> None:
    rng = np.random.default_rng(7)
    healthy, ill = subject.log(8 * DAY), subject.log(8 * DAY, ill=slice(6 * DAY, None))
    keep = rng.random(len(ill)) > 0.1
    assert observe(subject.engine(), [healthy.where(keep)]) == []
    assert said(observe(subject.engine(), [ill.where(keep)])) == [(subject.name, "RAISED")]


def _bytes(rule: RuleStep) -> int:
    assert isinstance(rule.memory, Memory)
    return rule.memory.bytes_per_device()


CHECKS: tuple[Callable[[Subject], None], ...] = (
    raises_an_illness_once_and_it_stays,
    clears_when_it_is_over,
    says_nothing_about_a_healthy_one,
    evidence_names_unit_and_band,
    the_first_spike_never_raises,
    nothing_is_said_before_the_baseline,
    a_reading_that_says_nothing_changes_nothing,
    an_implausible_reading_was_not_said,
    nothing_and_one_reading_are_taken,
    a_constant_says_nothing,
    batches_do_not_matter,
    observing_is_not_remembering,
    a_checkpoint_anywhere_changes_nothing,
    memory_is_flat,
    silence_is_not_evidence,
    missing_samples_do_not_matter_much,
)

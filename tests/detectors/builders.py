"""Readings without a house around them: made series, batches, an engine of one rule."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from detectors.engine import Engine
from detectors.isolation import Detector
from detectors.level import Level
from detectors.model import Finding
from detectors.on_time import OnTime
from devices import catalogue
from devices.model import ApplianceClass
from ingest.model import Batch, Floats

CATALOGUE = catalogue.load()
REFRIGERATOR = CATALOGUE["refrigerator"]
START_MS = 1_732_233_600_000
MINUTE_MS = 60_000
HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
DAY = 1440  # readings


def cabinet_c(minutes: int, *, seed: int = 0, warmer_k: Floats | float = 0.0) -> Floats:
    """A healthy cabinet: compressor cycles, day and night, a door burst at meals, a defrost every eleven hours."""
    rng = np.random.default_rng(seed)
    at = np.arange(minutes)
    cycles = 1.2 * np.sin(at / 52 * 2 * np.pi)
    night = 0.4 * np.sin(at / DAY * 2 * np.pi)
    door = np.where((at % DAY > 1100) & (at % DAY < 1130), 2.5, 0.0)
    defrost = np.where(at % 660 < 25, 4.0, 0.0)
    return np.round(4.5 + cycles + night + door + defrost + rng.normal(0, 0.1, minutes) + warmer_k, 1)


def compressor_w(minutes: int, *, seed: int = 0, on: Floats | float = 15.0, off: Floats | float = 25.0) -> Floats:
    """A compressor that runs for `on` minutes and rests for `off`, each give or take a tenth."""
    rng = np.random.default_rng(seed)
    power = np.full(minutes, 2.0)
    lengths = np.broadcast_to(on, minutes), np.broadcast_to(off, minutes)
    at = int(rng.integers(1, 20))
    while at < minutes:
        runs = max(1, round(lengths[0][at] * rng.normal(1, 0.1)))
        power[at : at + runs] = 90.0
        power[at] = 300.0  # inrush
        at += runs + max(1, round(lengths[1][min(at, minutes - 1)] * rng.normal(1, 0.1)))
    return power


def a_batch(
    series: Sequence[tuple[str, Floats]],
    *,
    device_no: int = 1,
    start_ms: int = START_MS,
    step_ms: int = MINUTE_MS,
    appliance: ApplianceClass = REFRIGERATOR,
    array: int = 1,
    seq: int = 1,
) -> Batch:
    """One device's readings, `array` of them a message; `seq` counts the messages."""
    n = len(series[0][1])
    values = np.full((n, len(appliance.metrics)), np.nan)
    for metric, said in series:
        values[:, appliance.metric_names.index(metric)] = said
    ts_ms = start_ms + np.arange(n) * step_ms
    return Batch(
        class_id=appliance.class_id,
        device_no=np.full(n, device_no),
        ts_ms=ts_ms,
        seq=seq + np.arange(n) // array,
        received_ms=ts_ms,
        values=values,
        flags=np.zeros(n, np.int64),
        extra=[None] * n,
    )


def together(batches: Iterable[Batch]) -> Batch:
    """One log of all: sorted by seq, each device's messages spread over the same numbers."""
    parts = list(batches)
    names = ("device_no", "ts_ms", "seq", "received_ms", "values", "flags")
    columns = {name: np.concatenate([getattr(part, name) for part in parts]) for name in names}
    order = np.lexsort((columns["ts_ms"], columns["device_no"], columns["seq"]))
    return Batch(
        class_id=parts[0].class_id, extra=[None] * len(order), **{name: c[order] for name, c in columns.items()}
    )


def cut(log: Batch, at: Iterable[int]) -> list[Batch]:
    """The same log in pieces."""
    edges = [0, *sorted(at), len(log)]
    place = np.arange(len(log))
    return [log.where((place >= a) & (place < b)) for a, b in pairwise(edges)]


def in_pieces(log: Batch, count: int, seed: int = 0) -> list[Batch]:
    return cut(log, np.random.default_rng(seed).integers(0, len(log), count).tolist())


def observe(engine: Engine, batches: Iterable[Batch]) -> list[Finding]:
    findings: list[Finding] = []
    for batch in batches:
        step = engine.observe([batch])
        engine.keep(step)
        findings += step.findings
    return findings


def said(findings: Iterable[Finding]) -> list[tuple[str, str]]:
    return [(finding.rule.partition(":")[0], finding.claim.value) for finding in findings]


def raised_at_end(findings: Iterable[Finding]) -> set[tuple[int, str]]:
    """(device, kind of rule)."""
    last = {(finding.device_no, finding.rule.partition(":")[0]): finding.claim.value for finding in findings}
    return {key for key, claim in last.items() if claim == "RAISED"}


@dataclass(frozen=True, kw_only=True)
class Subject:
    """One detector under the shared checks: how it is built, and what healthy and ill mean for it."""

    name: str
    detector: Detector
    metric: str
    knows_after_h: int  # of readings, before it says anything

    def engine(self) -> Engine:
        return Engine({REFRIGERATOR.class_id: REFRIGERATOR}, lambda _: (self.detector,))

    def series(self, minutes: int, *, ill: slice | None = None, seed: int = 0) -> list[tuple[str, Floats]]:
        sick = np.zeros(minutes)
        if ill is not None:
            sick[ill] = 1.0
        if self.name == "level":
            return [(self.metric, cabinet_c(minutes, seed=seed, warmer_k=6.0 * sick))]
        return [(self.metric, compressor_w(minutes, seed=seed, on=15.0 + 10.0 * sick))]

    def log(self, minutes: int, *, ill: slice | None = None, seed: int = 0, device_no: int = 1) -> Batch:
        return a_batch(self.series(minutes, ill=ill, seed=seed), device_no=device_no)


SUBJECTS = (
    Subject(name="level", detector=Level(REFRIGERATOR.levels[0], "°C"), metric="cabinet_temp_c", knows_after_h=24),
    Subject(name="on_time", detector=OnTime(REFRIGERATOR.on_times[0], 60), metric="power_w", knows_after_h=64),
)

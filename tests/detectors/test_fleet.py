"""Simulated fleets, on which the thresholds were chosen: healthy ones are left alone, ill ones are noticed in time."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pytest

from detectors.engine import Engine
from detectors.model import Finding
from ingest.model import Batch
from simulators.ailments import FAULTS
from simulators.kinds import KINDS, faults_of
from simulators.model import Fault, Unit
from simulators.run import Run
from simulators.thermal import simulate
from tests.detectors.builders import CATALOGUE, DAY_MS, HOUR_MS, START_MS, observe, raised_at_end

HEALTHY = 20  # of each class
WEAK = 0.5
ARRAY = 1440  # readings of one message
ONSET_H = 36


def messages(class_id: str, run: Run) -> list[Batch]:
    """Arrays as a fleet sends its history: one message a unit, then the next day; units are devices 0, 1, ..."""
    units, steps, metrics = run.values.shape
    batches = []
    for begin in range(0, steps, ARRAY):
        here = slice(begin, min(begin + ARRAY, steps))
        n = here.stop - begin
        said = ~np.isnan(run.values[:, here]).all(axis=2).ravel()
        batch = Batch(
            class_id=class_id,
            device_no=np.repeat(np.arange(units), n),
            ts_ms=np.tile(run.ts_ms[here], units),
            seq=1 + begin * units + np.repeat(np.arange(units), n),
            received_ms=np.tile(run.ts_ms[here], units),
            values=run.values[:, here].reshape(-1, metrics),
            flags=np.zeros(units * n, np.int64),
            extra=[None] * (units * n),
        )
        batches.append(batch.where(said))
    return batches


@dataclass(frozen=True, kw_only=True)
class Fleet:
    faults: list[Fault | None]  # of device 0, 1, ...
    findings: list[Finding]
    onset_ms: int

    def devices(self, wanted: Callable[[Fault | None], bool]) -> list[int]:
        return [number for number, fault in enumerate(self.faults) if wanted(fault)]

    def about(self, devices: Sequence[int]) -> list[Finding]:
        return [finding for finding in self.findings if finding.device_no in devices]


@pytest.fixture(scope="module", params=sorted(KINDS))
def fleet(request: pytest.FixtureRequest) -> Fleet:
    """Ten days: healthy units, each fault in three, a weak one in more; ill ones fall ill 36 hours before the end."""
    end_ms = START_MS + 10 * DAY_MS
    onset_ms = end_ms - ONSET_H * HOUR_MS
    healthy: list[Fault | None] = [None] * HEALTHY
    names = faults_of(KINDS[request.param])
    ill = [Fault(name=name, onset_ms=onset_ms) for name in names if FAULTS[name].seen_by] * 3
    weak = [Fault(name="compressor_wear", onset_ms=onset_ms, strength=WEAK)] * 12
    faults = [*healthy, *ill, *weak]
    run = simulate(request.param, [Unit(seed=seed) for seed in range(len(faults))], START_MS, end_ms, fault=faults)
    return Fleet(faults=faults, findings=observe(Engine(CATALOGUE), messages(request.param, run)), onset_ms=onset_ms)


def test_a_healthy_fleet_is_left_alone_for_ten_days(fleet: Fleet) -> None:
    assert fleet.about(fleet.devices(lambda fault: fault is None)) == []


def test_nobody_is_ill_before_the_fault(fleet: Fleet) -> None:
    assert min(finding.at_ms for finding in fleet.findings) > fleet.onset_ms


def test_every_fault_is_noticed_within_36_hours_and_stays(fleet: Fleet) -> None:
    active = raised_at_end(fleet.findings)
    ill = fleet.devices(lambda fault: fault is not None and fault.strength == 1.0)
    names = {number: fault.name for number in ill if (fault := fleet.faults[number]) is not None}
    missed = [
        (name, kind) for number, name in names.items() for kind in FAULTS[name].seen_by if (number, kind) not in active
    ]
    assert missed == []


def test_a_weaker_fault_is_still_noticed_in_most_units(fleet: Fleet) -> None:
    """A compressor whose valves pump three fifths of what they did: how much is seen is a promise, too."""
    weak = fleet.devices(lambda fault: fault is not None and fault.strength == WEAK)
    seen = {number for number, _ in raised_at_end(fleet.about(weak))}
    assert len(seen) >= 0.6 * len(weak)

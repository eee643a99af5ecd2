"""A detector that fails on one device is switched off for that device, says so, and goes on with the others."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from detectors.model import Claim, Finding
from detectors.series import Series
from ingest.model import Bools


class Detector(Protocol):
    """One rule of one class. Its memory has one row a device; `observe` changes the rows that it is handed."""

    rule: str
    metric: str

    def blank(self, n: int) -> Any: ...
    def observe(self, memory: Any, series: Series) -> list[Finding]: ...
    def recall(self, memory: Any, row: int, finding: Finding) -> None: ...


@dataclass(frozen=True, kw_only=True)
class RuleStep:
    """The next memory of one rule's touched devices, and on which of them it still works."""

    memory: Any
    works: Bools


def run(
    detector: Detector, memory_of_all: Callable[[], Any], works: Bools, series: Series
) -> tuple[RuleStep, list[Finding]]:
    """`memory_of_all()` gives a fresh copy of the memory, one row a device of `series`."""
    memory = memory_of_all()
    try:
        findings = detector.observe(memory, series)
    except Exception:  # noqa: BLE001  # whatever a detector does, it must never stop a reading
        return _one_by_one(detector, memory_of_all(), works, series)
    return RuleStep(memory=memory, works=works), findings


def _one_by_one(detector: Detector, memory: Any, works: Bools, series: Series) -> tuple[RuleStep, list[Finding]]:
    still = works.copy()
    findings: list[Finding] = []
    for owner in np.unique(series.owner).tolist():
        row, mine = np.array([owner]), series.only(owner)
        alone = memory.take(row)
        try:
            findings += detector.observe(alone, mine)
        except Exception as error:  # noqa: BLE001  # see run
            still[owner] = False
            findings.append(_switched_off(detector, mine, error))
        else:
            memory.put(row, alone)
    return RuleStep(memory=memory, works=still), findings


def _switched_off(detector: Detector, series: Series, error: Exception) -> Finding:
    at_ms = int(series.ts_ms[-1])
    return Finding(
        device_no=int(series.device_no[0]),
        rule=detector.rule,
        claim=Claim.SWITCHED_OFF,
        metric=detector.metric,
        observed=float(series.value[-1]),
        expected=float(series.value[-1]),
        since_ms=at_ms,
        at_ms=at_ms,
        seq=int(series.seq[-1]),
        evidence={"error": f"{type(error).__name__}: {error}"},
    )

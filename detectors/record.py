"""What was decided before: while the engine folds the record again, decisions come from here and not from itself.

Four days are enough to know what is normal for a device today, not what was normal four days ago: a device that was
raised then would be judged by too short a baseline. It does not have to be, its findings are on record.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from detectors.model import Claim, Finding
from ingest.model import Batch, Bools, Ints


@dataclass(frozen=True, kw_only=True)
class Piece:
    """What was decided `before`, readings to fold `now`, what the last of them `decided`, and the `rest`."""

    before: list[Finding]
    now: Batch
    decided: list[Finding]
    rest: Batch | None


class Record:
    def __init__(self, findings: Iterable[Finding]) -> None:
        self._waiting: dict[int, list[Finding]] = {}  # a device's, the last one first
        for finding in sorted(findings, key=lambda finding: (finding.seq, finding.at_ms), reverse=True):
            if finding.claim != Claim.SWITCHED_OFF:  # a restart gives a detector that failed another chance
                self._waiting.setdefault(finding.device_no, []).append(finding)

    def cut(self, batch: Batch) -> Piece:
        """Cuts behind the reading that decided each device's next finding."""
        before: list[Finding] = []
        decided: list[Finding] = []
        later = np.zeros(len(batch), bool)
        for number in sorted(self._waiting.keys() & set(np.unique(batch.device_no).tolist())):
            places = np.flatnonzero(batch.device_no == number)
            later[places] = self._cut_device(number, batch.seq[places], batch.ts_ms[places], before, decided)
        if not later.any():
            return Piece(before=before, now=batch, decided=decided, rest=None)
        return Piece(before=before, now=batch.where(~later), decided=decided, rest=batch.where(later))

    def _cut_device(self, number: int, seq: Ints, ts_ms: Ints, before: list[Finding], decided: list[Finding]) -> Bools:
        """Which of the device's readings (in log order) must wait for the next piece."""
        waiting = self._waiting[number]
        while waiting and (waiting[-1].seq, waiting[-1].at_ms) < (seq[0], ts_ms[0]):
            before.append(waiting.pop())
        later = np.zeros(len(seq), bool)
        if waiting:
            last = (waiting[-1].seq, waiting[-1].at_ms)
            later = (seq > last[0]) | ((seq == last[0]) & (ts_ms > last[1]))
            if later.any() or (seq[-1], ts_ms[-1]) == last:
                while waiting and (waiting[-1].seq, waiting[-1].at_ms) == last:  # several rules may decide at once
                    decided.append(waiting.pop())
        if not waiting:
            del self._waiting[number]
        return later

"""What was decided before: while the engine folds the record again, decisions come from here and not from itself.

Four days are enough to know what is normal for a device today, not what was normal four days ago: a device that was
raised then would be judged by too short a baseline. It does not have to be, its findings are on record.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from detectors.model import Claim, Finding
from ingest.model import Batch, Bools


@dataclass(frozen=True, kw_only=True)
class Piece:
    """Batches to fold, then findings that their last readings had led to, with their class; then `rest`."""

    batches: list[Batch]
    decided: list[tuple[str, Finding]]
    rest: list[Batch]


class Record:
    def __init__(self, findings: Iterable[Finding]) -> None:
        self._waiting: dict[int, list[Finding]] = {}
        for finding in sorted(findings, key=lambda finding: (finding.seq, finding.at_ms), reverse=True):
            if finding.claim != Claim.SWITCHED_OFF:  # a restart gives a detector that failed another chance
                self._waiting.setdefault(finding.device_no, []).append(finding)

    def cut(self, batches: Sequence[Batch]) -> Piece:
        """Cuts behind the reading that decided the first waiting finding of each device."""
        now, rest = [], []
        decided: list[tuple[str, Finding]] = []
        reached: set[int] = set()
        for batch in batches:
            later = np.zeros(len(batch), bool)
            for number in np.unique(batch.device_no).tolist():
                if number in self._waiting:
                    mine = batch.device_no == number
                    after, at = _position(batch, self._waiting[number][-1])
                    later |= mine & after
                    if number not in reached and (mine & (after | at)).any():
                        reached.add(number)
                        decided.append((batch.class_id, self._waiting[number][-1]))
            now.append(batch.where(~later))
            rest.append(batch.where(later))
        for number in reached:
            self._waiting[number].pop()
            if not self._waiting[number]:
                del self._waiting[number]
        return Piece(batches=now, decided=decided, rest=[batch for batch in rest if len(batch)])


def _position(batch: Batch, finding: Finding) -> tuple[Bools, Bools]:
    """Which readings come after the one that decided, and which is it, in log order."""
    same = batch.seq == finding.seq
    return (batch.seq > finding.seq) | (same & (batch.ts_ms > finding.at_ms)), same & (batch.ts_ms == finding.at_ms)

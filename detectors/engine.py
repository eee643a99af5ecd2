"""The engine: readings that were new go in, findings come out, and what the detectors will remember next.

It touches nothing and owns no clock. The same readings in the same order give the same findings, however they are cut
into batches. What it remembers is a function of each device's last four days, apart from what `recall` is told.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from types import MappingProxyType
from typing import Any

import numpy as np

from detectors import isolation
from detectors.isolation import Detector, RuleStep
from detectors.level import Level
from detectors.memory import Slots
from detectors.model import Finding
from detectors.on_time import OnTime
from detectors.record import Record
from detectors.rows import arrange, device_numbers
from devices.model import ApplianceClass, Catalogue
from ingest.apart import apart
from ingest.model import Batch, Bools, Ints


def detectors_of(appliance: ApplianceClass) -> tuple[Detector, ...]:
    levels = [Level(rule, appliance.metric(rule.metric).unit) for rule in appliance.levels]
    return (*levels, *(OnTime(rule, appliance.cadence_s) for rule in appliance.on_times))


@dataclass(frozen=True, kw_only=True)
class ClassStep:
    class_id: str
    device_no: Ints
    newest_ms: Ints
    rules: tuple[RuleStep, ...]


@dataclass(frozen=True, kw_only=True)
class Step:
    """What a batch came to. Nothing is remembered before `Engine.keep`."""

    findings: tuple[Finding, ...]
    classes: tuple[ClassStep, ...]


@dataclass
class _Class:
    """All that is remembered of one class. The arrays may be longer than the number of its devices."""

    columns: tuple[int, ...]  # of each detector's metric in a batch's values
    detectors: tuple[Detector, ...]
    memories: list[Any]
    works: list[Bools]
    newest_ms: Ints
    slots: Slots = field(default_factory=Slots)

    def arrays(self, prefix: str) -> Iterator[tuple[str, Any]]:
        """All but the devices' slots, the arrays themselves and no copies."""
        yield f"{prefix}/newest_ms", self.newest_ms
        for detector, memory, works in zip(self.detectors, self.memories, self.works, strict=True):
            yield f"{prefix}/{detector.rule}/works", works
            yield from memory.arrays(f"{prefix}/{detector.rule}")


class Engine:
    def __init__(
        self,
        catalogue: Catalogue,
        build: Callable[[ApplianceClass], tuple[Detector, ...]] = detectors_of,
        variants: Mapping[int, str] = MappingProxyType({}),
    ) -> None:
        """`variants`: by device_no, the name in `catalogue` of those that are not watched as their class is."""
        self._classes: dict[str, _Class] = {}
        self._variants = variants
        self._record: Record | None = None
        for name, appliance in catalogue.items():
            detectors = build(appliance)
            self._classes[name] = _Class(
                columns=tuple(appliance.metric_names.index(detector.metric) for detector in detectors),
                detectors=detectors,
                memories=[detector.blank(0) for detector in detectors],
                works=[np.ones(0, bool) for _ in detectors],
                newest_ms=np.zeros(0, np.int64),
            )

    def observe(self, batches: Sequence[Batch], *, quiet: bool = False) -> Step:
        """What these new readings come to. Changes nothing here: `keep` does, once they are committed.

        A reading that is not newer than its device's newest observed one is not observed. `quiet`: nothing is decided.
        """
        findings: list[Finding] = []
        steps = []
        for name, mine in sorted(self._apart(batches).items()):
            step, found = self._observe_class(name, mine, quiet=quiet)
            steps.append(step)
            findings += found
        findings.sort(key=lambda finding: (finding.seq, finding.device_no, finding.at_ms, finding.rule))
        return Step(findings=tuple(findings), classes=tuple(steps))

    def _apart(self, batches: Sequence[Batch]) -> dict[str, list[Batch]]:
        """By class, or variant of it."""
        parts: dict[str, list[Batch]] = {}
        for batch in batches:
            for name, mask in apart(batch.class_id, batch.device_no, self._variants):
                part = batch if mask is None else batch.where(mask)
                if len(part):
                    parts.setdefault(name, []).append(part)
        return parts

    def keep(self, step: Step) -> None:
        for part in step.classes:
            mine = self._classes[part.class_id]
            slots = mine.slots.claim(part.device_no)
            self._grow(mine)
            mine.newest_ms[slots] = part.newest_ms
            for memory, works, rule in zip(mine.memories, mine.works, part.rules, strict=True):
                memory.put(slots, rule.memory)
                works[slots] = rule.works

    def recall(self, findings: Iterable[Finding]) -> None:
        """Before folding: what is on record as decided. From then on `fold` decides nothing itself.

        Needed are each device's findings of the days that will be folded, and each rule's last one before them.
        """
        self._record = Record(findings)

    def fold(self, batches: Sequence[Batch]) -> None:
        """Remember what was observed before; what is found on the way was said then."""
        if self._record is None:
            self.keep(self.observe(batches))
            return
        for batch in batches:
            rest: Batch | None = batch
            while rest is not None:
                piece = self._record.cut(rest)
                self._remember(batch.class_id, piece.before)
                self.keep(self.observe([piece.now], quiet=True))
                self._remember(batch.class_id, piece.decided)
                rest = piece.rest

    def _remember(self, class_id: str, decided: Iterable[Finding]) -> None:
        for finding in decided:
            mine = self._classes[self._variants.get(finding.device_no, class_id)]
            slot = int(mine.slots.claim(np.array([finding.device_no]))[0])
            self._grow(mine)
            for detector, memory in zip(mine.detectors, mine.memories, strict=True):
                if detector.rule == finding.rule:
                    detector.recall(memory, slot, finding)

    def dump(self) -> dict[str, Any]:
        """All that is remembered, as arrays with one row a device; nothing else is needed to go on from here."""
        arrays: dict[str, Any] = {}
        for class_id, mine in self._classes.items():
            arrays[f"{class_id}/device_no"] = mine.slots.device_no()
            arrays |= {name: array[: len(mine.slots)] for name, array in mine.arrays(class_id)}
        return arrays

    def load(self, arrays: Mapping[str, Any]) -> None:
        """Remember what `dump` gave. Raises KeyError, ValueError where it is another engine's."""
        for class_id, mine in self._classes.items():
            mine.slots.claim(arrays[f"{class_id}/device_no"])
            self._grow(mine)
            for name, array in mine.arrays(class_id):
                array[: len(mine.slots)] = arrays[name]

    def bytes_per_device(self, class_id: str) -> int:
        """Flat: no device costs more than another, however long it is watched."""
        memories = (detector.blank(1) for detector in self._classes[class_id].detectors)
        return sum(memory.bytes_per_device() for memory in memories)

    @staticmethod
    def _grow(mine: _Class) -> None:
        more = len(mine.slots) - len(mine.newest_ms)
        if more <= 0:
            return
        more = max(more, len(mine.newest_ms))  # doubled, so that joining devices cost little each
        mine.newest_ms = np.concatenate([mine.newest_ms, np.zeros(more, np.int64)])
        mine.works = [np.concatenate([works, np.ones(more, bool)]) for works in mine.works]
        pairs = zip(mine.memories, mine.detectors, strict=True)
        mine.memories = [memory.joined(detector.blank(more)) for memory, detector in pairs]

    def _observe_class(self, class_id: str, batches: list[Batch], *, quiet: bool) -> tuple[ClassStep, list[Finding]]:
        mine = self._classes[class_id]
        device_no = device_numbers(batches)
        slots = mine.slots.find(device_no)
        met = np.flatnonzero(slots >= 0)
        before_ms = np.zeros(len(device_no), np.int64)
        before_ms[met] = mine.newest_ms[slots[met]]
        rows = arrange(batches, device_no, before_ms)
        steps, findings = [], []
        for detector, column, kept, keeps in zip(mine.detectors, mine.columns, mine.memories, mine.works, strict=True):
            works = np.ones(len(device_no), bool)
            works[met] = keeps[slots[met]]
            recall = partial(_remembered, detector, kept, slots, met)
            step, found = isolation.run(detector, recall, works, rows.series(column, works, quiet=quiet))
            steps.append(step)
            findings += found
        newest_ms = rows.newest_ms(before_ms)
        return ClassStep(class_id=class_id, device_no=device_no, newest_ms=newest_ms, rules=tuple(steps)), findings


def _remembered(detector: Detector, kept: Any, slots: Ints, met: Ints) -> Any:
    """A copy of what is remembered of the devices, blank for those not met yet."""
    if len(met) == len(slots):
        return kept.take(slots)
    memory = detector.blank(len(slots))
    memory.put(met, kept.take(slots[met]))
    return memory

"""SenML's records as they stand in a pack, each with the base fields in force for it (RFC 8428, 4.1 to 4.5)."""

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from ingest import limits
from ingest.model import Reason
from ingest.payloads.model import Huge, Pairs, UnreadableError
from ingest.payloads.values import kind

NUMBERS = {
    "bver": -1, "bn": -2, "bt": -3, "bu": -4, "bv": -5, "bs": -6,
    "n": 0, "u": 1, "v": 2, "vs": 3, "vb": 4, "s": 5, "t": 6, "ut": 7, "vd": 8,
}  # fmt: skip
VALUES = ("v", "vs", "vb", "vd")
_LABELS = {number: label for label, number in NUMBERS.items()}
_BASE = {label for label in NUMBERS if label.startswith("b")}
_VERSION = 10  # RFC 9100: a higher one needs features that we do not have


@dataclass(frozen=True, kw_only=True)
class Record:
    """`fields`: what stands in it, by label. `time_s`: base time and time; `base` has `bv` and `bs` where in force."""

    name: str
    time_s: float | int
    unit: str | None
    fields: dict[str, Any]
    base: dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Broken:
    """A record that cannot be resolved; its own bytes say it again, whatever the base fields are."""

    entry: Any
    reason: Reason
    detail: str


@dataclass(kw_only=True)
class _Base:
    """The base fields in force."""

    fields: dict[str, Any] = field(default_factory=dict)

    def note(self, fields: dict[str, Any]) -> None:
        """Raises UnreadableError: a base field that is wrong makes everything after it wrong."""
        for label in _BASE & fields.keys():
            if not _base_is_right(label, fields[label]):
                raise UnreadableError(Reason.NOT_SENML, f"{label} is not usable")
        self.fields.update((label, fields[label]) for label in _BASE & fields.keys())


def _base_is_right(label: str, value: Any) -> bool:
    if label == "bver":
        return type(value) is int and 0 < value <= _VERSION
    if label in {"bn", "bu"}:
        return type(value) is str and len(value) <= limits.NAME_CHARS  # said again with each record
    return _is_number(value) and abs(value) < limits.NUMBER


def _is_number(value: Any) -> bool:
    return type(value) in {int, float} and math.isfinite(value)


def resolved(document: Any, *, numbered: bool) -> Iterator[Record | Broken]:
    """The records that say something. Raises UnreadableError for what concerns the whole pack."""
    if type(document) is not list:
        raise UnreadableError(Reason.NOT_SENML, "a pack is an array of records")
    if not document:
        raise UnreadableError(Reason.EMPTY, "an empty array")
    if len(document) > limits.RECORDS:
        detail = f"{len(document)} records in one message; {limits.RECORDS} are allowed"
        raise UnreadableError(Reason.TOO_MANY_READINGS, detail)
    base = _Base()
    for entry in document:
        if type(entry) is not Pairs:
            yield Broken(entry=entry, reason=Reason.NOT_SENML, detail="a record is an object")
            continue
        names = [_LABELS.get(name, name) if numbered and type(name) is int else name for name, _ in entry]
        fields = {name: value for name, (_, value) in zip(names, entry, strict=True) if type(name) is str}
        _check_labels(names, fields)
        base.note(fields)
        if len(names) > len(set(names)):
            yield Broken(entry=entry, reason=Reason.DUPLICATE_KEY, detail="a label stands twice")
        elif not fields.keys() <= _BASE:
            yield _resolve(entry, fields, base.fields)


def _check_labels(names: list[Any], fields: dict[str, Any]) -> None:
    for label in fields:
        if label.endswith("_"):
            raise UnreadableError(Reason.NOT_SENML, f"{label[:64]!r} must be understood, and is not")
        if label in _BASE and names.count(label) > 1:
            raise UnreadableError(Reason.DUPLICATE_KEY, f"{label} stands twice in one record")


def _resolve(entry: Pairs, fields: dict[str, Any], base: dict[str, Any]) -> Record | Broken:
    flaw = _flaw(fields, base)
    if flaw is not None:
        return Broken(entry=entry, reason=flaw[0], detail=flaw[1])
    return Record(
        name=base.get("bn", "") + fields.get("n", ""),
        time_s=base.get("bt", 0) + fields.get("t", 0),
        unit=fields.get("u", base.get("bu")),
        fields=fields,
        base={label: base[label] for label in ("bv", "bs") if label in base},
    )


def _flaw(fields: dict[str, Any], base: dict[str, Any]) -> tuple[Reason, str] | None:
    time_s, values = fields.get("t", 0), [label for label in VALUES if label in fields]
    for label, kind_wanted in (("n", str), ("u", str), ("vs", str), ("vb", bool)):
        if label in fields and type(fields[label]) is not kind_wanted:
            return Reason.NOT_SENML, f"{label} is {kind(fields[label])}"
    if len(values) > 1:
        return Reason.NOT_SENML, f"{' and '.join(values)} in one record"
    if not values and "s" not in fields and "bs" not in base:
        return Reason.EMPTY, "a record without a value"
    if type(time_s) is Huge or (_is_number(time_s) and abs(time_s) >= limits.NUMBER):
        return Reason.TS_OUT_OF_RANGE, "beyond the years 1 to 9999"
    if not _is_number(time_s):
        return Reason.TS_NOT_A_NUMBER, "t is a number of seconds"
    return None

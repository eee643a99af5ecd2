"""The careful reading of one payload: slow, and it knows why. Whatever looks odd to ingest.decode ends up here.

Python's own parser reads what a fast one refuses as a whole (NaN, 1e999, lone surrogates) and shows a key that stands
twice, so that one bad metric costs itself and nothing else.
"""

import json
import math
import re
from dataclasses import dataclass, field
from typing import Any

from ingest import limits
from ingest.model import Reason

_STRING = re.compile(rb'"(?:[^"\\]|\\.)*+"?', re.DOTALL)  # possessive: linear, however many quotes are escaped
_BRACKETS = re.compile(rb"[][{}]")
_BAD_TEXT = re.compile("[\x00\ud800-\udfff]")


class _Pairs(list[tuple[str, Any]]):
    """An object as it stands, repeated keys included."""


class _Huge(str):
    """An integer of more digits than any column takes, as it stands."""

    __slots__ = ()


@dataclass(frozen=True, kw_only=True)
class Reading:
    """What is left of a reading. `extra`: what nobody declared."""

    ts_ms: int
    values: dict[str, float]
    extra: dict[str, float | int | str | bool]


@dataclass(frozen=True, kw_only=True)
class Flaw:
    """Why a payload, a reading or a metric is refused, with the bytes that say it again."""

    reason: Reason
    detail: str
    payload: bytes
    ts_ms: int | None = None
    metric: str | None = None


@dataclass(frozen=True, kw_only=True)
class Verdict:
    readings: list[Reading] = field(default_factory=list)
    flaws: list[Flaw] = field(default_factory=list)


def scrutinise(payload: bytes, received_ms: int, declared: frozenset[str]) -> Verdict:
    """Every reading and every metric of a payload on its own."""
    whole = _whole_flaw(payload)
    if whole is not None:
        return Verdict(flaws=[Flaw(reason=whole[0], detail=whole[1], payload=payload[: limits.PAYLOAD_BYTES])])
    try:
        document = _parse(payload)
    except ValueError as error:
        return Verdict(flaws=[Flaw(reason=Reason.NOT_JSON, detail=_printable(str(error)), payload=payload)])
    if type(document) is not list:
        verdict = Verdict()
        _read(document, payload, received_ms, declared, verdict)
        return verdict
    return _array(document, payload, received_ms, declared)


def _array(document: list[Any], payload: bytes, received_ms: int, declared: frozenset[str]) -> Verdict:
    if not document:
        return Verdict(flaws=[Flaw(reason=Reason.EMPTY, detail="an empty array", payload=payload)])
    if len(document) > limits.READINGS:
        detail = f"{len(document)} readings in one message; {limits.READINGS} are allowed"
        return Verdict(flaws=[Flaw(reason=Reason.TOO_MANY_READINGS, detail=detail, payload=payload)])
    verdict = Verdict()
    for entry in document:
        _read(entry, None, received_ms, declared, verdict)
    return verdict


def _whole_flaw(payload: bytes) -> tuple[Reason, str] | None:
    if len(payload) > limits.PAYLOAD_BYTES:
        return Reason.TOO_LARGE, f"{len(payload)} bytes; {limits.PAYLOAD_BYTES} are allowed, and as many are kept here"
    if not payload:
        return Reason.EMPTY, "no bytes"
    depth = deepest = 0
    for bracket in _BRACKETS.findall(_STRING.sub(b"", payload)):
        depth += 1 if bracket in b"[{" else -1
        deepest = max(deepest, depth)
    if deepest > limits.DEPTH:
        return Reason.TOO_DEEP, f"nested {deepest} levels; {limits.DEPTH} are allowed"
    return None


def _parse(payload: bytes) -> Any:
    """Bytes that are no UTF-8 become lone surrogates, so that they condemn only the text they stand in."""
    return json.loads(
        payload.decode("utf-8", "surrogateescape"),
        object_pairs_hook=_Pairs,
        parse_int=lambda digits: int(digits) if len(digits.lstrip("-")) < 20 else _Huge(digits),
    )


def _read(entry: Any, payload: bytes | None, received_ms: int, declared: frozenset[str], verdict: Verdict) -> None:
    """One reading into `verdict`; `payload` when the reading is the whole of it."""
    ts_ms = _ts(entry)

    def refuse(reason: Reason, detail: str) -> None:
        bytes_ = _dump(entry) if payload is None else payload
        verdict.flaws.append(Flaw(reason=reason, detail=detail, payload=bytes_, ts_ms=_storable_ts(ts_ms)))

    flaw = _reading_flaw(entry, ts_ms, received_ms)
    if flaw is not None:
        refuse(*flaw)
        return
    assert type(ts_ms) is int
    metrics: _Pairs = dict(entry)["m"]
    values: dict[str, float] = {}
    extra: dict[str, float | int | str | bool] = {}
    flaws: list[Flaw] = []
    for name, value in metrics:
        if value is None:
            continue
        bad = number_flaw(value) if name in declared else (name_flaw(name) or scalar_flaw(value))
        if bad is not None:
            again = _dump(_Pairs([("ts", ts_ms), ("m", _Pairs([(name, value)]))]))
            flaws.append(Flaw(reason=bad[0], detail=bad[1], payload=again, ts_ms=ts_ms, metric=_printable(name)[:200]))
        elif name in declared:
            values[name] = float(value)
        else:
            extra[name] = value
    if values or extra:
        verdict.readings.append(Reading(ts_ms=ts_ms, values=values, extra=extra))
    elif not flaws:
        refuse(Reason.EMPTY, "the reading says nothing")
    verdict.flaws.extend(flaws)


def _ts(entry: Any) -> Any:
    return dict(entry).get("ts") if type(entry) is _Pairs else None


def _storable_ts(ts_ms: Any) -> int | None:
    """For the refusal's own column: only a time that every calendar has."""
    return ts_ms if type(ts_ms) is int and limits.has_date(ts_ms) else None


def _reading_flaw(entry: Any, ts_ms: Any, received_ms: int) -> tuple[Reason, str] | None:
    if type(entry) is not _Pairs:
        return Reason.NOT_A_READING, "not an object"
    names = [name for name, _ in entry]
    metrics = dict(entry).get("m")
    if type(metrics) is _Pairs and len(metrics) > limits.KEYS:
        return Reason.TOO_MANY_KEYS, f"{len(metrics)} metrics; {limits.KEYS} are allowed"
    if len(names) > len(set(names)):
        return Reason.DUPLICATE_KEY, "a key of the reading stands twice"
    if not set(names) <= {"ts", "m"} or type(metrics) is not _Pairs:
        return Reason.NOT_A_READING, 'a reading is {"ts": ..., "m": {...}} and nothing else'
    if len(metrics) > len({name for name, _ in metrics}):
        return Reason.DUPLICATE_KEY, "a metric stands twice"
    return _ts_flaw(ts_ms, received_ms)


def _ts_flaw(ts_ms: Any, received_ms: int) -> tuple[Reason, str] | None:
    if ts_ms is None:
        return Reason.TS_MISSING, "no ts"
    if type(ts_ms) is _Huge:
        return Reason.TS_OUT_OF_RANGE, "beyond the years 1 to 9999"
    if type(ts_ms) is not int:
        return Reason.TS_NOT_AN_INTEGER, "ts is an integer, epoch milliseconds"
    return limits.ts_flaw(ts_ms, received_ms)


def number_flaw(value: Any) -> tuple[Reason, str] | None:
    """Why a value cannot stand in a typed column; nothing is coerced."""
    if type(value) is _Huge:
        return Reason.NUMBER_TOO_LARGE, "a magnitude of 2^63 or more"
    if type(value) is not float and type(value) is not int:
        return Reason.NOT_A_NUMBER, f"{_KINDS.get(type(value), 'a structure')} where a number is declared"
    if not math.isfinite(value):
        return Reason.NOT_FINITE, "not a finite number"
    if abs(value) >= limits.NUMBER:
        return Reason.NUMBER_TOO_LARGE, "a magnitude of 2^63 or more"
    return None


def scalar_flaw(value: Any) -> tuple[Reason, str] | None:
    """Why a value cannot stand in `extra`."""
    if type(value) is bool:
        return None
    if type(value) is not str:
        return number_flaw(value)
    if _BAD_TEXT.search(value):
        return Reason.BAD_TEXT, "text with NUL, a lone surrogate or bytes that are no UTF-8"
    if len(value) > limits.TEXT_BYTES or len(value.encode()) > limits.TEXT_BYTES:
        return Reason.BAD_TEXT, f"text of more than {limits.TEXT_BYTES} bytes"
    return None


def name_flaw(name: str) -> tuple[Reason, str] | None:
    """Why a name cannot stand in `extra`."""
    if _BAD_TEXT.search(name):
        return Reason.BAD_TEXT, "a name with NUL, a lone surrogate or bytes that are no UTF-8"
    if not 0 < len(name) <= limits.NAME_CHARS:
        return Reason.BAD_METRIC_NAME, f"a name has 1 to {limits.NAME_CHARS} characters"
    return None


_KINDS: dict[type, str] = {str: "a text", bool: "a boolean"}


def _printable(text: str) -> str:
    """What PostgreSQL takes as text."""
    return _BAD_TEXT.sub("\ufffd", text)


def _dump(value: Any) -> bytes:
    """The value as JSON again, repeated keys and oversized numbers as they stood."""
    return _text(value).encode()


def _text(value: Any) -> str:
    if type(value) is _Pairs:
        return "{" + ",".join(f"{json.dumps(name)}:{_text(entry)}" for name, entry in value) + "}"
    if type(value) is list:
        return "[" + ",".join(map(_text, value)) + "]"
    return str(value) if type(value) is _Huge else json.dumps(value)

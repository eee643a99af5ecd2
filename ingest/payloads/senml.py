"""SenML (RFC 8428): records become readings, those of one time become one reading.

A record's metric is what follows the last `:` or `/` of its full name, if the class declares that; else it is kept in
`extra` under its full name. Relative times count from when the log received the message. What is refused of a record
is said again as a record of its own, with full name and absolute time.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from ingest import limits
from ingest.model import Reason
from ingest.payloads.model import Context, Flaw, Foreign, Pairs, UnreadableError, Verdict
from ingest.payloads.moments import Moments
from ingest.payloads.records import NUMBERS, VALUES, Broken, Record, resolved
from ingest.payloads.units import agree
from ingest.payloads.values import name_flaw, number_flaw, printable, scalar_flaw

_RELATIVE_BELOW_S = 2**28
_MS_SINCE, _MS_UNTIL = limits.OLDEST_MS, 10_000_000_000_000  # 2010 to 2286; as seconds the year 41,900 and later
_LATEST_S = limits.NEWEST_MS / 1000


@dataclass(frozen=True, kw_only=True)
class _Pack:
    """One pack on its way to a verdict."""

    context: Context
    numbered: bool
    moments: Moments[tuple[Record, str, Any]]
    verdict: Verdict = field(default_factory=Verdict)
    beginnings: set[str] = field(default_factory=set)

    def refuse(self, flaw: tuple[Reason, str], records: list[Any], ts_ms: int | None, name: str | None) -> None:
        metric = None if name is None else printable(name)[:200]
        again = self.context.say(records)
        self.verdict.flaws.append(Flaw(reason=flaw[0], detail=flaw[1], payload=again, ts_ms=ts_ms, metric=metric))

    def record(self, record: Record, time_s: float, label: str, value: Any) -> Pairs:
        """A resolved record that says one value."""
        fields = {"n": record.name, "t": time_s, **({} if record.unit is None else {"u": record.unit}), label: value}
        return Pairs((NUMBERS[name] if self.numbered else name, value) for name, value in fields.items())


def read(document: Any, context: Context, *, numbered: bool) -> Verdict:
    """Every record on its own. `numbered`: labels are CBOR's integers. Raises UnreadableError for what concerns all."""
    pack = _Pack(context=context, numbered=numbered, moments=Moments(context.declared))
    for record in resolved(document, numbered=numbered):
        if isinstance(record, Broken):
            pack.refuse((record.reason, record.detail), [record.entry], None, None)
        else:
            _take(pack, record)
    pack.verdict.readings.extend(pack.moments.readings())
    if not pack.verdict.readings and not pack.verdict.flaws:
        raise UnreadableError(Reason.EMPTY, "no record says a value")
    return pack.verdict


def _take(pack: _Pack, record: Record) -> None:
    """What the record says into its reading, or refused."""
    name = _metric(pack, record)
    ts_ms, flaw = _moment(record.time_s, pack.context.received_ms)
    for label, key, value in _said(record, name):
        if flaw is not None:
            pack.refuse(flaw, [pack.record(record, record.time_s, label, value)], ts_ms, key)
        elif ts_ms is not None:
            _keep(pack, record, ts_ms, (label, key, value))


def _metric(pack: _Pack, record: Record) -> str:
    """A gateway that sends several devices' records under one of their topics must not mix them."""
    cut = max(record.name.rfind(":"), record.name.rfind("/")) + 1
    if record.name[cut:] not in pack.context.declared:
        return record.name
    pack.beginnings.add(record.name[:cut])
    if len(pack.beginnings) > 1:
        one, other = (printable(each)[:80] for each in sorted(pack.beginnings))
        raise UnreadableError(Reason.SEVERAL_DEVICES, f"names begin with {one!r} and with {other!r}")
    return record.name[cut:]


def _moment(time_s: float, received_ms: int) -> tuple[int | None, tuple[Reason, str] | None]:
    """`ts` in milliseconds, or as far as it can be stored, with what is wrong about it."""
    if _MS_SINCE <= time_s < _MS_UNTIL:
        return None, (Reason.TS_IN_MILLISECONDS, f"{time_s} would make sense as milliseconds; t is in seconds")
    if abs(time_s) > _LATEST_S:
        return None, (Reason.TS_OUT_OF_RANGE, "beyond the years 1 to 9999")
    ts_ms = round(time_s * 1000) + (received_ms if time_s < _RELATIVE_BELOW_S else 0)
    return (ts_ms if limits.has_date(ts_ms) else None), limits.ts_flaw(ts_ms, received_ms)


def _said(record: Record, name: str) -> Iterator[tuple[str, str, Any]]:
    """Label, metric and value of what a record says: a value, a sum, or both."""
    for label in VALUES:
        if label in record.fields:
            value = record.fields[label]
            yield label, name, _sum(value, record.base.get("bv")) if label == "v" else value
    if "s" in record.fields or "bs" in record.base:
        yield "s", f"{name}.sum", _sum(record.fields.get("s", 0), record.base.get("bs"))


def _sum(value: Any, base: float | None) -> Any:
    return value if base is None or number_flaw(value) is not None else base + value


def _keep(pack: _Pack, record: Record, ts_ms: int, what: tuple[str, str, Any]) -> None:
    label, key, value = what
    flaw = _value_flaw(pack, record, what)
    if flaw is not None:
        pack.refuse(flaw, [pack.record(record, ts_ms / 1000, label, value)], ts_ms, key)
        return
    now = (record, label, value)
    first = pack.moments.put(ts_ms, key, value, now)
    if first is not None:
        both = [pack.record(each, ts_ms / 1000, *rest) for each, *rest in (first, now)]
        pack.refuse((Reason.DUPLICATE_KEY, "a metric stands twice at one time"), both, ts_ms, key)


def _value_flaw(pack: _Pack, record: Record, what: tuple[str, str, Any]) -> tuple[Reason, str] | None:
    label, key, value = what
    value = Foreign("binary data", b"") if label == "vd" else value
    unit = pack.context.declared.get(key)
    if unit is None:
        return name_flaw(key) or (number_flaw(value) if label in {"v", "s"} else scalar_flaw(value))
    if label == "v" and record.unit is not None and not agree(unit, record.unit):
        return Reason.UNIT_MISMATCH, f"{printable(record.unit)[:40]!r} where {unit!r} is declared"
    return number_flaw(value)

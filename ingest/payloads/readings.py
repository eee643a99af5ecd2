"""Our own scheme: `{"ts": ..., "m": {...}}` or flat, `{"ts": ..., "cabinet_temp_c": 4.1}`; one of them or an array."""

from collections.abc import Hashable, Sequence
from typing import Any

from ingest import limits
from ingest.model import Reason
from ingest.payloads.model import Context, Flaw, Huge, Pairs, Reading, UnreadableError, Verdict
from ingest.payloads.values import name_flaw, number_flaw, printable, scalar_flaw


def read(document: Any, context: Context) -> Verdict:
    """Every reading and every metric on its own."""
    verdict = Verdict()
    if type(document) is not list:
        _read(document, context.payload, context, verdict)
        return verdict
    if not document:
        raise UnreadableError(Reason.EMPTY, "an empty array")
    if len(document) > limits.READINGS:
        detail = f"{len(document)} readings in one message; {limits.READINGS} are allowed"
        raise UnreadableError(Reason.TOO_MANY_READINGS, detail)
    for entry in document:
        _read(entry, None, context, verdict)
    return verdict


def _read(entry: Any, payload: bytes | None, context: Context, verdict: Verdict) -> None:
    """One reading into `verdict`; `payload` when the reading is the whole of it."""
    ts_ms, metrics = _parts(entry)

    def refuse(reason: Reason, detail: str) -> None:
        alone = [entry] if type(entry) is list else entry  # without its array it would be one
        bytes_ = context.say(alone) if payload is None else payload
        verdict.flaws.append(Flaw(reason=reason, detail=detail, payload=bytes_, ts_ms=storable_ts(ts_ms)))

    flaw = _reading_flaw(entry, metrics) or _ts_flaw(ts_ms, context.received_ms)
    if flaw is not None:
        refuse(*flaw)
        return
    values: dict[str, float] = {}
    extra: dict[str, float | int | str | bool] = {}
    flaws: list[Flaw] = []
    for name, value in metrics:
        if value is None:
            continue
        is_declared = name in context.declared
        bad = number_flaw(value) if is_declared else (name_flaw(name) or scalar_flaw(value))
        if bad is not None:
            again = context.say(Pairs([("ts", ts_ms), ("m", Pairs([(name, value)]))]))
            metric = printable(name)[:200]
            flaws.append(Flaw(reason=bad[0], detail=bad[1], payload=again, ts_ms=ts_ms, metric=metric))
        elif is_declared:
            values[name] = float(value)
        else:
            extra[name] = value
    if values or extra:
        verdict.readings.append(Reading(ts_ms=ts_ms, values=values, extra=extra))
    elif not flaws:
        refuse(Reason.EMPTY, "the reading says nothing")
    verdict.flaws.extend(flaws)


def _parts(entry: Any) -> tuple[Any, Any]:
    """`ts`, and the metrics as Pairs: what `m` holds, or, where there is no `m`, all keys but `ts`."""
    if type(entry) is not Pairs:
        return None, None
    said = dict(entry)
    if "m" in said or not said.keys() - {"ts"}:
        return said.get("ts"), said.get("m")
    return said.get("ts"), Pairs((name, value) for name, value in entry if name != "ts")


def storable_ts(ts_ms: Any) -> int | None:
    """For the refusal's own column: only a time that every calendar has."""
    return ts_ms if type(ts_ms) is int and limits.has_date(ts_ms) else None


def _reading_flaw(entry: Any, metrics: Any) -> tuple[Reason, str] | None:
    if type(entry) is not Pairs:
        return Reason.NOT_A_READING, "not an object"
    names = [name for name, _ in entry]
    if type(metrics) is Pairs and len(metrics) > limits.KEYS:
        return Reason.TOO_MANY_KEYS, f"{len(metrics)} metrics; {limits.KEYS} are allowed"
    if _repeats(names):
        return Reason.DUPLICATE_KEY, "a key of the reading stands twice"
    if type(metrics) is not Pairs or ("m" in names and not set(names) <= {"ts", "m"}):
        return Reason.NOT_A_READING, 'a reading is {"ts": ..., "m": {...}} or {"ts": ..., "metric": ...}'
    if _repeats([name for name, _ in metrics]):
        return Reason.DUPLICATE_KEY, "a metric stands twice"
    return None


def _repeats(names: Sequence[Hashable]) -> bool:
    return len(names) > len(set(names))


def _ts_flaw(ts_ms: Any, received_ms: int) -> tuple[Reason, str] | None:
    if ts_ms is None:
        return Reason.TS_MISSING, "no ts"
    if type(ts_ms) is Huge:
        return Reason.TS_OUT_OF_RANGE, "beyond the years 1 to 9999"
    if type(ts_ms) is not int:
        return Reason.TS_NOT_AN_INTEGER, "ts is an integer, epoch milliseconds"
    return limits.ts_flaw(ts_ms, received_ms)

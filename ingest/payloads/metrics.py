"""Sparkplug's metrics, each with its name by now, become readings; those of one time become one reading.

A metric's name is ours if the class declares it; so is the last level of a path, `Temperatures/cabinet_temp_c`, where
no other metric of the birth ends alike. Else it is kept in `extra` under its full name. What is refused is said again
with its name, type and time, so that it needs no birth.
"""

from collections import Counter
from collections.abc import Collection, Iterable
from typing import Any

from ingest import limits
from ingest.model import Reason
from ingest.payloads.datatypes import value_of
from ingest.payloads.model import Context, Flaw, UnreadableError, Verdict
from ingest.payloads.moments import Moments
from ingest.payloads.readings import storable_ts
from ingest.payloads.sparkplug import Metric, Payload
from ingest.payloads.units import agree
from ingest.payloads.values import name_flaw, number_flaw, printable, scalar_flaw

BD_SEQ = "bdSeq"
_CONTROL = ("Node Control/", "Device Control/")


def says_something(metric: Metric) -> bool:
    """Whether it is meant to be a reading: no control, not null, and nothing that its device wants forgotten."""
    if metric.is_null or metric.is_transient:
        return False
    return metric.name is None or not (metric.name.startswith(_CONTROL) or metric.name == BD_SEQ)


def alike(names: Iterable[str | None]) -> set[str]:
    """Names of a birth that end like another one, and so cannot be called by their last level."""
    every = {name for name in names if name is not None}
    ends = Counter(_end(name) for name in every)
    return {name for name in every if "/" in name and ends[_end(name)] > 1}


def _end(name: str) -> str:
    return name[name.rfind("/") + 1 :]


def read(payload: Payload, context: Context, shared: Collection[str] | None = None) -> Verdict:
    """Every metric on its own. `shared`: names that end like others; by default, of this payload. Raises
    UnreadableError for what concerns the whole payload."""
    if not payload.metrics:
        raise UnreadableError(Reason.EMPTY, "no metrics")
    if shared is None:
        shared = alike(metric.name for metric in payload.metrics)
    verdict, moments = Verdict(), Moments[Metric](context.declared)
    for metric in payload.metrics:
        if says_something(metric):
            timed = metric if metric.timestamp_ms is not None else metric._replace(timestamp_ms=payload.timestamp_ms)
            _take(timed, _key(timed, context, shared), context, verdict, moments)
    verdict.readings.extend(moments.readings())
    return verdict


def _key(metric: Metric, context: Context, shared: Collection[str]) -> str | None:
    name = metric.name
    if name is None or name in context.declared or name in shared:
        return name
    end = _end(name)
    return end if end in context.declared else name


def _take(metric: Metric, key: str | None, context: Context, verdict: Verdict, moments: Moments[Metric]) -> None:
    value = value_of(metric)
    flaw = _time_flaw(metric.timestamp_ms, context.received_ms) or _value_flaw(metric, key, value, context)
    if flaw is not None or key is None or metric.timestamp_ms is None:
        _refuse(flaw or (Reason.BAD_METRIC_NAME, "no name"), [metric], key, context, verdict)
        return
    first = moments.put(metric.timestamp_ms, key, value, metric)
    if first is not None:
        both = (Reason.DUPLICATE_KEY, "a metric stands twice at one time")
        _refuse(both, [first, metric], key, context, verdict)


def _refuse(
    flaw: tuple[Reason, str], metrics: list[Metric], key: str | None, context: Context, verdict: Verdict
) -> None:
    again = context.say(Payload([metric._replace(alias=None) for metric in metrics]))
    ts_ms, metric = storable_ts(metrics[0].timestamp_ms), None if key is None else printable(key)[:200]
    verdict.flaws.append(Flaw(reason=flaw[0], detail=flaw[1], payload=again, ts_ms=ts_ms, metric=metric))


def _time_flaw(ts_ms: int | None, received_ms: int) -> tuple[Reason, str] | None:
    if ts_ms is None:
        return Reason.TS_MISSING, "neither the metric nor the message has a timestamp"
    return limits.ts_flaw(ts_ms, received_ms)


def _value_flaw(metric: Metric, key: str | None, value: Any, context: Context) -> tuple[Reason, str] | None:
    unit = None if key is None else context.declared.get(key)
    if unit is None:
        return name_flaw(key) or scalar_flaw(value)
    if metric.unit is not None and not agree(unit, metric.unit):
        return Reason.UNIT_MISMATCH, f"{printable(metric.unit)[:40]!r} where {unit!r} is declared"
    return number_flaw(value)

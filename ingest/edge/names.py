"""Metrics that go by an alias, or without their type, get what their node's birth said of them."""

from ingest.edge.model import Birth, Known
from ingest.model import Reason
from ingest.payloads.datatypes import is_clear
from ingest.payloads.metrics import says_something
from ingest.payloads.model import Context, Flaw
from ingest.payloads.readings import storable_ts
from ingest.payloads.sparkplug import Metric, Payload


def resolve(
    payload: Payload, birth: Birth | None, context: Context, judged_ms: int, *, live: bool
) -> tuple[Payload, list[Flaw]]:
    """The metrics that are understood, and the others as one refusal, with their times. What is not `live` was first
    heard at `judged_ms`, when aliases may have meant something else."""
    same = birth is not None and (live or judged_ms >= birth.since_ms)
    understood: list[Metric] = []
    lost: list[Metric] = []
    for metric in payload.metrics:
        found = _understood(metric, birth, same=same)
        if found is not None:
            understood.append(found)
        elif says_something(metric):
            lost.append(metric)
    if not lost:
        return payload._replace(metrics=understood), []
    return payload._replace(metrics=understood), [_flaw(lost, payload.timestamp_ms, birth, context)]


def _understood(metric: Metric, birth: Birth | None, *, same: bool) -> Metric | None:
    if metric.name is not None or metric.alias is None:
        known = birth.by_name.get(metric.name) if birth is not None and metric.name is not None else None
        filled = metric if known is None else _filled(metric, known)
        return filled if is_clear(filled) or metric.name is None else None
    known = birth.by_alias.get(metric.alias) if birth is not None and same else None
    if known is None or metric.datatype not in {0, known.datatype}:
        return None
    return _filled(metric, known)


def _filled(metric: Metric, known: Known) -> Metric:
    datatype, unit = metric.datatype or known.datatype, metric.unit or known.unit
    return metric._replace(name=known.name, datatype=datatype, unit=unit)


def _flaw(lost: list[Metric], sent_ms: int | None, birth: Birth | None, context: Context) -> Flaw:
    timed = [each if each.timestamp_ms is not None else each._replace(timestamp_ms=sent_ms) for each in lost]
    first = lost[0]
    called = f"alias {first.alias}" if first.name is None else f"{first.name[:60]!r}"
    if birth is None:
        reason, detail = Reason.NO_BIRTH, f"{len(lost)} metrics, such as {called}, and no birth that says what they are"
    else:
        reason, detail = Reason.UNKNOWN_ALIAS, f"{len(lost)} metrics, such as {called}, that the birth does not name"
    return Flaw(
        reason=reason, detail=detail, payload=context.say(Payload(timed)), ts_ms=storable_ts(timed[0].timestamp_ms)
    )

"""Sparkplug B's payload (org.eclipse.tahu.protobuf.Payload) as a document, and a document as a payload.

A metric's value stays as it stands, with the field that it stands in: what it is, only its datatype says, and that may
have been said in a birth. Fields that we do not know are passed over, names and units too long for anything are cut.

Specification: https://sparkplug.eclipse.org.
"""

from typing import Any, NamedTuple

from ingest import limits
from ingest.model import Reason
from ingest.payloads.model import Encoding, UnreadableError
from ingest.payloads.protobuf import FIXED32, FIXED64, LENGTH, VARINT, WireError, fields, key
from ingest.payloads.protobuf import say as say_field

INT, LONG, FLOAT, DOUBLE, BOOLEAN, STRING, BYTES, DATASET, TEMPLATE, EXTENSION = range(10, 20)  # fields of a value
BOOLEAN_TYPE, STRING_TYPE = 11, 12  # datatypes
_UNIT = b"engUnit"  # the property in which gateways name the unit


class Metric(NamedTuple):
    """`field`: in which of the value's fields `value` stands, 0: in none. A text is bytes until somebody reads it."""

    name: str | None = None
    alias: int | None = None
    timestamp_ms: int | None = None
    datatype: int = 0
    is_historical: bool = False
    is_transient: bool = False
    is_null: bool = False
    unit: str | None = None
    field: int = 0
    value: int | bytes = 0


class Payload(NamedTuple):
    metrics: list[Metric]
    timestamp_ms: int | None = None
    seq: int | None = None


_TIMESTAMP, _METRICS, _SEQ = key(1, VARINT), key(2, LENGTH), key(3, VARINT)
_NAME, _PROPERTIES = key(1, LENGTH), key(9, LENGTH)
_NUMBERS = {key(2, VARINT): "alias", key(3, VARINT): "timestamp_ms", key(4, VARINT): "datatype"}
_MARKS = {key(5, VARINT): "is_historical", key(6, VARINT): "is_transient", key(7, VARINT): "is_null"}
_WIRES = {INT: VARINT, LONG: VARINT, FLOAT: FIXED32, DOUBLE: FIXED64, BOOLEAN: VARINT}
_VALUES = {key(field, _WIRES.get(field, LENGTH)): field for field in range(INT, EXTENSION + 1)}
_KEYS = {field: tag for tag, field in _VALUES.items()}
_KNOWN = {1, 2, 3}, {1, 2, 3, 4, 5, 6, 7, 9, *range(INT, EXTENSION + 1)}  # of a payload, of a metric
_PROPERTY_KEYS, _PROPERTY_VALUES, _PROPERTY_TYPE, _PROPERTY_TEXT = key(1, LENGTH), key(2, LENGTH), 8, key(8, LENGTH)


def parse(payload: bytes) -> Payload:
    metrics: list[Metric] = []
    timestamp_ms = seq = None
    try:
        for tag, value in fields(payload):
            if tag == _METRICS and isinstance(value, bytes):
                metrics.append(_metric(value))
                if len(metrics) > limits.RECORDS:
                    detail = f"more than {limits.RECORDS} metrics in one message"
                    raise UnreadableError(Reason.TOO_MANY_READINGS, detail)
            elif tag == _TIMESTAMP and isinstance(value, int):
                timestamp_ms = value
            elif tag == _SEQ and isinstance(value, int):
                seq = value
            else:
                _pass_over(tag, _KNOWN[0])
    except WireError as error:
        raise UnreadableError(Reason.NOT_SPARKPLUG, str(error)) from None
    return Payload(metrics, timestamp_ms, seq)


def _metric(data: bytes) -> Metric:
    said: dict[str, Any] = {}
    for tag, value in fields(data):
        if tag in _NUMBERS:
            said[_NUMBERS[tag]] = value
        elif tag in _VALUES:
            said["field"], said["value"] = _VALUES[tag], value
        elif tag in _MARKS:
            said[_MARKS[tag]] = value != 0
        elif tag == _NAME and isinstance(value, bytes):
            said["name"] = text(value)[: limits.PATH_CHARS]
        elif tag == _PROPERTIES and isinstance(value, bytes):
            said["unit"] = _unit(value)
        else:
            _pass_over(tag, _KNOWN[1])
    return Metric(**said)


def _pass_over(tag: int, known: set[int]) -> None:
    if tag >> 3 in known:
        raise WireError(f"field {tag >> 3} has another wire type")


def _unit(data: bytes) -> str | None:
    """Of a PropertySet, in which keys and values stand side by side."""
    names: list[bytes] = []
    values: list[bytes] = []
    for tag, value in fields(data):
        if isinstance(value, bytes) and tag in {_PROPERTY_KEYS, _PROPERTY_VALUES}:
            (names if tag == _PROPERTY_KEYS else values).append(value)
    if _UNIT not in names or len(names) != len(values):
        return None
    said = dict(fields(values[names.index(_UNIT)])).get(_PROPERTY_TEXT)
    return text(said)[: limits.NAME_CHARS + 1] if isinstance(said, bytes) else None  # cut, it is still none of ours


def text(data: bytes) -> str:
    """Bytes that are no UTF-8 become lone surrogates, so that they condemn only the text they stand in."""
    return data.decode("utf-8", "surrogateescape")


def say(payload: Payload) -> bytes:
    parts = [] if payload.timestamp_ms is None else [say_field(_TIMESTAMP, payload.timestamp_ms)]
    parts += [say_field(_METRICS, _say_metric(metric)) for metric in payload.metrics]
    parts += [] if payload.seq is None else [say_field(_SEQ, payload.seq)]
    return b"".join(parts)


def _say_metric(metric: Metric) -> bytes:
    parts = [] if metric.name is None else [say_field(_NAME, metric.name.encode("utf-8", "surrogateescape"))]
    for tag, name in _NUMBERS.items():
        number = getattr(metric, name)
        parts += [say_field(tag, number)] if number is not None and (number or name != "datatype") else []
    parts += [say_field(tag, 1) for tag, name in _MARKS.items() if getattr(metric, name)]
    if metric.unit is not None:
        said = say_field(_PROPERTY_TYPE, STRING_TYPE)
        said += say_field(_PROPERTY_TEXT, metric.unit.encode("utf-8", "surrogateescape"))
        said = say_field(_PROPERTY_KEYS, _UNIT) + say_field(_PROPERTY_VALUES, said)
        parts.append(say_field(_PROPERTIES, said))
    parts += [say_field(_KEYS[metric.field], metric.value)] if metric.field else []
    return b"".join(parts)


SPARKPLUG = Encoding(parse=parse, say=say)

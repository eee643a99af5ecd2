"""Sparkplug's datatypes: what a metric's value is, given the field in which it stands. Nothing is coerced."""

import struct
from typing import Any

from ingest.payloads import sparkplug
from ingest.payloads.model import Foreign

_INTEGERS = {1: (8, True), 2: (16, True), 3: (32, True), 4: (64, True), 5: (8, False), 6: (16, False), 7: (32, False)}
_INTEGERS |= {8: (64, False), 13: (64, False)}  # UInt64; DateTime, which is milliseconds
_REALS, _TEXTS = {9, 10}, {12, 14, 15}  # Float and Double; String, Text and UUID
_FOREIGN = {16: "a DataSet", 17: "bytes", 18: "a file", 19: "a Template"}
_WIDTHS = {sparkplug.INT: 32, sparkplug.LONG: 64}
_REAL_FORMATS = {sparkplug.FLOAT: "<f", sparkplug.DOUBLE: "<d"}
_INT_OR_LONG_NEEDS_ONE = "a number of which nobody says the type"


def is_clear(metric: sparkplug.Metric) -> bool:
    """Whether the value is known without a birth: an integer may be negative, and its field does not show it."""
    return bool(metric.datatype) or metric.field not in _WIDTHS


def value_of(metric: sparkplug.Metric) -> Any:
    """A number, boolean or text, or Foreign for what no reading may hold."""
    datatype, field, raw = metric.datatype, metric.field, metric.value
    if not field:
        return Foreign("no value", b"")
    if isinstance(raw, int):
        if field == sparkplug.BOOLEAN:
            return raw != 0 if datatype in {0, sparkplug.BOOLEAN_TYPE} else _other(datatype)
        return _integer(datatype, raw, _WIDTHS[field]) if datatype in _INTEGERS else _other(datatype)
    if field in _REAL_FORMATS and (not datatype or datatype in _REALS):
        return struct.unpack(_REAL_FORMATS[field], raw)[0]
    if field == sparkplug.STRING and (not datatype or datatype in _TEXTS):
        return sparkplug.text(raw)
    return _other(datatype)


def _integer(datatype: int, raw: int, width: int) -> int | Foreign:
    """Signed ones are two's complement of the field's width, or, as some encoders have it, of their own."""
    bits, signed = _INTEGERS[datatype]
    raw &= (1 << width) - 1
    if not signed:
        return raw if raw < 1 << bits else Foreign("a number too large for its type", b"")
    half = 1 << (bits - 1)
    if raw < half:
        return raw
    for modulus in (1 << width, 1 << bits):
        if modulus - half <= raw < modulus:
            return raw - modulus
    return Foreign("a number too large for its type", b"")


def _other(datatype: int) -> Foreign:
    if not datatype:
        return Foreign(_INT_OR_LONG_NEEDS_ONE, b"")
    return Foreign(_FOREIGN.get(datatype, "a value of another type than it says"), b"")

"""The canonical form of a JSON document (RFC 8785): one value, one sequence of bytes, so that a hash means something.

Keys are sorted by UTF-16 code units, nothing stands between tokens, numbers are written as ECMAScript writes them
(section 3.2.2.3: the shortest digits that read back as the same double, which is also what Python's repr finds).
NaN and infinity have no form: say null.
"""

import json
import math
from collections.abc import Iterable
from typing import Any

_SAFE = 2**53  # beyond it a double is no integer any more, and other readers would change the number


def dumps(value: Any) -> bytes:
    """Raises ValueError for what JSON cannot say exactly, TypeError for what it cannot say at all."""
    return "".join(_parts(value)).encode("utf-8")


def _parts(value: Any) -> Iterable[str]:
    if isinstance(value, dict):
        yield "{"
        for i, key in enumerate(sorted(value, key=_utf16)):
            yield ("," if i else "") + _text(key) + ":"
            yield from _parts(value[key])
        yield "}"
    elif isinstance(value, list | tuple):
        yield "["
        for i, entry in enumerate(value):
            if i:
                yield ","
            yield from _parts(entry)
        yield "]"
    else:
        yield _scalar(value)


def _utf16(key: str) -> bytes:
    return key.encode("utf-16-be")


def _scalar(value: Any) -> str:
    if isinstance(value, str):
        return _text(value)
    if value is None or value is True or value is False:
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, int):
        if abs(value) > _SAFE:
            raise ValueError(f"{value} is no exact double")
        return str(int(value))
    if isinstance(value, float):
        return number(value)
    raise TypeError(f"{type(value).__name__} has no canonical form")


def _text(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def number(value: float) -> str:
    """As ECMAScript's Number::toString: plain from 1e-6 up to below 1e21, else with an exponent."""
    if not math.isfinite(value):
        raise ValueError(f"{value} has no form in JSON")
    shortest = repr(float(value))
    if "e" not in shortest:
        return "0" if value == 0 else shortest.removesuffix(".0")
    return _from_exponent(shortest)


def _from_exponent(shortest: str) -> str:
    mantissa, _, exponent = shortest.partition("e")
    sign = "-" if mantissa.startswith("-") else ""
    whole, _, fraction = mantissa.lstrip("-").partition(".")
    digits, power = (whole + fraction).rstrip("0") or "0", int(exponent)
    if -7 < power < 0:
        return f"{sign}0.{'0' * (-power - 1)}{digits}"
    if 0 <= power < 21:
        return sign + digits.ljust(power + 1, "0")
    tail = f".{digits[1:]}" if len(digits) > 1 else ""
    return f"{sign}{digits[0]}{tail}e{power:+d}"

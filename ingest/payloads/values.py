"""What a value and a name may be, the same for every format. Nothing is coerced."""

import math
import re
from types import NoneType
from typing import Any

from ingest import limits
from ingest.model import Reason
from ingest.payloads.model import Foreign, Huge

_BAD_TEXT = re.compile("[\x00\ud800-\udfff]")
_KINDS: dict[type, str] = {str: "a text", bool: "a boolean", NoneType: "null"}


def number_flaw(value: Any) -> tuple[Reason, str] | None:
    """Why a value cannot stand in a typed column."""
    if type(value) is Huge:
        return Reason.NUMBER_TOO_LARGE, "a magnitude of 2^63 or more"
    if type(value) is not float and type(value) is not int:
        return Reason.NOT_A_NUMBER, f"{kind(value)} where a number is declared"
    if not math.isfinite(value):
        return Reason.NOT_FINITE, "not a finite number"
    if abs(value) >= limits.NUMBER:
        return Reason.NUMBER_TOO_LARGE, "a magnitude of 2^63 or more"
    return None


def kind(value: Any) -> str:
    """What a value is, for people."""
    return value.kind if isinstance(value, Foreign) else _KINDS.get(type(value), "a structure")


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


def name_flaw(name: Any) -> tuple[Reason, str] | None:
    """Why a name cannot stand in `extra`."""
    if type(name) is not str:
        return Reason.BAD_METRIC_NAME, "a name is a text"
    if _BAD_TEXT.search(name):
        return Reason.BAD_TEXT, "a name with NUL, a lone surrogate or bytes that are no UTF-8"
    if not 0 < len(name) <= limits.NAME_CHARS:
        return Reason.BAD_METRIC_NAME, f"a name has 1 to {limits.NAME_CHARS} characters"
    return None


def printable(name: Any) -> str:
    """What PostgreSQL takes as text."""
    text = name.raw[:64].hex() if isinstance(name, Foreign) else str(name)
    return _BAD_TEXT.sub("\ufffd", text)

"""JSON as documents. Python's own parser reads what a fast one refuses as a whole (NaN, 1e999, lone surrogates) and
shows a key that stands twice, so that one bad metric costs itself and nothing else."""

import json
import re
from typing import Any

from ingest import limits
from ingest.model import Reason
from ingest.payloads.model import Encoding, Huge, Pairs, UnreadableError

_STRING = re.compile(rb'"(?:[^"\\]|\\.)*+"?', re.DOTALL)  # possessive: linear, however many quotes are escaped
_BRACKETS = re.compile(rb"[][{}]")


def parse(payload: bytes) -> Any:
    """Bytes that are no UTF-8 become lone surrogates, so that they condemn only the text they stand in."""
    deepest = _depth(payload)
    if deepest > limits.DEPTH:
        raise UnreadableError(Reason.TOO_DEEP, f"nested {deepest} levels; {limits.DEPTH} are allowed")
    try:
        return json.loads(
            payload.decode("utf-8", "surrogateescape"),
            object_pairs_hook=Pairs,
            parse_int=lambda digits: (
                int(digits) if len(digits.lstrip("-")) < 20 else Huge("a huge number", digits.encode())
            ),
        )
    except ValueError as error:
        raise UnreadableError(Reason.NOT_JSON, str(error)) from error


def _depth(payload: bytes) -> int:
    depth = deepest = 0
    for bracket in _BRACKETS.findall(_STRING.sub(b"", payload)):
        depth += 1 if bracket in b"[{" else -1
        deepest = max(deepest, depth)
    return deepest


def say(value: Any) -> bytes:
    """The document as JSON again, repeated keys and oversized numbers as they stood."""
    return _text(value).encode()


def _text(value: Any) -> str:
    if type(value) is Pairs:
        return "{" + ",".join(f"{json.dumps(name)}:{_text(entry)}" for name, entry in value) + "}"
    if type(value) is list:
        return "[" + ",".join(map(_text, value)) + "]"
    return value.raw.decode() if type(value) is Huge else json.dumps(value)


JSON = Encoding(parse=parse, say=say)

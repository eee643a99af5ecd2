"""MessagePack as documents. A decoder of our own, for the same reasons as CBOR's."""

import struct
from collections.abc import Callable
from typing import Any

from ingest import limits
from ingest.model import Reason
from ingest.payloads.model import Encoding, Foreign, Pairs, UnreadableError

_FIXED: dict[int, struct.Struct] = {
    0xCA: struct.Struct(">f"), 0xCB: struct.Struct(">d"),
    0xCC: struct.Struct(">B"), 0xCD: struct.Struct(">H"), 0xCE: struct.Struct(">I"), 0xCF: struct.Struct(">Q"),
    0xD0: struct.Struct(">b"), 0xD1: struct.Struct(">h"), 0xD2: struct.Struct(">i"), 0xD3: struct.Struct(">q"),
}  # fmt: skip
_CONSTANTS: dict[int, Any] = {0xC0: None, 0xC2: False, 0xC3: True}
_BIN, _EXT, _STR, _ARRAY, _MAP = "bin", "ext", "str", "array", "map"
_SIZED = {  # what it is, and how many bytes say its length
    0xC4: (_BIN, 1), 0xC5: (_BIN, 2), 0xC6: (_BIN, 4),
    0xC7: (_EXT, 1), 0xC8: (_EXT, 2), 0xC9: (_EXT, 4),
    0xD9: (_STR, 1), 0xDA: (_STR, 2), 0xDB: (_STR, 4),
    0xDC: (_ARRAY, 2), 0xDD: (_ARRAY, 4), 0xDE: (_MAP, 2), 0xDF: (_MAP, 4),
}  # fmt: skip


def parse(payload: bytes) -> Any:
    try:
        document, end = _item(payload, 0, 0)
    except IndexError:
        raise UnreadableError(Reason.NOT_MSGPACK, "ends in the middle") from None
    if end != len(payload):
        raise UnreadableError(Reason.NOT_MSGPACK, f"{len(payload) - end} bytes after its end")
    return document


def _item(data: bytes, at: int, depth: int) -> tuple[Any, int]:
    """The item at `at` and where it ends. Raises IndexError where the bytes do."""
    first = data[at]
    if first < 0x80 or first >= 0xE0:
        return (first if first < 0x80 else first - 0x100), at + 1
    if first < 0xC0:
        return _fix(data, at, depth)
    if first in _CONSTANTS:
        return _CONSTANTS[first], at + 1
    if first in _FIXED:
        number = _FIXED[first]
        end = at + 1 + number.size
        if end > len(data):
            raise IndexError
        return number.unpack_from(data, at + 1)[0], end
    return _sized(data, at, depth)


def _fix(data: bytes, at: int, depth: int) -> tuple[Any, int]:
    """Small strings, arrays and maps have their length in the first byte."""
    first = data[at]
    if first >= 0xA0:
        return _text(data, at + 1, first & 0x1F)
    read = _array if first >= 0x90 else _map
    return read(data, at + 1, first & 0x0F, depth)


def _sized(data: bytes, at: int, depth: int) -> tuple[Any, int]:
    first = data[at]
    if 0xD4 <= first <= 0xD8:
        return _foreign("an extension", data, at, at + 2 + (1 << (first - 0xD4)))
    if first not in _SIZED:
        raise UnreadableError(Reason.NOT_MSGPACK, "no such first byte")
    what, width = _SIZED[first]
    begin = at + 1 + width
    if begin > len(data):
        raise IndexError
    length = int.from_bytes(data[at + 1 : begin])
    if what == _STR:
        return _text(data, begin, length)
    if what in (_BIN, _EXT):
        kind, own = ("bytes", 0) if what == _BIN else ("an extension", 1)
        return _foreign(kind, data, at, begin + own + length)
    return (_array if what == _ARRAY else _map)(data, begin, length, depth)


def _foreign(kind: str, data: bytes, at: int, end: int) -> tuple[Any, int]:
    if end > len(data):
        raise IndexError
    return Foreign(kind, data[at:end]), end


def _text(data: bytes, at: int, length: int) -> tuple[Any, int]:
    if at + length > len(data):
        raise IndexError
    return data[at : at + length].decode("utf-8", "surrogateescape"), at + length


def _array(data: bytes, at: int, length: int, depth: int) -> tuple[Any, int]:
    _check(length, len(data) - at, depth)
    if depth == 0 and length > limits.RECORDS:
        raise UnreadableError(Reason.TOO_MANY_READINGS, f"{length} entries; no message has more than {limits.RECORDS}")
    items: list[Any] = []
    for _ in range(length):
        item, at = _item(data, at, depth + 1)
        items.append(item)
    return items, at


def _map(data: bytes, at: int, length: int, depth: int) -> tuple[Any, int]:
    _check(length * 2, len(data) - at, depth)
    pairs = Pairs()
    for _ in range(length):
        name, end = _item(data, at, depth + 1)
        if type(name) is not str and type(name) is not int:
            name = name if isinstance(name, Foreign) else Foreign("a key", data[at:end])
        value, at = _item(data, end, depth + 1)
        pairs.append((name, value))
    return pairs, at


def _check(items: int, left: int, depth: int) -> None:
    """Before the first of `items` is read: each takes a byte at least."""
    if depth >= limits.DEPTH:
        raise UnreadableError(Reason.TOO_DEEP, f"nested more than {limits.DEPTH} levels")
    if items > left:
        raise IndexError


def say(value: Any) -> bytes:
    """The document as MessagePack; small numbers in their short form, floats as doubles."""
    if isinstance(value, Foreign):
        return value.raw
    if isinstance(value, Pairs):
        return _head(len(value), 0x80, 16, 0xDE) + b"".join(say(part) for pair in value for part in pair)
    return _SAY[type(value)](value)


def _head(length: int, fixed: int, below: int, sized: int) -> bytes:
    """`sized` is the first byte with a length of two bytes; the next one is that with four."""
    if length < below:
        return bytes([fixed | length])
    return bytes([sized]) + length.to_bytes(2) if length < 1 << 16 else bytes([sized + 1]) + length.to_bytes(4)


def _say_text(text: str) -> bytes:
    content = text.encode("utf-8", "surrogateescape")
    return _head(len(content), 0xA0, 32, 0xDA) + content


def _say_int(number: int) -> bytes:
    if -32 <= number < 0x80:
        return struct.pack(">b", number)
    return b"\xd3" + struct.pack(">q", number) if number < 1 << 63 else b"\xcf" + struct.pack(">Q", number)


_SAY: dict[type, Callable[[Any], bytes]] = {
    type(None): lambda _: b"\xc0",
    bool: lambda value: b"\xc3" if value else b"\xc2",
    int: _say_int,
    float: lambda value: b"\xcb" + struct.pack(">d", value),
    str: _say_text,
    list: lambda value: _head(len(value), 0x90, 16, 0xDC) + b"".join(map(say, value)),
}

MSGPACK = Encoding(parse=parse, say=say)

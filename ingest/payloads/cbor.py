"""CBOR (RFC 8949) as documents. A decoder of our own: libraries give a dict, in which a key that stood twice is gone,
and one bad text costs the whole payload. Nothing is reserved for a length that is only claimed."""

import struct
from collections.abc import Callable
from typing import Any

from ingest import limits
from ingest.model import Reason
from ingest.payloads.model import Encoding, Foreign, Huge, Pairs, UnreadableError

_INDEFINITE = -1
_BREAK = 0xFF
_SELF_DESCRIBED = b"\xd9\xd9\xf7"  # RFC 8949 3.4.6: says that CBOR follows, and nothing else
_SIMPLE: dict[int, Any] = {20: False, 21: True, 22: None, 23: None}  # undefined says nothing, as null does
_FLOATS = {25: struct.Struct(">e"), 26: struct.Struct(">f"), 27: struct.Struct(">d")}
_LONGEST_BIGNUM = 8  # bytes


def parse(payload: bytes) -> Any:
    start = len(_SELF_DESCRIBED) if payload.startswith(_SELF_DESCRIBED) else 0
    try:
        document, end = _item(payload, start, 0)
    except IndexError:
        raise _broken("ends in the middle") from None
    if end != len(payload):
        raise _broken(f"{len(payload) - end} bytes after its end")
    return document


def _broken(detail: str) -> UnreadableError:
    return UnreadableError(Reason.NOT_CBOR, detail)


def _item(data: bytes, at: int, depth: int) -> tuple[Any, int]:
    """The item at `at` and where it ends. Raises IndexError where the bytes do."""
    major, low = data[at] >> 5, data[at] & 31
    at += 1
    if low < 24:
        return _READ[major](data, at, low, depth)
    if low < 28:
        end = at + (1 << (low - 24))
        if end > len(data):
            raise IndexError
        if major == 7 and low in _FLOATS:
            return _FLOATS[low].unpack_from(data, at)[0], end
        return _READ[major](data, end, int.from_bytes(data[at:end]), depth)
    if low < 31 or major not in _MAY_BE_INDEFINITE:
        raise _broken("no such initial byte")
    return _READ[major](data, at, _INDEFINITE, depth)


def _unsigned(_data: bytes, at: int, number: int, _depth: int) -> tuple[Any, int]:
    return number, at


def _negative(_data: bytes, at: int, number: int, _depth: int) -> tuple[Any, int]:
    return -1 - number, at


def _bytes(data: bytes, at: int, length: int, _depth: int) -> tuple[Any, int]:
    content, end = _string(data, at, length, 2)
    return Foreign("bytes", _head(2, len(content)) + content), end


def _text(data: bytes, at: int, length: int, _depth: int) -> tuple[Any, int]:
    content, end = _string(data, at, length, 3)
    return content.decode("utf-8", "surrogateescape"), end


def _string(data: bytes, at: int, length: int, major: int) -> tuple[bytes, int]:
    if length != _INDEFINITE:
        if at + length > len(data):
            raise IndexError
        return data[at : at + length], at + length
    chunks = []
    while data[at] != _BREAK:
        size, begin = _chunk(data, at, major)
        chunks.append(_string(data, begin, size, major)[0])
        at = begin + size
    return b"".join(chunks), at + 1


def _chunk(data: bytes, at: int, major: int) -> tuple[int, int]:
    """Length and place of one part of a string of indefinite length: itself definite, and of the same type."""
    low = data[at] & 31
    if data[at] >> 5 != major or low > 27:
        raise _broken("a part of a string is no such string")
    if low < 24:
        return low, at + 1
    begin = at + 1 + (1 << (low - 24))
    if begin > len(data):
        raise IndexError
    return int.from_bytes(data[at + 1 : begin]), begin


def _array(data: bytes, at: int, length: int, depth: int) -> tuple[Any, int]:
    _check(length, len(data) - at, depth)
    if depth == 0 and length > limits.RECORDS:
        raise UnreadableError(Reason.TOO_MANY_READINGS, f"{length} entries; no message has more than {limits.RECORDS}")
    items: list[Any] = []
    while len(items) != length:
        if length == _INDEFINITE and data[at] == _BREAK:
            return items, at + 1
        item, at = _item(data, at, depth + 1)
        items.append(item)
    return items, at


def _map(data: bytes, at: int, length: int, depth: int) -> tuple[Any, int]:
    _check(length * 2, len(data) - at, depth)
    pairs = Pairs()
    while len(pairs) != length:
        if length == _INDEFINITE and data[at] == _BREAK:
            return pairs, at + 1
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


def _tag(data: bytes, at: int, tag: int, depth: int) -> tuple[Any, int]:
    """Big integers and decimal fractions are numbers; any other tag says something that no reading can."""
    _check(1, len(data) - at, depth)
    content, end = _item(data, at, depth + 1)
    raw = _head(6, tag) + data[at:end]
    if tag in (2, 3) and type(content) is Foreign and content.kind == "bytes":
        return _bignum(tag, content.raw, raw), end
    if tag == 4 and type(content) is list and list(map(type, content)) == [int, int]:
        return float(f"{content[1]}e{content[0]}"), end  # exact to half a unit, and no power is ever taken
    return Foreign("a tagged value", raw), end


def _bignum(tag: int, string: bytes, raw: bytes) -> int | Huge:
    content = string[_chunk(string, 0, 2)[1] :].lstrip(b"\0")
    if len(content) > _LONGEST_BIGNUM:
        return Huge("a huge number", raw)
    number = int.from_bytes(content)
    return number if tag == 2 else -1 - number


def _special(data: bytes, at: int, number: int, _depth: int) -> tuple[Any, int]:
    if number == _INDEFINITE:
        raise _broken("a break outside of what it could end")
    if number < 32 and data[at - 1] == number:  # a byte of its own, though it fits into the first one
        raise _broken("a simple value in a form that it must not have")
    return (_SIMPLE[number] if number in _SIMPLE else Foreign("a simple value", _head(7, number))), at


_MAY_BE_INDEFINITE = (2, 3, 4, 5, 7)
_READ: tuple[Callable[[bytes, int, int, int], tuple[Any, int]], ...] = (
    _unsigned, _negative, _bytes, _text, _array, _map, _tag, _special,
)  # fmt: skip


def say(value: Any) -> bytes:
    """The document as CBOR: definite lengths, floats as doubles."""
    if isinstance(value, Foreign):
        return value.raw
    if isinstance(value, Pairs):
        return _head(5, len(value)) + b"".join(say(part) for pair in value for part in pair)
    return _SAY[type(value)](value)


def _head(major: int, number: int) -> bytes:
    if number < 24:
        return bytes([major << 5 | number])
    size = next(size for size in (1, 2, 4, 8) if number < 1 << 8 * size)
    return bytes([major << 5 | (23 + size.bit_length())]) + number.to_bytes(size)


def _say_text(text: str) -> bytes:
    content = text.encode("utf-8", "surrogateescape")
    return _head(3, len(content)) + content


_SAY: dict[type, Callable[[Any], bytes]] = {
    type(None): lambda _: b"\xf6",
    bool: lambda value: b"\xf5" if value else b"\xf4",
    int: lambda value: _head(0, value) if value >= 0 else _head(1, -1 - value),
    float: lambda value: b"\xfb" + struct.pack(">d", value),
    str: _say_text,
    list: lambda value: _head(4, len(value)) + b"".join(map(say, value)),
}

CBOR = Encoding(parse=parse, say=say)

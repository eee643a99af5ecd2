"""Protobuf's wire format (https://protobuf.dev/programming-guides/encoding/): a message as its fields. What they mean
is somebody else's matter; nothing is reserved for a length that is only claimed."""

from collections.abc import Iterator

VARINT, FIXED64, LENGTH, FIXED32 = 0, 1, 2, 5
_FIXED = {FIXED64: 8, FIXED32: 4}
_LONGEST_VARINT = 10  # bytes


class WireError(ValueError):
    """No protobuf. Raised and caught inside this room."""


def fields(data: bytes) -> Iterator[tuple[int, int | bytes]]:
    """Each field's key, which is its number and wire type (`key`), and its value: an int for VARINT, else bytes."""
    at, end = 0, len(data)
    while at < end:
        tag, at = _varint(data, at)
        wire = tag & 7
        if tag < 8:
            raise WireError("a field without a number")
        if wire == VARINT:
            value, at = _varint(data, at)
            yield tag, value
            continue
        if wire == LENGTH:
            size, at = _varint(data, at)
        elif wire in _FIXED:
            size = _FIXED[wire]
        else:
            raise WireError("no such wire type")
        if at + size > end:
            raise WireError("ends in the middle")
        yield tag, data[at : at + size]
        at += size


def _varint(data: bytes, at: int) -> tuple[int, int]:
    """The number at `at`, of 64 bits at most, and where it ends."""
    number = shift = 0
    for digit in data[at : at + _LONGEST_VARINT]:
        number |= (digit & 127) << shift
        at, shift = at + 1, shift + 7
        if digit < 128:
            return number & 0xFFFF_FFFF_FFFF_FFFF, at
    raise WireError("ends in a number")


def key(number: int, wire: int) -> int:
    return number << 3 | wire


def say(tag: int, value: int | bytes) -> bytes:
    """One field. Of FIXED32 and FIXED64 `value` has the bytes as they stand."""
    if isinstance(value, int):
        return _digits(tag) + _digits(value)
    return _digits(tag) + (_digits(len(value)) if tag & 7 == LENGTH else b"") + value


def _digits(number: int) -> bytes:
    said = bytearray()
    while number > 127:
        said.append(number & 127 | 128)
        number >>= 7
    said.append(number)
    return bytes(said)

"""numpy arrays as PostgreSQL's binary arrays, both ways, without an object a value.

Format (array_send in src/backend/utils/adt/arrayfuncs.c), big-endian int32: dimensions, has-NULLs, element type;
of each dimension its length and lower bound; then of each element its length and its bytes.
"""

import struct
from typing import Any

import numpy as np
import numpy.typing as npt
from psycopg import Connection, Cursor
from psycopg.adapt import Dumper, Loader
from psycopg.pq import Format

from ingest.model import Floats, Ints

_HEADER = struct.Struct(">iiIii")
_POSTGRES_EPOCH_MS = 946_684_800_000  # 2000-01-01: timestamptz counts microseconds from there


class Packed(bytes):
    """An array that is packed already."""

    __slots__ = ()


class Int4s(Packed):
    __slots__ = ()


class Int8s(Packed):
    __slots__ = ()


class Float8s(Packed):
    __slots__ = ()


class Moments(Packed):
    """timestamptz[]"""

    __slots__ = ()


def int4s(values: Ints) -> Int4s:
    return Int4s(_pack(values, 23, ">i4"))


def int8s(values: Ints) -> Int8s:
    return Int8s(_pack(values, 20, ">i8"))


def float8s(values: Floats) -> Float8s:
    return Float8s(_pack(values, 701, ">f8"))


def moments(epoch_ms: Ints) -> Moments:
    return Moments(_pack((epoch_ms - _POSTGRES_EPOCH_MS) * 1000, 1184, ">i8"))


def _pack(values: npt.NDArray[Any], element_oid: int, kind: str) -> bytes:
    packed = np.empty(len(values), dtype=[("length", ">i4"), ("value", kind)])
    packed["length"] = packed.dtype["value"].itemsize
    packed["value"] = values
    return _HEADER.pack(1, 0, element_oid, len(values), 1) + packed.tobytes()


def unpack_ints(data: bytes) -> Ints:
    """An int8[] without NULLs."""
    return _unpack(data, ">i8").astype(np.int64)


def unpack_moments(data: bytes) -> Ints:
    """A timestamptz[] without NULLs, in epoch ms."""
    return unpack_ints(data) // 1000 + _POSTGRES_EPOCH_MS


def unpack_floats(data: bytes) -> Floats:
    """A float8[] without NULLs."""
    return _unpack(data, ">f8").astype(np.float64)


def _unpack(data: bytes, kind: str) -> npt.NDArray[Any]:
    elements: npt.NDArray[Any] = np.frombuffer(data, dtype=[("length", ">i4"), ("value", kind)], offset=_HEADER.size)
    return elements["value"]


class _PackedDumper(Dumper):
    format = Format.BINARY

    def dump(self, obj: Any) -> bytes:
        return bytes(obj)


class _PackedLoader(Loader):
    format = Format.BINARY

    def load(self, data: Any) -> bytes:
        return bytes(data)


def _dumper(array_oid: int) -> type[_PackedDumper]:
    return type("PackedDumper", (_PackedDumper,), {"oid": array_oid})


_INT4S, _INT8S, _FLOAT8S, _MOMENTS = 1007, 1016, 1022, 1185
_DUMPERS: dict[type[Packed], type[_PackedDumper]] = {
    Int4s: _dumper(_INT4S),
    Int8s: _dumper(_INT8S),
    Float8s: _dumper(_FLOAT8S),
    Moments: _dumper(_MOMENTS),
}


def packed_cursor(conn: Connection[Any]) -> Cursor[Any]:
    """A cursor that sends packed arrays and hands back arrays packed, for `unpack_...`."""
    cursor = conn.cursor(binary=True)
    for kind, dumper in _DUMPERS.items():
        cursor.adapters.register_dumper(kind, dumper)
    for oid in (_INT8S, _FLOAT8S, _MOMENTS):
        cursor.adapters.register_loader(oid, _PackedLoader)
    return cursor

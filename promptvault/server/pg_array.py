"""Arrays in PostgreSQL's binary format, encoded faster than by psycopg.

psycopg looks at the type of each value, which takes longer than the rest of a small
push. The format is that of `array_recv` in PostgreSQL: number of dimensions, whether
there are NULLs, the type of the values, their number, the first index; then the length
and the bytes of each value.
"""

import struct
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

import psycopg
from psycopg.adapt import Dumper
from psycopg.pq import Format

_ONE_DIMENSION = struct.Struct(">iiIii")
_EMPTY = struct.Struct(">iiI")
_LENGTH = struct.Struct(">i")
_NULL = _LENGTH.pack(-1)


class _Type(NamedTuple):
    """A type of PostgreSQL, and how to encode its values."""

    oid: int
    encode: Callable[[Any], bytes]


_TYPES = {
    "bool": _Type(16, struct.Struct(">?").pack),
    "bytea": _Type(17, bytes),
    "bigint": _Type(20, struct.Struct(">q").pack),
    "int": _Type(23, struct.Struct(">i").pack),
    "text": _Type(25, str.encode),
    "uuid": _Type(2950, lambda value: value.bytes),
}


class Column(NamedTuple):
    """Values of one type, or None; the statement must cast it: `%(ids)s::uuid[]`."""

    type: str
    values: Sequence[Any]


def uuids(values: Iterable[Any]) -> Column:
    """Return a column of UUIDs."""
    return Column("uuid", [*values])


class _ColumnDumper(Dumper):
    format = Format.BINARY

    def dump(self, obj: Column) -> bytes:
        """Return a column in the binary format."""
        oid, encode = _TYPES[obj.type]
        values = obj.values
        if not values:
            return _EMPTY.pack(0, 0, oid)
        parts = [_ONE_DIMENSION.pack(1, None in values, oid, len(values), 1)]
        for value in values:
            if value is None:
                parts.append(_NULL)
            else:
                encoded = encode(value)
                parts += _LENGTH.pack(len(encoded)), encoded
        return b"".join(parts)


psycopg.adapters.register_dumper(Column, _ColumnDumper)

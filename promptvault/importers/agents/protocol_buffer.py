"""Reads protocol buffers without their schema."""

from collections.abc import Mapping, Sequence

Fields = Mapping[int, Sequence[bytes | int]]
"""Number of a field to its values: bytes, or an integer."""

_INTEGER, _EIGHT_BYTES, _BYTES, _FOUR_BYTES = 0, 1, 2, 5
_LONGEST_INTEGER = 10


def fields_of(data: bytes) -> Fields:
    """Return the fields of one message. Raises ValueError if it is damaged."""
    found: dict[int, list[bytes | int]] = {}
    at = 0
    while at < len(data):
        tag, at = _integer(data, at)
        value, at = _value(data, at, tag & 7)
        found.setdefault(tag >> 3, []).append(value)
    return found


def _value(data: bytes, at: int, kind: int) -> tuple[bytes | int, int]:
    if kind == _INTEGER:
        return _integer(data, at)
    if kind == _BYTES:
        size, at = _integer(data, at)
    elif kind in (_EIGHT_BYTES, _FOUR_BYTES):
        size = 8 if kind == _EIGHT_BYTES else 4
    else:
        raise ValueError("a field has an unknown kind")
    if at + size > len(data):
        raise ValueError("it ends within a field")
    return data[at : at + size], at + size


def _integer(data: bytes, at: int) -> tuple[int, int]:
    value = 0
    for place, byte in enumerate(data[at : at + _LONGEST_INTEGER]):
        value |= (byte & 0x7F) << 7 * place
        if byte < 0x80:
            return value, at + place + 1
    raise ValueError("it ends within a number")

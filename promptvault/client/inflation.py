"""Bodies of answers that come compressed: whole, sound, and no more than fits."""

import zlib
from collections.abc import Iterable, Iterator
from typing import Protocol

import zstandard

ACCEPTED = "zstd, gzip"
"""What an answer may come in; a proxy on the way may know the second alone."""
_SLICE = 1024
"""Bytes; so few grow to 32 MiB at the most, by the format of zstd."""
_WINDOW = 8 * 1024 * 1024


class DamagedError(Exception):
    """A body that is not compressed as it says, or lacks its end."""


class OversizeError(Exception):
    """A body that is longer than allowed."""


class UnknownEncodingError(Exception):
    """A body that is compressed as nobody asked for."""


class _Stream(Protocol):
    @property
    def eof(self) -> bool: ...

    @property
    def unused_data(self) -> bytes: ...

    def decompress(self, data: bytes, /) -> bytes: ...


def inflate(parts: Iterable[bytes], encoding: str, limit: int) -> bytes:
    """Return the body that comes in *parts*, as it was before it was compressed.

    *encoding* is a Content-Encoding, *limit* counts inflated bytes. Raises
    DamagedError, OversizeError, UnknownEncodingError, and what *parts* raises.
    """
    encoding = encoding.strip().lower()
    if encoding in {"", "identity"}:
        return _join(parts, limit)
    stream = _stream(encoding)
    try:
        body = _join(_inflated(stream, parts), limit)
    except (zlib.error, zstandard.ZstdError) as error:
        raise DamagedError from error
    if not stream.eof or stream.unused_data:
        raise DamagedError
    return body


def _join(parts: Iterable[bytes], limit: int) -> bytes:
    found, length = [], 0
    for part in parts:
        length += len(part)
        if length > limit:
            raise OversizeError
        found.append(part)
    return b"".join(found)


def _inflated(stream: _Stream, parts: Iterable[bytes]) -> Iterator[bytes]:
    for part in parts:
        for start in range(0, len(part), _SLICE):
            yield stream.decompress(part[start : start + _SLICE])


def _stream(encoding: str) -> _Stream:
    match encoding:
        case "gzip":
            return zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
        case "zstd":
            maker = zstandard.ZstdDecompressor(max_window_size=_WINDOW)
            return maker.decompressobj()
        case _:
            raise UnknownEncodingError

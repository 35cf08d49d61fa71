"""Bodies that come compressed, without the chance to fill the memory with them."""

import zlib
from typing import Protocol

import zstandard
from starlette.exceptions import HTTPException

_SLICE = 1024
"""Bytes; so few grow to 32 MiB at the most, by the format of zstd."""
_WINDOW = 8 * 1024 * 1024


class Inflater(Protocol):
    """A stream that is inflated piece by piece."""

    @property
    def eof(self) -> bool:
        """Whether the end was reached."""

    @property
    def unused_data(self) -> bytes:
        """What follows the end."""

    def decompress(self, data: bytes, max_length: int, /) -> bytes:
        """Return *data* inflated, up to about *max_length* bytes."""


def inflater(encoding: bytes) -> Inflater | None:
    """Return what inflates *encoding*, None for one that is not known."""
    match encoding:
        case b"gzip":
            return zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
        case b"zstd":
            return _Zstandard()
        case _:
            return None


def inflate(stream: Inflater, data: bytes, limit: int) -> bytes:
    """Return *data* inflated; raises HTTPException where it is more than *limit*."""
    if not data:
        return b""
    try:
        body = stream.decompress(data, limit + 1)
    except (zlib.error, zstandard.ZstdError):
        raise HTTPException(400, "The body is not compressed as it says") from None
    if len(body) > limit:
        raise HTTPException(413, "The body is too long once it is inflated")
    if stream.unused_data:
        raise HTTPException(400, "Something follows the compressed body")
    return body


class _Zstandard:
    """A zstd stream; its library knows no limit, so it is fed in slices."""

    def __init__(self) -> None:
        maker = zstandard.ZstdDecompressor(max_window_size=_WINDOW)
        self._stream = maker.decompressobj()
        self.unused_data = b""

    @property
    def eof(self) -> bool:
        """Whether the end was reached."""
        return self._stream.eof

    def decompress(self, data: bytes, max_length: int, /) -> bytes:
        """Return *data* inflated, and stop soon after *max_length* bytes."""
        parts, length = [], 0
        for start in range(0, len(data), _SLICE):
            if self.eof:
                self.unused_data = data[start:]
                break
            parts.append(self._stream.decompress(data[start : start + _SLICE]))
            length += len(parts[-1])
            if length > max_length:
                break
        self.unused_data = self.unused_data or self._stream.unused_data
        return b"".join(parts)

"""Decompression of bodies in gzip (RFC 1952) and zstd (RFC 8878), within a size limit.

A small body can expand to gigabytes. Therefore it is decompressed piece by piece, and
no more than the limit and one piece is ever in memory.
"""

import zlib
from typing import Protocol

import zstandard

ENCODINGS = ("zstd", "gzip")
"""The supported values of Content-Encoding besides identity, the best first."""

_PIECE_BYTES = 1024
"""In zstd so many bytes expand to 32 MiB at most."""
_MAX_WINDOW_BYTES = 8 * 1024 * 1024


class DamagedBodyError(Exception):
    """The body is not in the format of its encoding, or something follows its end."""


class BodyTooLargeError(Exception):
    """The decompressed body is larger than the limit."""


class Decompressor(Protocol):
    """The state of one compressed body."""

    @property
    def eof(self) -> bool:
        """Whether the end of the compressed data was reached."""

    @property
    def unused_data(self) -> bytes:
        """The data after the end."""

    def decompress(self, data: bytes, max_length: int, /) -> bytes:
        """Return *data* decompressed, up to about *max_length* bytes."""


def decompressor(encoding: str) -> Decompressor | None:
    """Return a decompressor for a Content-Encoding, None if it is not supported."""
    match encoding:
        case "gzip":
            return zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
        case "zstd":
            return _ZstdDecompressor()
        case _:
            return None


def decompress(stream: Decompressor, data: bytes, limit: int) -> bytes:
    """Return the next *data* of a body decompressed, at most *limit* bytes.

    Raise DamagedBodyError or BodyTooLargeError. A body that is cut off raises nothing:
    its `stream.eof` is False after the last data.
    """
    if not data:
        return b""
    try:
        body = stream.decompress(data, limit + 1)
    except (zlib.error, zstandard.ZstdError) as error:
        raise DamagedBodyError("The body is not compressed as it says") from error
    if len(body) > limit:
        raise BodyTooLargeError
    if stream.unused_data:
        raise DamagedBodyError("Something follows the compressed body")
    return body


class _ZstdDecompressor:
    """Limits the output, which the library cannot: it is fed in small pieces."""

    def __init__(self) -> None:
        context = zstandard.ZstdDecompressor(max_window_size=_MAX_WINDOW_BYTES)
        self._stream = context.decompressobj()
        self.unused_data = b""

    @property
    def eof(self) -> bool:
        """Whether the end of the compressed data was reached."""
        return self._stream.eof

    def decompress(self, data: bytes, max_length: int, /) -> bytes:
        """Return *data* decompressed, and stop soon after *max_length* bytes."""
        parts, length = [], 0
        for start in range(0, len(data), _PIECE_BYTES):
            if self.eof:
                self.unused_data = data[start:]
                break
            piece = data[start : start + _PIECE_BYTES]
            parts.append(self._stream.decompress(piece))
            length += len(parts[-1])
            if length > max_length:
                break
        self.unused_data = self.unused_data or self._stream.unused_data
        return b"".join(parts)

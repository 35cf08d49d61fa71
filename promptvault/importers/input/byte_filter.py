"""Streams that pass through a filter while they are read."""

from typing import BinaryIO, Protocol, Self, cast


class ByteFilter(Protocol):
    """Removes parts of bytes that come piece by piece."""

    def feed(self, piece: bytes) -> bytes:
        """Return what is left of the bytes held back and of most of *piece*."""

    def rest(self) -> bytes:
        """Return the bytes held back; call it after the last piece."""


def filtered(stream: BinaryIO, filter_: ByteFilter, least: int) -> BinaryIO:
    """Return what *filter_* leaves of *stream*, to be read from start to end.

    It gets at least *least* bytes at a time, if there are so many. Used in a `with`
    statement, it closes *stream*.
    """
    return cast("BinaryIO", _Filtered(stream, filter_, least))


class _Filtered:
    def __init__(self, stream: BinaryIO, filter_: ByteFilter, least: int) -> None:
        self._stream = stream
        self._filter = filter_
        self._least = least

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the stream below."""
        self._stream.close()

    def read(self, size: int = -1) -> bytes:
        """Return the next bytes, perhaps more than *size*, and half of it at least;
        fewer only at the end."""
        left: list[bytes] = []
        number = 0
        while piece := self._stream.read(max(size, self._least) if size >= 0 else size):
            left.append(self._filter.feed(piece))
            number += len(left[-1])
            if size >= 0 and number >= max(size // 2, 1):
                return b"".join(left)
        return b"".join((*left, self._filter.rest()))

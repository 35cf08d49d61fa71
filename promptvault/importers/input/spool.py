"""Keeps a stream that cannot seek, so that it can be read more than once."""

import io
import shutil
from tempfile import SpooledTemporaryFile
from types import TracebackType
from typing import TYPE_CHECKING, BinaryIO, Self, cast

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

_IN_MEMORY = 64 << 20


class Spool:
    """The bytes of a stream: in memory, or in a temporary file above 64 MiB."""

    def __init__(self, stream: BinaryIO) -> None:
        """Read *stream* to its end."""
        self._file = SpooledTemporaryFile(max_size=_IN_MEMORY)
        shutil.copyfileobj(stream, self._file, 1 << 20)
        self.size = self._file.tell()
        """Number of bytes."""

    def open(self) -> BinaryIO:
        """Return a new stream over the bytes; several may be open at a time."""
        return cast("BinaryIO", io.BufferedReader(_View(self._file, self.size)))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._file.close()


class _View(io.RawIOBase):
    """A reader with its own position in a shared file."""

    def __init__(self, file: "SpooledTemporaryFile[bytes]", size: int) -> None:
        self._file = file
        self._size = size
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        self._at = (0, self._at, self._size)[whence] + offset
        return self._at

    def readinto(self, buffer: "WriteableBuffer") -> int:
        self._file.seek(self._at)
        view = memoryview(buffer).cast("B")
        data = self._file.read(len(view))
        view[: len(data)] = data
        self._at += len(data)
        return len(data)

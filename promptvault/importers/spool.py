"""Keeps a stream that cannot be rewound, so that it can be read more than once."""

import io
import shutil
from tempfile import SpooledTemporaryFile
from types import TracebackType
from typing import BinaryIO, cast

_IN_MEMORY = 64 << 20


class Spool:
    """The bytes of a stream: in memory, or in a nameless temporary file if large."""

    def __init__(self, stream: BinaryIO) -> None:
        """Read *stream* to its end."""
        self._file = SpooledTemporaryFile(max_size=_IN_MEMORY)  # noqa: SIM115
        shutil.copyfileobj(stream, self._file, 1 << 20)
        self.size = self._file.tell()

    def open(self) -> BinaryIO:
        """Return a new stream over the bytes, from their beginning."""
        return cast("BinaryIO", io.BufferedReader(_View(self._file)))

    def __enter__(self) -> "Spool":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._file.close()


class _View(io.RawIOBase):
    """A reader with a position of its own in a file that others read too."""

    def __init__(self, file: "SpooledTemporaryFile[bytes]") -> None:
        self._file = file
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        self._file.seek(self._at if whence == io.SEEK_CUR else 0)
        ...
        return self._at

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        ...
        return 0

"""Zip archives as untrusted input: what may be read of them, and how far."""

import io
import re
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, BinaryIO, NamedTuple, cast
from zipfile import ZipFile, ZipInfo

from promptvault.errors import ImportSourceError
from promptvault.importers.input.candidate import Failure

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

ENTRY_LIMIT = 100_000
RATIO_LIMIT = 400
"""Deflate reaches 1,032 on one repeated byte; chats stay below 100, mostly at 10."""
SAFE_SIZE = 16 << 20
"""Bytes up to which an unpacked file is harmless, however well it was packed."""

_ESCAPE = re.compile(r"[\\/]|[A-Za-z]:[\\/]|(?:.*[\\/])?\.\.(?:[\\/]|$)")
_ENCRYPTED = 0x1


class Entry(NamedTuple):
    """One stored file: its name, its size in bytes, and how to open it."""

    name: str
    size: int
    open: Callable[[], BinaryIO]


@contextmanager
def opened(stream: BinaryIO) -> Iterator[ZipFile]:
    """Open the zip archive in the seekable *stream*.

    Raises ImportSourceError when it is damaged, or a bomb as a whole.
    """
    try:
        archive = ZipFile(stream)
    except Exception as error:  # zipfile lets through whatever struct or codecs say
        raise ImportSourceError(f"the zip archive is damaged: {error}") from error
    with archive:
        _refuse_bomb(archive, stream.seek(0, io.SEEK_END))
        yield archive


def entries(archive: ZipFile, prefix: str) -> Iterator[Entry | Failure]:
    """Yield the files in *archive*, named after *prefix*, in stored order.

    A member that is unsafe to read comes as a Failure. Nothing is unpacked to
    disk: the entries stream, and raise ImportSourceError where damaged.
    """
    for info in archive.infolist():
        name = prefix + info.filename
        if reason := _refusal(info):
            yield Failure(name, reason)
        elif not info.is_dir():
            yield Entry(name, info.file_size, _opener(archive, info))


def _refuse_bomb(archive: ZipFile, packed: int) -> None:
    members = archive.infolist()
    if len(members) > ENTRY_LIMIT:
        raise ImportSourceError(
            f"the zip archive holds {len(members):,} files; "
            f"at most {ENTRY_LIMIT:,} are read"
        )
    if _is_bomb(sum(info.file_size for info in members), packed):
        raise ImportSourceError(
            "the zip archive unpacks to an absurd size; it is refused as a zip bomb"
        )


def _is_bomb(size: int, packed: int) -> bool:
    return size > SAFE_SIZE and size > RATIO_LIMIT * packed


def _refusal(info: ZipInfo) -> str | None:
    if not info.filename:  # of which zipfile cannot even say whether it is a folder
        return "it has no name"
    if _ESCAPE.match(info.filename):
        return "its name points outside the archive"
    if stat.S_ISLNK(info.external_attr >> 16):
        return "it is a symbolic link"
    if info.flag_bits & _ENCRYPTED:
        return "it is encrypted; unpack it with its password first"
    if _is_bomb(info.file_size, info.compress_size):
        return "it unpacks to an absurd size"
    return None


def _opener(archive: ZipFile, info: ZipInfo) -> Callable[[], BinaryIO]:
    def open_member() -> BinaryIO:
        with _translated():
            member = cast("BinaryIO", archive.open(info))
        return cast("BinaryIO", io.BufferedReader(_Guarded(member, info)))

    return open_member


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except Exception as error:  # each decompressor has errors of its own
        raise ImportSourceError(f"it is damaged in the archive: {error}") from error


class _Guarded(io.RawIOBase):
    """A member's stream that does not trust the sizes that the archive declares."""

    def __init__(self, member: BinaryIO, info: ZipInfo) -> None:
        self._member = member
        self._packed = info.compress_size
        self._seen = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "WriteableBuffer") -> int:
        view = memoryview(buffer).cast("B")
        with _translated():
            data = self._member.read(len(view))
        self._seen += len(data)
        if _is_bomb(self._seen, self._packed):
            raise ImportSourceError("it unpacks to an absurd size")
        view[: len(data)] = data
        return len(data)

    def close(self) -> None:
        self._member.close()
        super().close()

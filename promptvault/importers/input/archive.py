"""Zip archives as untrusted input: which members are read, and up to which size."""

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
"""Largest ratio of unpacked to packed size. Deflate reaches 1,032 for one repeated
byte; chats stay below 100, mostly near 10."""
SAFE_SIZE = 16 << 20
"""Unpacked bytes up to which any ratio is accepted."""

_ESCAPE = re.compile(r"[\\/]|[A-Za-z]:[\\/]|(?:.*[\\/])?\.\.(?:[\\/]|$)")
_ENCRYPTED = 0x1


class StoredFile(NamedTuple):
    """A file on disk or in an archive: name, size in bytes, and how to open it."""

    name: str
    size: int
    open: Callable[[], BinaryIO]


@contextmanager
def open_archive(stream: BinaryIO) -> Iterator[ZipFile]:
    """Open the zip archive in the seekable *stream*.

    Raises ImportSourceError if it is damaged, has more than `ENTRY_LIMIT` members or is
    a zip bomb as a whole.
    """
    try:
        archive = ZipFile(stream)
    except Exception as error:  # zipfile passes on errors of struct and codecs
        raise ImportSourceError(f"the zip archive is damaged: {error}") from error
    with archive:
        _refuse_bomb(archive, stream.seek(0, io.SEEK_END))
        yield archive


def archive_files(archive: ZipFile, prefix: str) -> Iterator[StoredFile | Failure]:
    """Yield the files in *archive* in stored order, their names after *prefix*.

    A member that is not safe to read becomes a Failure. Nothing is unpacked to disk:
    members are read as streams, which raise ImportSourceError if they are damaged.
    """
    for info in archive.infolist():
        name = prefix + info.filename
        if reason := _refusal(info):
            yield Failure(name, reason)
        elif not info.is_dir():
            yield StoredFile(name, info.file_size, _opener(archive, info))


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
    if not info.filename:  # zipfile does not say whether it is a folder
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
    except Exception as error:  # each decompressor raises its own errors
        raise ImportSourceError(f"it is damaged in the archive: {error}") from error


class _Guarded(io.RawIOBase):
    """The stream of a member; checks the ratio while reading, as the declared sizes may
    be wrong."""

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

"""Finds the documents at a path: in a file, a folder, a pipe, and in zip archives."""

import codecs
import contextlib
import io
import os
import re
import shutil
import stat
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property, partial
from itertools import islice
from pathlib import Path, PurePosixPath
from tempfile import SpooledTemporaryFile
from typing import TYPE_CHECKING, BinaryIO, NamedTuple, cast

from promptvault.errors import ImportSourceError, NotFoundError
from promptvault.importers.input import archive
from promptvault.importers.input.archive import StoredFile
from promptvault.importers.input.attachment import without_files
from promptvault.importers.input.candidate import Failure
from promptvault.importers.input.field import sanitized
from promptvault.importers.input.json_stream import JsonObject, json_values

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

NESTING_LIMIT = 2
"""Depth up to which zip archives within zip archives are read."""

_IN_MEMORY = 64 << 20
_HEAD = 64 << 10
_PEEK = 1 << 10
_ZIP = (b"PK\x03\x04", b"PK\x05\x06")
_TEXT_MARKS = (codecs.BOM_UTF8, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_BEFORE_TEXT = b"".join(_TEXT_MARKS) + b"\0 \t\r\n"
_CONTROL = re.compile(rb"[\0-\x08\x0e-\x1a\x1c-\x1f]")
_SQLITE = b"SQLite format 3\0"
DATABASE_ENDINGS = (".db", ".sqlite", ".sqlite3", ".vscdb")
"""Endings of the names of databases, which may have a write-ahead log."""
_SAMPLE = 5
_SAMPLE_REACH = 20
_SAMPLE_CHUNK = 8 << 10
_SAMPLE_BYTES = 24 << 20
"""Bytes read for a sample; a larger object takes too much memory."""
PRUNED_FOLDERS = frozenset(
    {".git", ".hg", ".svn", ".venv", "node_modules", "__pycache__"}
)
"""Names of folders that are not read."""
_LAST = (
    *(".md", ".mdc", ".markdown", ".txt", ".prompt", ".csv", ".yaml", ".yml"),
    *("history.jsonl", "logs.json", "input.history"),
)
"""Endings of files that come last in their folder or archive. Whether loose text is
read depends on the other files, and logs repeat chats with fewer details."""


class Fingerprint(NamedTuple):
    """Identifies a state of a file: if it is equal, the content is unchanged."""

    path: str
    """Absolute path."""
    size: int
    """Bytes, including those of a database's write-ahead log."""
    modified: int
    """Nanoseconds since 1970, the later of the file and the log."""
    inode: int


class UnchangedFile(NamedTuple):
    """A file that was not opened, because the caller knows it."""

    name: str
    fingerprint: Fingerprint
    siblings: frozenset[str] = frozenset()
    """Names of all files of its folder; empty for a file by itself and for an
    archive."""


IsKnown = Callable[[Fingerprint], bool]
"""Returns True if a file was read before and is unchanged."""


@dataclass(frozen=True)
class Document:
    """One file for an importer. Read it before the next one is requested."""

    name: str
    """Path within the folder or archive, for messages."""
    size: int
    """Bytes, as declared by the folder or archive."""
    opener: Callable[[], BinaryIO] = field(repr=False)
    siblings: frozenset[str] = field(default=frozenset(), repr=False)
    """Names of all files of its folder or archive; empty for a file by itself."""
    fingerprint: Fingerprint | None = None
    """Of the file on disk that it is, or is in; None for a pipe."""
    path: Path | None = None
    """Path on disk; None in an archive or a pipe."""

    def open(self) -> BinaryIO:
        """Return a new binary stream; reading it raises ImportSourceError."""
        return self.opener()

    @property
    def folder(self) -> str:
        """Name of the folder that it is in, '' if not known."""
        if self.path:
            return sanitized(self.path.absolute().parent.name)
        return PurePosixPath(self.name).parent.name

    @property
    def is_database(self) -> bool:
        """True for an SQLite database."""
        return self.head.startswith(_SQLITE)

    @cached_property
    def head(self) -> bytes:
        """The first 64 KiB."""
        with self.open() as stream:
            return stream.read(_HEAD)

    @cached_property
    def sample(self) -> tuple[JsonObject, ...]:
        """The first JSON objects in it, five at most, for a probe; empty if it is not
        JSON."""
        start = self.head.lstrip(_BEFORE_TEXT)
        if b"{" not in start or start.startswith((b"<", b"#", _SQLITE)):
            return ()  # markup and prose may be one large line
        first = _objects(io.BytesIO(self.head))
        if len(first) == _SAMPLE or len(self.head) < _HEAD:
            return first
        with self.open() as stream:
            return _objects(cast("BinaryIO", _Start(without_files(stream))))


class _Start:
    """The first megabytes of a stream."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._left = _SAMPLE_BYTES

    def read(self, size: int) -> bytes:
        data = self._stream.read(size) if self._left > 0 else b""
        self._left -= len(data)
        return data


def _objects(stream: BinaryIO) -> tuple[JsonObject, ...]:
    """Return the first JSON objects in *stream*."""
    first = islice(json_values(stream, chunk=_SAMPLE_CHUNK), _SAMPLE_REACH)
    objects = (value for value in first if isinstance(value, dict))
    return tuple(islice(objects, _SAMPLE))


ScanResult = Document | Failure | UnchangedFile
"""A document to read, a file that cannot be read, or one that is known."""


def documents_at(path: Path, known: IsKnown = lambda _: False) -> Iterator[ScanResult]:
    """Yield the documents at *path*: a file, a zip archive, a folder or a pipe.

    Text, JSON, databases and archives are recognized by their first bytes, not by name;
    other files in a folder are skipped. A file in a folder or archive that cannot be
    read, or is not safe to read, becomes a Failure. A *known* file is not opened.
    Raises NotFoundError if *path* does not exist, and ImportSourceError if *path*
    itself cannot be read, is empty or is refused.
    """
    try:
        status = path.stat()
    except (FileNotFoundError, NotADirectoryError, ValueError) as error:
        raise NotFoundError(f"There is no file or folder {path}.") from error
    except OSError as error:
        raise _unreadable(path, error) from error
    if stat.S_ISDIR(status.st_mode):
        yield from _folder(path, known)
    elif stat.S_ISREG(status.st_mode):
        file = _file(path, path.name, status)
        yield from file.unchanged(known) or _alone(file)
    else:
        with _open(path) as stream:
            yield from documents_in(stream, path.name)


def documents_of(
    root: Path, files: Iterable[Path], names: Iterable[str], known: IsKnown
) -> Iterator[ScanResult]:
    """Yield the documents in some *files* below the folder *root*.

    They are those that `documents_at` yields for *root*. *names* are the names of all
    files there. A file that is gone is skipped.
    """
    siblings = frozenset(map(sanitized, names))
    found: list[_File] = []
    for path in files:
        with contextlib.suppress(OSError):
            status = path.lstat()
            if stat.S_ISREG(status.st_mode):
                found.append(_file(path, path.relative_to(root).as_posix(), status))
    for file in sorted(found, key=lambda file: _comes_last(file.entry.name)):
        yield from file.unchanged(known, siblings) or _readable(file, siblings, depth=0)


def documents_in(
    stream: BinaryIO, name: str = "standard input"
) -> Iterator[ScanResult]:
    """Yield the documents in *stream*, as `documents_at` does for a file."""
    with contextlib.closing(_Spool(stream)) as spool:
        yield from _alone(_File(StoredFile(name, spool.size, spool.open)))


class _File(NamedTuple):
    """A stored file, and its path if it is on disk."""

    entry: StoredFile
    path: Path | None = None
    fingerprint: Fingerprint | None = None

    def unchanged(
        self, known: IsKnown, siblings: frozenset[str] = frozenset()
    ) -> list[UnchangedFile]:
        if not self.fingerprint or not known(self.fingerprint):
            return []
        name = sanitized(self.entry.name)
        if name.lower().endswith(".zip"):  # its members are siblings of each other
            siblings = frozenset()
        return [UnchangedFile(name, self.fingerprint, siblings)]

    def document(self, siblings: frozenset[str] = frozenset()) -> Document:
        name, size, opener = self.entry
        return Document(
            sanitized(name), size, opener, siblings, self.fingerprint, self.path
        )


def _file(path: Path, name: str, status: os.stat_result) -> _File:
    entry = StoredFile(name, status.st_size, partial(_open, path))
    return _File(entry, path, _fingerprint(path, status))


def _fingerprint(path: Path, status: os.stat_result) -> Fingerprint:
    size, modified = status.st_size, status.st_mtime_ns
    if path.suffix in DATABASE_ENDINGS:
        with contextlib.suppress(OSError):
            log = os.stat(f"{path}-wal")
            size, modified = size + log.st_size, max(modified, log.st_mtime_ns)
    return Fingerprint(str(path.absolute()), size, modified, status.st_ino)


def _alone(file: _File) -> Iterator[ScanResult]:
    entry = file.entry
    if not entry.size:
        raise ImportSourceError(f"{entry.name} is empty.")
    start = _start(entry)
    if start.startswith(_ZIP):
        try:
            yield from _unzipped(file, prefix="", depth=0)
        except ImportSourceError as error:
            raise ImportSourceError(f"{entry.name}: {error}.") from error
    elif _is_text(start):
        yield file.document()
    else:
        raise ImportSourceError(
            f"{entry.name} is neither text nor JSON nor a zip archive."
        )


def _folder(root: Path, known: IsKnown) -> Iterator[ScanResult]:
    failures: list[Failure] = []
    files = sorted(_walk(root, failures), key=lambda file: _comes_last(file.entry.name))
    names = frozenset(sanitized(file.entry.name) for file in files)
    yield from failures
    for file in files:
        yield from file.unchanged(known, names) or _readable(file, names, depth=0)


def _comes_last(name: str) -> bool:
    return name.lower().endswith(_LAST)


def _walk(root: Path, failures: list[Failure]) -> Iterator[_File]:
    def note(error: OSError) -> None:
        if error.filename == str(root):
            raise _unreadable(root, error) from error
        failures.append(Failure(sanitized(str(error.filename)), _reason(error)))

    for folder, below, names in os.walk(root, onerror=note):
        below[:] = sorted(set(below) - PRUNED_FOLDERS)
        for path in (Path(folder, name) for name in sorted(names)):
            try:
                status = path.lstat()
            except OSError as error:
                note(error)
                continue
            if stat.S_ISREG(status.st_mode):
                yield _file(path, path.relative_to(root).as_posix(), status)


def _readable(
    file: _File, siblings: frozenset[str], depth: int
) -> Iterator[ScanResult]:
    """Yield the documents in one file of a folder or archive."""
    entry = file.entry
    try:
        start = _start(entry)
        if start.startswith(_ZIP):
            yield from _unzipped(file, f"{entry.name}/", depth)
        elif _is_text(start):
            yield file.document(siblings)
    except ImportSourceError as error:
        yield Failure(sanitized(entry.name), str(error))


def _unzipped(file: _File, prefix: str, depth: int) -> Iterator[ScanResult]:
    if depth > NESTING_LIMIT:
        raise ImportSourceError("it is an archive nested too deeply in archives")
    with _seekable(file.entry) as stream, archive.open_archive(stream) as opened:
        names = frozenset(sanitized(prefix + name) for name in opened.namelist())
        found = list(archive.archive_files(opened, prefix))
        yield from (each for each in found if isinstance(each, Failure))
        entries = [each for each in found if isinstance(each, StoredFile)]
        for entry in sorted(entries, key=lambda entry: _comes_last(entry.name)):
            member = _File(entry, fingerprint=file.fingerprint)
            yield from _readable(member, names, depth + 1)


@contextlib.contextmanager
def _seekable(entry: StoredFile) -> Iterator[BinaryIO]:
    with entry.open() as stream:
        if stream.seekable():
            yield stream
        else:
            with contextlib.closing(_Spool(stream)) as spool:
                yield spool.open()


def _start(entry: StoredFile) -> bytes:
    with entry.open() as stream:
        return stream.read(_PEEK)


def _is_text(start: bytes) -> bool:
    """Return True if *start* begins a text, a JSON file or a database."""
    if start.startswith((*_TEXT_MARKS, _SQLITE)) or start.lstrip()[:1] in (b"[", b"{"):
        return True
    return bool(start) and (start.startswith(b"---\n") or not _CONTROL.search(start))


def _open(path: Path) -> BinaryIO:
    try:
        return path.open("rb")
    except OSError as error:
        raise _unreadable(path, error) from error


def _unreadable(path: Path, error: OSError) -> ImportSourceError:
    return ImportSourceError(f"{path} cannot be read: {_reason(error)}.")


def _reason(error: OSError) -> str:
    return (error.strerror or str(error)).lower()


class _Spool:
    """The bytes of a stream that cannot seek, to be read more than once.

    They are in memory, or in a temporary file above 64 MiB.
    """

    def __init__(self, stream: BinaryIO) -> None:
        """Read *stream* to its end."""
        self._file = SpooledTemporaryFile(max_size=_IN_MEMORY)
        shutil.copyfileobj(stream, self._file, 1 << 20)
        self.size = self._file.tell()
        """Number of bytes."""

    def open(self) -> BinaryIO:
        """Return a new stream over the bytes; several may be open at a time."""
        return cast("BinaryIO", io.BufferedReader(_SpoolView(self._file, self.size)))

    def close(self) -> None:
        """Drop the bytes."""
        self._file.close()


class _SpoolView(io.RawIOBase):
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

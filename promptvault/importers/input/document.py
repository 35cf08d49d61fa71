"""A path, a folder or a pipe as the readable files in it, zip archives included."""

import codecs
import contextlib
import os
import re
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cached_property, partial
from io import BytesIO
from itertools import islice
from pathlib import Path, PurePosixPath
from typing import BinaryIO, NamedTuple, cast

from promptvault.errors import ImportSourceError, NotFoundError
from promptvault.importers.input import archive
from promptvault.importers.input.archive import Entry
from promptvault.importers.input.attachment import without_files
from promptvault.importers.input.candidate import Failure
from promptvault.importers.input.field import fit
from promptvault.importers.input.json_stream import JsonObject, values
from promptvault.importers.input.spool import Spool

NESTING_LIMIT = 2
"""How many zip archives deep inside a zip archive is still looked at."""

_HEAD = 64 << 10
_PEEK = 1 << 10
_ZIP = (b"PK\x03\x04", b"PK\x05\x06")
_TEXT_MARKS = (codecs.BOM_UTF8, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_BEFORE_TEXT = b"".join(_TEXT_MARKS) + b"\0 \t\r\n"
_CONTROL = re.compile(rb"[\0-\x08\x0e-\x1a\x1c-\x1f]")
_SQLITE = b"SQLite format 3\0"
_DATABASES = frozenset({".db", ".sqlite", ".sqlite3", ".vscdb"})
_SAMPLE = 5
_SAMPLE_REACH = 20
_SAMPLE_CHUNK = 8 << 10
_SAMPLE_BYTES = 24 << 20
"""An object larger than that takes more memory than a look at it is worth."""
_PRUNED = frozenset({".git", ".hg", ".svn", ".venv", "node_modules", "__pycache__"})
_LAST = (
    *(".md", ".mdc", ".markdown", ".txt", ".prompt", ".csv", ".yaml", ".yml"),
    *("history.jsonl", "logs.json"),
)
"""Endings of files that come after all others of their container: whether loose text
is taken depends on what else is there, and logs say less of what is in chats too."""


class Fingerprint(NamedTuple):
    """A file as it lay on disk: if all of it is as before, so is the content."""

    path: str
    """Absolute."""
    size: int
    """Bytes, those of a database's log beside it included."""
    modified: int
    """Nanoseconds since 1970, of the file or the log, whichever is later."""
    inode: int


class Unchanged(NamedTuple):
    """A file that was not opened, as whoever asks for it knows it already."""

    name: str
    fingerprint: Fingerprint
    siblings: frozenset[str] = frozenset()
    """Names of all files of its folder; empty for a file by itself and an archive."""


Known = Callable[[Fingerprint], bool]
"""Tells whether a file was read before, and is as it was then."""


@dataclass(frozen=True)
class Document:
    """One file that an importer may know; to be read before the next one is taken."""

    name: str
    """Its path within the folder or archive that was given; for messages."""
    size: int
    """Bytes, as its container declares them."""
    opener: Callable[[], BinaryIO] = field(repr=False)
    siblings: frozenset[str] = field(default=frozenset(), repr=False)
    """Names of all files of its folder or archive; empty for a file by itself."""
    fingerprint: Fingerprint | None = None
    """Of the file on disk that it is, or is in; None for a pipe."""
    path: Path | None = None
    """Where it lies on disk; None for what lies in an archive or a pipe."""

    def open(self) -> BinaryIO:
        """Return a new stream over its bytes; reading raises ImportSourceError."""
        return self.opener()

    @property
    def folder(self) -> str:
        """The name of the folder that it lies in, '' where that is not known."""
        if self.path:
            return fit(self.path.absolute().parent.name)
        return PurePosixPath(self.name).parent.name

    @property
    def is_database(self) -> bool:
        """Whether it is an SQLite database."""
        return self.head.startswith(_SQLITE)

    @cached_property
    def head(self) -> bytes:
        """Its first 64 KiB."""
        with self.open() as stream:
            return stream.read(_HEAD)

    @cached_property
    def sample(self) -> tuple[JsonObject, ...]:
        """The first few JSON objects in it, by whose keys a source is told; none
        where it is not JSON."""
        start = self.head.lstrip(_BEFORE_TEXT)
        if b"{" not in start or start.startswith((b"<", b"#", _SQLITE)):
            return ()  # markup and prose can be large, and one line
        first = _objects(BytesIO(self.head))
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
    """Return the first few JSON objects in *stream*."""
    first = islice(values(stream, chunk=_SAMPLE_CHUNK), _SAMPLE_REACH)
    objects = (value for value in first if isinstance(value, dict))
    return tuple(islice(objects, _SAMPLE))


Found = Document | Failure | Unchanged
"""What there is at a path: to be read, unreadable, or read before."""


def documents(path: Path, known: Known = lambda _: False) -> Iterator[Found]:
    """Yield what can be read at *path*: a file, a zip archive, a folder or a pipe.

    Files are told by their first bytes, never by name: media are passed over,
    zip archives are looked into. A file within that cannot be read, or is unsafe
    to, comes as a Failure; one that is *known* is not even opened. Raises
    NotFoundError where there is nothing, and ImportSourceError where *path* itself
    is unreadable, empty or refused.
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
            yield from piped(stream, path.name)


def piped(stream: BinaryIO, name: str = "standard input") -> Iterator[Found]:
    """Yield what can be read from *stream*, as `documents` does from a file."""
    with Spool(stream) as spool:
        yield from _alone(_File(Entry(name, spool.size, spool.open)))


class _File(NamedTuple):
    """An entry, and where it lies on disk if it does."""

    entry: Entry
    path: Path | None = None
    fingerprint: Fingerprint | None = None

    def unchanged(
        self, known: Known, siblings: frozenset[str] = frozenset()
    ) -> list[Unchanged]:
        if not self.fingerprint or not known(self.fingerprint):
            return []
        name = fit(self.entry.name)
        if name.lower().endswith(".zip"):  # it has its own files around each other
            siblings = frozenset()
        return [Unchanged(name, self.fingerprint, siblings)]

    def document(self, siblings: frozenset[str] = frozenset()) -> Document:
        name, size, opener = self.entry
        return Document(fit(name), size, opener, siblings, self.fingerprint, self.path)


def _file(path: Path, name: str, status: os.stat_result) -> _File:
    entry = Entry(name, status.st_size, partial(_open, path))
    return _File(entry, path, _fingerprint(path, status))


def _fingerprint(path: Path, status: os.stat_result) -> Fingerprint:
    size, modified = status.st_size, status.st_mtime_ns
    if path.suffix in _DATABASES:
        with contextlib.suppress(OSError):
            log = os.stat(f"{path}-wal")
            size, modified = size + log.st_size, max(modified, log.st_mtime_ns)
    return Fingerprint(str(path.absolute()), size, modified, status.st_ino)


def _alone(file: _File) -> Iterator[Found]:
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


def _folder(root: Path, known: Known) -> Iterator[Found]:
    failures: list[Failure] = []
    files = sorted(_walk(root, failures), key=lambda file: _comes_last(file.entry.name))
    names = frozenset(fit(file.entry.name) for file in files)
    yield from failures
    for file in files:
        yield from file.unchanged(known, names) or _readable(file, names, depth=0)


def _comes_last(name: str) -> bool:
    return name.lower().endswith(_LAST)


def _walk(root: Path, failures: list[Failure]) -> Iterator[_File]:
    def note(error: OSError) -> None:
        if error.filename == str(root):
            raise _unreadable(root, error) from error
        failures.append(Failure(fit(str(error.filename)), _reason(error)))

    for folder, below, names in os.walk(root, onerror=note):
        below[:] = sorted(set(below) - _PRUNED)
        for path in (Path(folder, name) for name in sorted(names)):
            try:
                status = path.lstat()
            except OSError as error:
                note(error)
                continue
            if stat.S_ISREG(status.st_mode):
                yield _file(path, path.relative_to(root).as_posix(), status)


def _readable(file: _File, siblings: frozenset[str], depth: int) -> Iterator[Found]:
    """Yield the documents in one file of a container."""
    entry = file.entry
    try:
        start = _start(entry)
        if start.startswith(_ZIP):
            yield from _unzipped(file, f"{entry.name}/", depth)
        elif _is_text(start):
            yield file.document(siblings)
    except ImportSourceError as error:
        yield Failure(fit(entry.name), str(error))


def _unzipped(file: _File, prefix: str, depth: int) -> Iterator[Found]:
    if depth > NESTING_LIMIT:
        raise ImportSourceError("it is an archive nested too deeply in archives")
    with _seekable(file.entry) as stream, archive.opened(stream) as opened:
        names = frozenset(fit(prefix + name) for name in opened.namelist())
        found = list(archive.entries(opened, prefix))
        yield from (each for each in found if isinstance(each, Failure))
        entries = [each for each in found if isinstance(each, Entry)]
        for entry in sorted(entries, key=lambda entry: _comes_last(entry.name)):
            member = _File(entry, fingerprint=file.fingerprint)
            yield from _readable(member, names, depth + 1)


@contextlib.contextmanager
def _seekable(entry: Entry) -> Iterator[BinaryIO]:
    with entry.open() as stream:
        if stream.seekable():
            yield stream
        else:
            with Spool(stream) as spool:
                yield spool.open()


def _start(entry: Entry) -> bytes:
    with entry.open() as stream:
        return stream.read(_PEEK)


def _is_text(start: bytes) -> bool:
    """Whether *start* may begin a text, a JSON file or a database, not a medium."""
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

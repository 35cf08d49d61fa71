"""A path, a folder or a pipe as the readable files in it, zip archives included."""

import codecs
import os
import re
import stat
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property, partial
from itertools import islice
from pathlib import Path
from typing import BinaryIO

from promptvault.errors import ImportSourceError, NotFoundError
from promptvault.importers import archive
from promptvault.importers.archive import Entry
from promptvault.importers.candidate import Failure
from promptvault.importers.field import fit
from promptvault.importers.json_stream import JsonObject, values
from promptvault.importers.spool import Spool

NESTING_LIMIT = 2
"""How many zip archives deep inside a zip archive is still looked at."""

_HEAD = 64 << 10
_PEEK = 1 << 10
_ZIP = (b"PK\x03\x04", b"PK\x05\x06")
_TEXT_MARKS = (codecs.BOM_UTF8, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_BEFORE_TEXT = b"".join(_TEXT_MARKS) + b"\0 \t\r\n"
_CONTROL = re.compile(rb"[\0-\x08\x0e-\x1a\x1c-\x1f]")
_SQLITE = b"SQLite format 3\0"
_SAMPLE = 5
_SAMPLE_REACH = 20


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

    def open(self) -> BinaryIO:
        """Return a new stream over its bytes; reading raises ImportSourceError."""
        return self.opener()

    @cached_property
    def head(self) -> bytes:
        """Its first 64 KiB."""
        with self.open() as stream:
            return stream.read(_HEAD)

    @cached_property
    def sample(self) -> tuple[JsonObject, ...]:
        """The first few JSON objects in it, by whose keys a source is told; none
        where it is not JSON."""
        if b"{" not in self.head or self.head.lstrip(_BEFORE_TEXT).startswith(b"<"):
            return ()  # markup and prose can be large, and one line
        with self.open() as stream:
            first = islice(values(stream), _SAMPLE_REACH)
            objects = (value for value in first if isinstance(value, dict))
            return tuple(islice(objects, _SAMPLE))


def documents(path: Path) -> Iterator[Document | Failure]:
    """Yield what can be read at *path*: a file, a zip archive, a folder or a pipe.

    Files are told by their first bytes, never by name: media are passed over,
    zip archives are looked into. A file within that cannot be read, or is unsafe
    to, comes as a Failure. Raises NotFoundError where there is nothing, and
    ImportSourceError where *path* itself is unreadable, empty or refused.
    """
    try:
        status = path.stat()
    except (FileNotFoundError, NotADirectoryError, ValueError) as error:
        raise NotFoundError(f"There is no file or folder {path}.") from error
    except OSError as error:
        raise _unreadable(path, error) from error
    if stat.S_ISDIR(status.st_mode):
        yield from _folder(path)
    elif stat.S_ISREG(status.st_mode):
        yield from _alone(Entry(path.name, status.st_size, partial(_open, path)))
    else:
        with _open(path) as stream:
            yield from piped(stream, path.name)


def piped(
    stream: BinaryIO, name: str = "standard input"
) -> Iterator[Document | Failure]:
    """Yield what can be read from *stream*, as `documents` does from a file."""
    with Spool(stream) as spool:
        yield from _alone(Entry(name, spool.size, spool.open))


def _alone(entry: Entry) -> Iterator[Document | Failure]:
    if not entry.size:
        raise ImportSourceError(f"{entry.name} is empty.")
    start = _start(entry)
    if start.startswith(_ZIP):
        try:
            yield from _unzipped(entry, prefix="", depth=0)
        except ImportSourceError as error:
            raise ImportSourceError(f"{entry.name}: {error}.") from error
    elif _is_text(start):
        yield Document(fit(entry.name), entry.size, entry.open)
    else:
        raise ImportSourceError(
            f"{entry.name} is neither text nor JSON nor a zip archive."
        )


def _folder(root: Path) -> Iterator[Document | Failure]:
    failures: list[Failure] = []
    files = list(_walk(root, failures))
    names = frozenset(fit(entry.name) for entry in files)
    yield from failures
    yield from _readable(files, names, depth=0)


def _walk(root: Path, failures: list[Failure]) -> Iterator[Entry]:
    def note(error: OSError) -> None:
        if error.filename == str(root):
            raise _unreadable(root, error) from error
        failures.append(Failure(fit(str(error.filename)), _reason(error)))

    for folder, below, names in os.walk(root, onerror=note):
        below.sort()
        for path in (Path(folder, name) for name in sorted(names)):
            try:
                status = path.lstat()
            except OSError as error:
                note(error)
                continue
            if stat.S_ISREG(status.st_mode):
                name = path.relative_to(root).as_posix()
                yield Entry(name, status.st_size, partial(_open, path))


def _readable(
    found: Iterable[Entry | Failure], siblings: frozenset[str], depth: int
) -> Iterator[Document | Failure]:
    """Yield the documents among the files *found* in one container."""
    for entry in found:
        if isinstance(entry, Failure):
            yield entry
            continue
        try:
            start = _start(entry)
            if start.startswith(_ZIP):
                yield from _unzipped(entry, f"{entry.name}/", depth)
            elif _is_text(start):
                yield Document(fit(entry.name), entry.size, entry.open, siblings)
        except ImportSourceError as error:
            yield Failure(fit(entry.name), str(error))


def _unzipped(entry: Entry, prefix: str, depth: int) -> Iterator[Document | Failure]:
    if depth > NESTING_LIMIT:
        raise ImportSourceError("it is an archive nested too deeply in archives")
    with _seekable(entry) as stream, archive.opened(stream) as opened:
        names = frozenset(fit(prefix + name) for name in opened.namelist())
        yield from _readable(archive.entries(opened, prefix), names, depth + 1)


@contextmanager
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

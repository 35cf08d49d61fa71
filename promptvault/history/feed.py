"""The way into the history: one `git fast-import`, fed with files and commits."""

import contextlib
import io
import re
import subprocess
import tempfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple, Self

from promptvault.domain.prompt import Author

TRAILER = "PromptVault-Change"
_COMMITS = 1 << 40
"""Marks below it are the caller's, for files."""

# Deflating is most of git's work in a large import; level 1 is a third of it.
_COMMAND = ("-c", "core.compression=1", "fast-import")
_OPTIONS = ("--quiet", "--done", "--date-format=raw", "--depth=0")


class FileChange(NamedTuple):
    """A file's new content: whole, or as the mark it was sent under; else removed."""

    path: str
    text: str | None = None
    mark: int | None = None


@dataclass(frozen=True, slots=True)
class Change:
    """A commit to be made. `id` stands in its message, so it is never made twice."""

    id: str
    author: Author
    message: str
    time: datetime
    files: Iterable[FileChange]


class Feed:
    """Commits on their way into the history: all of them arrive, or none.

    Nothing takes effect before `finish`. Left without it, git drops what it was sent.
    Git that dies takes nothing more, quietly: `finish` raises what it died of.
    """

    def __init__(
        self,
        start: Callable[..., Any],
        branch: str,
        parent: str | None,
    ) -> None:
        self._folder = tempfile.TemporaryDirectory()
        self._marks = Path(self._folder.name) / "marks"
        options = (*_OPTIONS, f"--export-marks={self._marks}")
        self._process = start(*_COMMAND, *options, stdin=subprocess.PIPE)
        # The pipe takes 64 KiB at a time; smaller writes only make the two wait more.
        self._stdin = io.BufferedWriter(self._process.stdin.raw, 1 << 16)
        self._branch = branch
        self._parent = parent
        self._commits = 0
        self._finished = False
        self.last_mark = 0
        """The highest mark of a file that was sent."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if not self._finished:
            with contextlib.suppress(Exception):
                self._end()
        self._folder.cleanup()

    def file(self, mark: int, text: str) -> None:
        """Send a file's content ahead of its commit; marks rise from 1."""
        data = text.encode()
        self._send(b"blob\nmark :%d\ndata %d\n" % (mark, len(data)), data, b"\n")
        self.last_mark = mark

    def commit(self, change: Change) -> None:
        """Send a commit."""
        seconds = max(0, int(change.time.timestamp()))
        who = f"{_plain(change.author.name)} <{_plain(change.author.email)}>"
        text = change.message.replace("\0", "")
        message = f"{text}\n\n{TRAILER}: {change.id}\n".encode()
        head = (
            f"commit {self._branch}\nmark :{_COMMITS + self._commits}\n"
            f"author {who} {seconds} +0000\ncommitter {who} {seconds} +0000\n"
            f"data {len(message)}\n"
        )
        self._send(head.encode(), message, b"\n")
        if self._parent and not self._commits:
            self._send(f"from {self._parent}\n".encode())
        for file in change.files:
            self._send(*_file_command(file))
        self._commits += 1

    def _send(self, *parts: bytes) -> None:
        with contextlib.suppress(BrokenPipeError):
            self._stdin.write(b"".join(parts))

    def finish(self) -> list[str]:
        """Make everything stand, and return the commits' ids in their order.

        Raises VaultError or UnavailableError; nothing stands then.
        """
        self._finished = True
        self._send(b"done\n")
        self._end()
        with self._marks.open() as marks:
            # A line is ":1 <id>"; git writes them in no order, files among them, of
            # which there may be very many.
            pairs = ((int(mark[1:]), id_) for mark, id_ in map(str.split, marks))
            return [id_ for mark, id_ in sorted(p for p in pairs if p[0] >= _COMMITS)]

    def _end(self) -> None:
        try:
            with contextlib.suppress(BrokenPipeError):
                self._stdin.close()
        finally:
            self._process.wait()


def _file_command(file: FileChange) -> tuple[bytes, ...]:
    if file.mark is not None:
        return (f"M 100644 :{file.mark} {file.path}\n".encode(),)
    if file.text is None:
        return (f"D {file.path}\n".encode(),)
    data = file.text.encode()
    head = f"M 100644 inline {file.path}\ndata {len(data)}\n"
    return head.encode(), data, b"\n"


def _plain(text: str) -> str:
    """Return *text* without what would end a name or an address in a commit."""
    return re.sub(r"[<>\x00-\x1f\x7f]", "", text).strip() or "unknown"

"""Writing to the history: files and commits, sent to one `git fast-import`.

The format of the stream is described in git-fast-import(1).
"""

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
"""The mark of the first commit; lower marks are for files, as the caller chooses."""

# Git spends most of a large import on compression; level 1 takes a third of that.
_COMMAND = ("-c", "core.compression=1", "fast-import")
_OPTIONS = ("--quiet", "--done", "--date-format=raw", "--depth=0")


class FileChange(NamedTuple):
    """A file to write, with its text or the mark of it; without both, to remove."""

    path: str
    text: str | None = None
    mark: int | None = None


@dataclass(frozen=True, slots=True)
class NewCommit:
    """A commit to make; its message contains `id`, so that it is made only once."""

    id: str
    author: Author
    message: str
    time: datetime
    files: Iterable[FileChange]


class Feed:
    """A running fast-import: all of its commits are made, or none.

    Nothing takes effect before `finish`. Without it git discards what it was sent. If
    git dies, further data is ignored, and `finish` raises its error.
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
        # A pipe takes 64 KiB at a time. With smaller writes both processes wait more.
        self._stdin = io.BufferedWriter(self._process.stdin.raw, 1 << 16)
        self._branch = branch
        self._parent = parent
        self._commits = 0
        self._finished = False
        self.last_mark = 0
        """The mark of the last file that was sent."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if not self._finished:
            with contextlib.suppress(Exception):
                self._end()
        self._folder.cleanup()

    def file(self, mark: int, text: str) -> None:
        """Send the text of a file before its commit; marks start at 1 and rise."""
        data = text.encode()
        self._send(b"blob\nmark :%d\ndata %d\n" % (mark, len(data)), data, b"\n")
        self.last_mark = mark

    def commit(self, change: NewCommit) -> None:
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
        """Make the commits, and return their ids in the order they were sent.

        Raise VaultError or UnavailableError; no commit is made then.
        """
        self._finished = True
        self._send(b"done\n")
        self._end()
        with self._marks.open() as marks:
            # A line is ":1 <id>". Lines are not sorted, and those of files may be many.
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
    """Return *text* without characters that end a name or address in a commit."""
    return re.sub(r"[<>\x00-\x1f\x7f]", "", text).strip() or "unknown"

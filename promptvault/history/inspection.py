"""Reading the whole history: its commits, its files, its contents."""

import subprocess
from collections.abc import Iterator
from contextlib import closing
from typing import IO, NamedTuple, Self

from promptvault.domain.prompt import Author
from promptvault.errors import VaultError
from promptvault.history.repository import BRANCH, History


class CommittedFile(NamedTuple):
    """A file that a commit wrote."""

    commit: str
    author: Author
    message: str
    """The commit's subject line."""
    path: str
    blob: str
    """Id of the blob with its content."""


def find_damage(history: History) -> list[str]:
    """Return what `git fsck` reports, an empty list if nothing."""
    try:
        history.run("fsck", "--strict", "--no-dangling", "--no-progress")
    except VaultError as error:
        return [str(error)]
    return []


def head_files(history: History) -> dict[str, str]:
    """Return the blob id of every file of the newest commit, by path."""
    if not history.head():
        return {}
    listing = history.run("ls-tree", "-r", "-z", "--full-tree", BRANCH)
    entries = (entry.split("\t", 1) for entry in listing.split("\0") if entry)
    return {path: mode_type_id.split()[2] for mode_type_id, path in entries}


def committed_files(history: History) -> Iterator[CommittedFile]:
    """Yield every file that a commit wrote, oldest commit first; raise VaultError."""
    if not history.head():
        return
    options = ("--reverse", "--raw", "--no-abbrev", "--no-renames", "--root", "-z")
    form = "--format=%x01%H%x02%an%x02%ae%x02%s"
    process = history.start("log", *options, form, BRANCH, "--")
    with closing(process.stdout):
        for record in _records(process.stdout, b"\x01"):
            head, _, entries = record.partition(b"\0")
            commit, name, email, subject = head.decode(errors="replace").split("\x02")
            # ":mode mode id id status", NUL, path, NUL; see git-diff-tree(1)
            fields = [field for field in entries.split(b"\0") if field.strip()]
            for status, path in zip(fields[::2], fields[1::2], strict=True):
                blob = status.split()[3].decode()
                if blob.strip("0"):
                    author = Author(name, email)
                    yield CommittedFile(commit, author, subject, path.decode(), blob)
    process.wait()


def file_blobs(history: History, path: str) -> list[str]:
    """Return the blob ids that a file has had, also under other names, newest first."""
    if not history.head():
        return []
    options = ("--follow", "--raw", "--no-abbrev", "--format=")
    lines = history.run("log", *options, BRANCH, "--", path).splitlines()
    # ":mode mode id id status path"; see git-diff-tree(1)
    blobs = [line.split()[3] for line in lines if line.startswith(":")]
    return [blob for blob in blobs if blob.strip("0")]


def _records(stream: IO[bytes], separator: bytes) -> Iterator[bytes]:
    waiting = b""
    while chunk := stream.read(1 << 20):
        *whole, waiting = (waiting + chunk).split(separator)
        yield from filter(None, whole)
    if waiting:
        yield waiting


class BlobReader:
    """Reads blobs through one `git cat-file --batch`; a context manager."""

    def __init__(self, history: History) -> None:
        self._process = history.start("cat-file", "--batch", stdin=subprocess.PIPE)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.stdin.close()
        self._process.stdout.close()
        self._process.wait()

    def read(self, blob: str) -> str:
        """Return the text of a blob; raise VaultError if it is missing."""
        self._process.stdin.write(f"{blob}\n".encode())
        self._process.stdin.flush()
        head = self._process.stdout.readline().split()
        if len(head) != 3:
            raise VaultError(f"The history has lost an object ({blob}).")
        data: bytes = self._process.stdout.read(int(head[2]) + 1)[:-1]
        return data.decode(errors="replace")

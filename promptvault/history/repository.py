"""The bare git repository: made, appended to by fast-import, read back."""

import contextlib
import io
import os
import re
import subprocess
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import IO, Any

# A missing git must be our error at the first use, not a traceback at the import.
os.environ.setdefault("GIT_PYTHON_REFRESH", "quiet")

import git
from git.exc import CommandError, GitCommandNotFound

from promptvault.domain.prompt import Author
from promptvault.errors import (
    PromptVaultError,
    UnavailableError,
    VaultError,
)

BRANCH = "refs/heads/main"
TRAILER = "PromptVault-Change"
_LOOSE_OBJECTS_PER_FOLDER = 27  # of 256: git's own measure for 6,700 objects

# The user's own git settings (signing, hooks, templates) are for their repositories.
_STALE = (
    "*.lock",
    "refs/**/*.lock",
    "objects/pack/tmp_*",
    "objects/pack/.tmp-*",
    "objects/??/tmp_obj_*",
    "fast_import_crash_*",
)
_ENVIRONMENT = {
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_NAMESPACE": "",
    "GIT_ALTERNATE_OBJECT_DIRECTORIES": "",
    "LC_ALL": "C",
    # glibc gives zlib's 256 KiB of working memory back after every object: keeping it
    # makes fast-import of 30,000 small files six times as quick (1.7 s to 0.3 s).
    "MALLOC_MMAP_THRESHOLD_": "33554432",
    "MALLOC_TRIM_THRESHOLD_": "67108864",
}
_CONFIG = """
[core]
	fsync = committed
	logAllRefUpdates = false
[gc]
	auto = 0
[fastimport]
	unpackLimit = 100
"""


@dataclass(frozen=True, slots=True)
class FileChange:
    """A file's whole new content, or its removal (None)."""

    path: str
    text: str | None


@dataclass(frozen=True, slots=True)
class Change:
    """A commit to be made. `id` stands in its message, so it is never made twice."""

    id: str
    author: Author
    message: str
    time: datetime
    files: Iterable[FileChange]


class History:
    """One repository. Methods raise UnavailableError without git, else VaultError."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._git = git.Git(path.parent)
        objects = str(path / "objects")
        self._git.update_environment(**_ENVIRONMENT, GIT_OBJECT_DIRECTORY=objects)

    def exists(self) -> bool:
        """Tell whether there is a repository."""
        return (self.path / "HEAD").is_file()

    def create(self) -> None:
        """Make the repository, whole or not at all."""
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=self.path.parent) as folder:
            fresh = Path(folder) / "new.git"
            History(fresh).run("init", "--quiet", "--bare", "--template=")
            (fresh / "HEAD").write_text(f"ref: {BRANCH}\n")
            with (fresh / "config").open("a") as config:
                config.write(_CONFIG)
            fresh.rename(self.path)

    def head(self) -> str | None:
        """Return the id of the newest commit, None while there is none."""
        if not self.exists():
            return None
        lines = self.run("for-each-ref", "--format=%(objectname)", BRANCH).split()
        return lines[0] if lines else None

    def commits_of(self, ids: Sequence[str]) -> dict[str, str]:
        """Return change id to commit id, for *ids* among the newest commits."""
        if not self.head():
            return {}
        form = f"%H %(trailers:key={TRAILER},valueonly,separator=)"
        log = self.run("log", f"--max-count={len(ids)}", f"--format={form}", BRANCH)
        found = dict(line.split(" ", 1)[::-1] for line in log.splitlines())
        return {id_: found[id_] for id_ in ids if id_ in found}

    def append(self, changes: Iterable[Change], lock: int) -> list[str]:
        """Add one commit for each change, all or none, and return the commits' ids.

        The caller holds the vault's lock, whose descriptor *lock* goes to git: should
        this process be killed, the lock outlives it for as long as git still writes.
        """
        if not self.exists():
            self.create()
        self._remove_stale_files()
        parent = f"{BRANCH}^0" if self.head() else None
        with tempfile.TemporaryDirectory() as folder:
            marks = Path(folder) / "marks"
            process = self._start_fast_import(marks, lock)
            _feed(process, changes, parent)
            # A line is ":1 <commit>"; fast-import writes them in no order.
            pairs = [line[1:].split() for line in marks.read_text().splitlines()]
        self._pack_loose_objects()
        return [commit for _, commit in sorted(pairs, key=lambda pair: int(pair[0]))]

    def _start_fast_import(self, marks: Path, lock: int) -> git.Git.AutoInterrupt:
        options = ["--quiet", "--done", "--date-format=raw", "--depth=0"]
        options.append(f"--export-marks={marks}")
        # Deflating is most of git's work in a large import; level 1 is a third of it.
        config = ["-c", "core.compression=1"]
        inherited = {} if os.name == "nt" else {"pass_fds": (lock,)}
        command = [*config, "fast-import", *options]
        return self.start(*command, istream=subprocess.PIPE, **inherited)

    def _remove_stale_files(self) -> None:
        """Remove what a killed git left: we hold the lock, so none is at work."""
        for pattern in _STALE:
            for path in self.path.glob(pattern):
                path.unlink(missing_ok=True)

    def _pack_loose_objects(self) -> None:
        sample = self.path / "objects" / "17"
        if sample.is_dir() and len(os.listdir(sample)) > _LOOSE_OBJECTS_PER_FOLDER:
            self.run("repack", "-d", "--quiet", "--geometric=2")

    def run(self, *command: str) -> str:
        """Run a git command on this repository and return what it prints."""
        return str(self._execute(list(command)))

    def start(self, *command: str, **options: Any) -> git.Git.AutoInterrupt:
        """Start a git command on this repository; to be ended with `finish`."""
        process: git.Git.AutoInterrupt = self._execute(
            list(command), as_process=True, **options
        )
        return process

    @staticmethod
    def finish(process: git.Git.AutoInterrupt) -> None:
        """Wait for a git command to end well; raises VaultError."""
        try:
            process.wait()
        except CommandError as error:
            raise _translate(error) from error

    def _execute(self, command: list[str], **options: Any) -> Any:
        try:
            return self._git.execute(
                ["git", f"--git-dir={self.path}", *command], **options
            )
        except CommandError as error:
            raise _translate(error) from error


def _feed(
    process: git.Git.AutoInterrupt, changes: Iterable[Change], parent: str | None
) -> None:
    # The pipe takes 64 KiB at a time; smaller writes only make the two wait more.
    stdin = io.BufferedWriter(process.stdin.raw, 1 << 16)
    try:
        # Without the closing `done` git makes nothing of what it was sent, so a feed
        # that breaks off leaves no half of it. A git that dies shows in its status.
        with contextlib.suppress(BrokenPipeError), stdin:
            for mark, change in enumerate(changes, 1):
                _send(stdin, mark, change, parent if mark == 1 else None)
            stdin.write(b"done\n")
    finally:
        History.finish(process)


def _send(stdin: IO[bytes], mark: int, change: Change, parent: str | None) -> None:
    seconds = int(change.time.timestamp())
    who = f"{_plain(change.author.name)} <{_plain(change.author.email)}>"
    message = f"{change.message}\n\n{TRAILER}: {change.id}\n".encode()
    stdin.write(
        f"commit {BRANCH}\nmark :{mark}\n"
        f"author {who} {seconds} +0000\ncommitter {who} {seconds} +0000\n"
        f"data {len(message)}\n".encode()
    )
    stdin.write(message + b"\n")
    if parent:
        stdin.write(f"from {parent}\n".encode())
    for file in change.files:
        if file.text is None:
            stdin.write(f"D {file.path}\n".encode())
            continue
        data = file.text.encode()
        stdin.write(f"M 100644 inline {file.path}\ndata {len(data)}\n".encode())
        stdin.write(data + b"\n")


def _plain(text: str) -> str:
    return re.sub(r"[<>\r\n]", "", text).strip() or "unknown"


def _translate(error: CommandError) -> PromptVaultError:
    if isinstance(error, GitCommandNotFound):
        return UnavailableError("git is not installed; the history needs it.")
    lines = str(error.stderr or "").strip().strip("'").splitlines()
    reason = next((line for line in lines if "fatal" in line or "error" in line), "")
    reason = reason.removeprefix("stderr: '").strip()
    return VaultError(f"git could not read or write the history. {reason}".strip())

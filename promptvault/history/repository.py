"""The bare git repository of a vault: creating it, appending commits, reading it."""

import os
import shutil
from collections.abc import Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from promptvault.errors import VaultError
from promptvault.history.command import GitCommand, Process
from promptvault.history.feed import TRAILER, Feed, NewCommit

BRANCH = "refs/heads/main"
_LOOSE_OBJECTS_PER_FOLDER = 27  # of 256 folders: the 6,700 objects of `gc.auto`

_STALE = (
    "*.lock",
    "refs/**/*.lock",
    "objects/pack/tmp_*",
    "objects/pack/.tmp-*",
    "objects/pack/*.keep",
    "objects/??/tmp_obj_*",
    "fast_import_crash_*",
)
_CONFIG = """
[core]
	fsync = committed
	logAllRefUpdates = false
[gc]
	auto = 0
[fastimport]
	unpackLimit = 100
"""


class History:
    """One repository.

    Methods raise UnavailableError if git is not installed, VaultError if it fails.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._git = GitCommand(path)

    def exists(self) -> bool:
        """Return True if the repository exists."""
        return (self.path / "HEAD").is_file()

    def create(self) -> None:
        """Create the repository, completely or not at all."""
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        # Always the same name, so that the rest of a killed command is replaced.
        fresh = self.path.with_name("new.git")
        try:
            shutil.rmtree(fresh, ignore_errors=True)
            History(fresh).run("init", "--quiet", "--bare", "--template=")
            (fresh / "HEAD").write_text(f"ref: {BRANCH}\n")
            with (fresh / "config").open("a") as config:
                config.write(_CONFIG)
            fresh.rename(self.path)
        except OSError as error:
            shutil.rmtree(fresh, ignore_errors=True)
            reason = error.strerror
            raise VaultError(f"The history cannot be created: {reason}.") from error

    def head(self) -> str | None:
        """Return the id of the newest commit, None if there is none."""
        if not self.exists():
            return None
        lines = self.run("for-each-ref", "--format=%(objectname)", BRANCH).split()
        return lines[0] if lines else None

    def has_commits(self) -> bool:
        """Return True if there is a commit, mostly without asking git."""
        return (self.path / BRANCH).is_file() or self.head() is not None

    def commits_of(self, ids: Sequence[str]) -> dict[str, str]:
        """Return the commit ids of those changes *ids* that the newest commits made."""
        if not self.head():
            return {}
        form = f"%H %(trailers:key={TRAILER},valueonly,separator=)"
        log = self.run("log", f"--max-count={len(ids)}", f"--format={form}", BRANCH)
        found = dict(line.split(" ", 1)[::-1] for line in log.splitlines())
        return {id_: found[id_] for id_ in ids if id_ in found}

    def append(self, changes: Iterable[NewCommit], lock: int) -> list[str]:
        """Make one commit for each change, all or none, and return their ids.

        *lock* is the file descriptor of the vault's lock, which the caller holds.
        """
        with self.feed(lock) as feed:
            for change in changes:
                feed.commit(change)
            return feed.finish()

    def feed(self, lock: int) -> Feed:
        """Start a fast-import; create the repository if there is none.

        *lock* is the file descriptor of the vault's lock, which the caller holds. Git
        inherits it: if this process is killed, the vault stays locked until git ends.
        """
        if self.exists():
            self._remove_stale_files()
            self._pack_loose_objects()
            parent = f"{BRANCH}^0" if self.has_commits() else None
        else:
            self.create()
            parent = None
        inherited = {} if os.name == "nt" else {"pass_fds": (lock,)}
        return Feed(partial(self.start, **inherited), BRANCH, parent)

    def _remove_stale_files(self) -> None:
        """Remove the files of a killed git; under the vault's lock none is running."""
        for pattern in _STALE:
            for path in self.path.glob(pattern):
                path.unlink(missing_ok=True)

    def _pack_loose_objects(self) -> None:
        sample = self.path / "objects" / "17"
        if sample.is_dir() and len(os.listdir(sample)) > _LOOSE_OBJECTS_PER_FOLDER:
            self.run("repack", "-d", "--quiet", "--geometric=2")

    def run(self, *command: str) -> str:
        """Run a git command on this repository and return its output."""
        return self._git.run(*command)

    def start(self, *command: str, **options: Any) -> Process:
        """Start a git command on this repository."""
        return self._git.start(*command, **options)

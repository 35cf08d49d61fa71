"""The bare git repository: made, appended to by fast-import, read back."""

import os
import shutil
from collections.abc import Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from promptvault.errors import VaultError
from promptvault.history.command import GitCommand, Process
from promptvault.history.feed import TRAILER, Change, Feed

BRANCH = "refs/heads/main"
_LOOSE_OBJECTS_PER_FOLDER = 27  # of 256: git's own measure for 6,700 objects

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
    """One repository. Methods raise UnavailableError without git, else VaultError."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._git = GitCommand(path)

    def exists(self) -> bool:
        """Tell whether there is a repository."""
        return (self.path / "HEAD").is_file()

    def create(self) -> None:
        """Make the repository, whole or not at all."""
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        # Always the same name, so that what a killed command left is used up.
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
            raise VaultError(f"The history cannot be made: {reason}.") from error

    def head(self) -> str | None:
        """Return the id of the newest commit, None while there is none."""
        if not self.exists():
            return None
        lines = self.run("for-each-ref", "--format=%(objectname)", BRANCH).split()
        return lines[0] if lines else None

    def has_commits(self) -> bool:
        """Return True if there is a commit, mostly without asking git."""
        return (self.path / BRANCH).is_file() or self.head() is not None

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

        The caller holds the vault's lock, whose descriptor is *lock*.
        """
        with self.feed(lock) as feed:
            for change in changes:
                feed.commit(change)
            return feed.finish()

    def feed(self, lock: int) -> Feed:
        """Start taking commits; see `Feed`. The caller holds the vault's lock.

        The descriptor *lock* goes to git: should this process be killed, the lock
        outlives it for as long as git still writes.
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
        return self._git.run(*command)

    def start(self, *command: str, **options: Any) -> Process:
        """Start a git command on this repository."""
        return self._git.start(*command, **options)

"""What the system reports of changes in folders."""

import os
import sys
import time
from collections.abc import Generator, Iterable
from pathlib import Path

import watchfiles
from watchfiles import Change

from promptvault.errors import UnavailableError

WAIT_SECONDS = 1.0
_SETTLED_MS = 300
"""A burst of changes ends when nothing happens for so long. It is also how often the
library wakes up, which costs 10 ms of CPU a minute."""
_LONGEST_BURST_MS = 1_500
_IS_RECURSIVE = sys.platform in {"darwin", "win32"}
"""False on Linux, where the library lists folders itself and follows links to do so."""


class FolderEvents:
    """Waits for changes of the files in some folders."""

    def __init__(self) -> None:
        self.error: UnavailableError | None = None
        """Why the system reports nothing, such as too many folders; None if it does."""
        self._given: dict[str, str] = {}
        """The folders as they were given, by their path without links."""
        self._new: set[str] = set()
        self._changes: Generator[set[tuple[Change, str]], None, None] | None = None

    def follow(self, folders: Iterable[str], *, afresh: bool = False) -> None:
        """Follow *folders* too; if *afresh*, only them, in place of all others."""
        if afresh:
            self._given.clear()
        known = set(self._given.values())
        if new := [each for each in folders if each not in known]:
            self._given |= {os.path.realpath(each): each for each in new}
            self._new |= {*new}
            self.close()

    def close(self) -> None:
        """Follow nothing until the next `wait`."""
        if self._changes:
            self._changes.close()
        self._changes = None

    def wait(self) -> set[str]:
        """Return the paths that were reported, after a second at most.

        A folder that is followed from now on is among them: what happened there before
        is not reported.
        """
        reported = self._reported()
        new, self._new = self._new, set()
        return reported if self.error else reported | new

    def _reported(self) -> set[str]:
        try:
            if self._changes is None:
                self._changes = self._start()
            changes = next(self._changes, None) if self._changes else None
            self.error = None
        except (OSError, RuntimeError) as error:
            self.close()
            # The library names every folder after this word.
            reason = str(error).partition(" about ")[0].rstrip(".")
            self.error = UnavailableError(f"The system reports no changes: {reason}.")
            changes = None
        if changes is None:
            time.sleep(WAIT_SECONDS)
            return set()
        return set(map(self._noted, sorted(changes, key=_is_last)))

    def _start(self) -> Generator[set[tuple[Change, str]], None, None] | None:
        # The library ignores a limit too if it is to ignore what it must not read.
        folders = [each for each in self._given if os.access(each, os.R_OK | os.X_OK)]
        if _IS_RECURSIVE:
            folders = _outermost(folders)
        if not folders:
            return None
        return watchfiles.watch(
            *folders,
            watch_filter=None,
            step=_SETTLED_MS,
            debounce=_LONGEST_BURST_MS,
            rust_timeout=int(WAIT_SECONDS * 1000),
            yield_on_timeout=True,
            force_polling=False,
            recursive=_IS_RECURSIVE,
            ignore_permission_denied=False,
        )

    def _noted(self, change: tuple[Change, str]) -> str:
        """Return the path of *change*, below the folder as it was given.

        A folder that is gone must be followed again if it returns.
        """
        kind, path = change
        if kind == Change.deleted and path in self._given:
            return self._given.pop(path)
        folder = path
        while folder not in self._given and folder != os.path.dirname(folder):
            folder = os.path.dirname(folder)
        return self._given.get(folder, folder) + path[len(folder) :]


def _is_last(change: tuple[Change, str]) -> bool:
    """Return True for a deletion, which is noted after all else in its folder."""
    return change[0] == Change.deleted


def _outermost(folders: Iterable[str]) -> list[str]:
    all_ = {*map(Path, folders)}
    return [str(each) for each in all_ if all_.isdisjoint(each.parents)]

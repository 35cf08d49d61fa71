"""Syncs that nobody waits for: a process of its own after each change.

At most one of them syncs and one more waits for its turn. The one that waits has not
looked at the vault yet, so whoever changes it meanwhile need not start another.
"""

import contextlib
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

from promptvault.paths import Paths
from promptvault.services.sync.sync_record import noting_failure
from promptvault.vault.lock import exclusive, exclusive_if_free

OPTION = "--background"
"""Of `sync`: what makes a process wait for its turn, or end where another does."""

_COLLECTING_SECONDS = 1.0
"""Changes seldom come alone, and one sync takes them all."""
_LONGEST_LOG = 1024 * 1024


def start(paths: Paths) -> None:
    """Let a new process sync, unless one is about to; raises OSError, VaultError."""
    with exclusive_if_free(paths.sync_turn) as is_free:
        if not is_free:
            return
    with _log(paths.log) as log:
        subprocess.Popen(
            [sys.executable, "-m", "promptvault", "sync", OPTION],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=log,
            start_new_session=True,
        )


@contextlib.contextmanager
def turn(paths: Paths, sleep: Callable[[float], None] = time.sleep) -> Iterator[bool]:
    """Wait for the turn to sync, and hold it while the block runs.

    Yields False, and waits for nothing, where another process waits already. What goes
    wrong from then on is noted, for nobody sees it: also where no server is asked yet.
    """
    with noting_failure(paths.sync_record), contextlib.ExitStack() as waiting:
        if not waiting.enter_context(exclusive_if_free(paths.sync_turn)):
            yield False
            return
        sleep(_COLLECTING_SECONDS)
        with exclusive(paths.sync_lock, lambda: None):
            waiting.close()  # whoever changes something from now on needs another
            yield True


def _log(path: Path) -> BinaryIO:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    is_long = path.exists() and path.stat().st_size > _LONGEST_LOG
    file = path.open("wb" if is_long else "ab")
    path.chmod(0o600)
    return file

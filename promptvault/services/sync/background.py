"""Background syncs: a process of its own that is started after a change.

At most one of them syncs and one more waits. The waiting process has not read the vault
yet, so a change that is made meanwhile starts no other process.
"""

import contextlib
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from promptvault.paths import Paths
from promptvault.services.sync.last_sync import recording_failure
from promptvault.vault.lock import exclusive_if_free

if TYPE_CHECKING:
    from promptvault.services.sync.device_sync import HeldVaults

OPTION = "--background"
"""The option of `sync` for a background process."""

_COLLECTING_SECONDS = 1.0
"""Changes often come in groups; a sync waits this long to send them together."""
_LONGEST_LOG = 1024 * 1024


def start(paths: Paths) -> None:
    """Start a process that syncs, unless one is waiting; raise OSError, VaultError."""
    with exclusive_if_free(paths.sync_turn) as is_free:
        if not is_free:
            return
    with _log(paths.log) as log:
        subprocess.Popen(
            [
                sys.executable,
                "-m",
                "promptvault",
                "sync",
                OPTION,
                "--vault",
                paths.vault,
            ],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=log,
            start_new_session=True,
        )


@contextlib.contextmanager
def background_turn(
    paths: Paths, sleep: Callable[[float], None] = time.sleep
) -> Iterator["HeldVaults | None"]:
    """Wait for another sync to end, and hold the lock of sync while the block runs.

    Yield None at once if another process is waiting already. A PromptVaultError is
    recorded, because a background process has no terminal to show it on.
    """
    from promptvault.services.sync.device_sync import hold_vaults  # pydantic

    with recording_failure(paths.sync_record), contextlib.ExitStack() as waiting:
        if not waiting.enter_context(exclusive_if_free(paths.sync_turn)):
            yield None
            return
        sleep(_COLLECTING_SECONDS)
        with hold_vaults(paths, paths.vault, lambda: None) as held:
            waiting.close()  # a change from now on needs another process
            yield held


def _log(path: Path) -> BinaryIO:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    is_long = path.exists() and path.stat().st_size > _LONGEST_LOG
    file = path.open("wb" if is_long else "ab")
    path.chmod(0o600)
    return file

"""The lock file of the vault, which one writing process holds at a time."""

import contextlib
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from promptvault.errors import VaultError
from promptvault.vault.database import no_folder

_PATIENCE_SECONDS = 600.0
_NOTICE_SECONDS = 2.0
_POLL_SECONDS = 0.01

if os.name == "nt":
    import msvcrt

    def _try_lock(descriptor: int) -> None:
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined]
else:
    import fcntl

    def _try_lock(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)


@contextlib.contextmanager
def exclusive(path: Path, on_wait: Callable[[], None]) -> Iterator[int]:
    """Hold the lock file *path* during the block; wait for it if needed.

    Yields the file descriptor. A child process that inherits it keeps the lock until it
    exits, even if this process is killed. *on_wait* is called once if another process
    holds the lock for two seconds. Raises VaultError after ten minutes, or if the file
    cannot be created.
    """
    with _opened(path) as descriptor:
        _wait_for(descriptor, on_wait)
        yield descriptor


@contextlib.contextmanager
def exclusive_if_free(path: Path) -> Iterator[bool]:
    """Hold the lock file *path* during the block; yield False if another process does.

    Raises VaultError if the file cannot be created.
    """
    with _opened(path) as descriptor:
        try:
            _try_lock(descriptor)
        except OSError:
            yield False
        else:
            yield True


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[int]:
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    except (NotADirectoryError, FileExistsError) as error:
        raise no_folder(path.parent) from error
    except OSError as error:
        reason = error.strerror
        raise VaultError(f"The vault cannot be written: {reason}.") from error
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _wait_for(descriptor: int, on_wait: Callable[[], None]) -> None:
    start = time.monotonic()
    noticed = False
    while True:
        try:
            return _try_lock(descriptor)
        except OSError as error:
            waited = time.monotonic() - start
            if waited > _PATIENCE_SECONDS:
                message = (
                    "Another promptvault process has held the vault for ten minutes."
                )
                raise VaultError(message) from error
        if not noticed and waited > _NOTICE_SECONDS:
            on_wait()
            noticed = True
        time.sleep(_POLL_SECONDS)

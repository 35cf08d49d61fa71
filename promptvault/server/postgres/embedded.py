"""The embedded database: a server owns it, and commands borrow it.

`owner.lock` is held by the process that has started it. The file `serving` says that
this process is a server.
"""

import contextlib
import fcntl
import os
import secrets
import time
from collections.abc import Iterator
from pathlib import Path

from promptvault.errors import ConflictError, UnavailableError
from promptvault.private_file import write_private
from promptvault.server.postgres import migration
from promptvault.server.postgres.cluster import Cluster

_PATIENCE_SECONDS = 30.0
_POLL_SECONDS = 0.05


@contextlib.contextmanager
def owned(folder: Path) -> Iterator[str]:
    """Run the database in *folder* while the block runs, and yield its address.

    Its schema is migrated first. Raises ConflictError if another server runs on it.
    """
    with _lock(folder) as is_ours:
        if not is_ours:
            raise ConflictError(f"Another 'promptvault serve' runs on {folder}.")
        serving = folder / "serving"
        try:
            with _running(folder) as address:
                serving.touch()
                yield address
        finally:
            serving.unlink(missing_ok=True)


@contextlib.contextmanager
def borrowed(folder: Path) -> Iterator[str]:
    """Yield the address of the database in *folder*, for a command.

    It is that of a running server, or else it is started while the block runs. Raises
    UnavailableError if it is busy for 30 seconds.
    """
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while time.monotonic() < deadline:
        with _lock(folder, patience=0) as is_ours:
            if is_ours:
                (folder / "serving").unlink(missing_ok=True)  # left by a killed server
                with _running(folder) as address:
                    yield address
                return
        cluster = Cluster(folder)
        if (folder / "serving").exists() and cluster.answers():
            yield cluster.address()
            return
        time.sleep(_POLL_SECONDS)
    raise UnavailableError(f"The database in {folder} is busy: try again.")


@contextlib.contextmanager
def _running(folder: Path) -> Iterator[str]:
    if not (folder / "password").exists():
        write_private(folder / "password", secrets.token_urlsafe(32))
    cluster = Cluster(folder)
    try:
        cluster.start()
        migration.upgrade(cluster.address())
        yield cluster.address()
    finally:
        cluster.stop()


@contextlib.contextmanager
def _lock(folder: Path, patience: float = _PATIENCE_SECONDS) -> Iterator[bool]:
    """Hold the folder's lock while the block runs; yield False if another process does.

    It waits for *patience* seconds, but not for a server.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(folder / "owner.lock", os.O_RDWR | os.O_CREAT, 0o600)
    deadline = time.monotonic() + patience
    try:
        while not (is_ours := _try_lock(descriptor)):
            if time.monotonic() > deadline or (folder / "serving").exists():
                break
            time.sleep(_POLL_SECONDS)
        yield is_ours
    finally:
        os.close(descriptor)


def _try_lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True

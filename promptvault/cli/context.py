"""What a command that reads works with, made from where it was started."""

import contextlib
import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from promptvault.errors import NotFoundError
from promptvault.paths import Paths, resolve
from promptvault.vault.database import refuse_lost
from promptvault.vault.reader import Reader, reading


def paths() -> Paths:
    """Return the folders that this command uses."""
    return resolve(os.environ, directory())


def directory() -> Path:
    """Return the working directory; raises NotFoundError where it was removed."""
    try:
        return Path.cwd()
    except FileNotFoundError as error:
        raise NotFoundError("The folder you are in is no longer there.") from error


def now() -> datetime:
    """Return the present time."""
    return datetime.now(UTC)


@contextlib.contextmanager
def open_reader() -> Iterator[Reader]:
    """Open the vault for reading."""
    folders = paths()
    refuse_lost(folders.database, folders.history)
    with reading(folders.database, folders.usage) as reader:
        yield reader

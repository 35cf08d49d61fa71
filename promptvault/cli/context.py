"""The folders, the time and the vault for commands that read.

This module imports little, because `get` runs in shell loops.
"""

import contextlib
import os
from collections.abc import Iterator
from datetime import UTC, datetime

from promptvault.errors import NotFoundError
from promptvault.home import DATABASE, HISTORY, HOME_VARIABLE, USAGE, find_folders
from promptvault.vault.database import refuse_lost

TYPE_CHECKING = False
if TYPE_CHECKING:
    from promptvault.paths import Paths
    from promptvault.vault.lookup import Connection
    from promptvault.vault.reader import Reader


def paths() -> "Paths":
    """Return the folders that this command uses."""
    from promptvault.paths import resolve

    return resolve(os.environ, _start())


def directory() -> str:
    """Return the working directory; raises NotFoundError if it was removed."""
    try:
        return os.getcwd()
    except FileNotFoundError as error:
        raise NotFoundError("The folder you are in is no longer there.") from error


def _start() -> str:
    """Return where the search for the folders starts.

    An absolute PROMPTVAULT_HOME needs no working directory, which may be gone.
    """
    home = os.path.expanduser(os.environ.get(HOME_VARIABLE, ""))
    return home if os.path.isabs(home) else directory()


def now() -> datetime:
    """Return the present time."""
    return datetime.now(UTC)


@contextlib.contextmanager
def open_reader() -> Iterator["Reader"]:
    """Open the vault for reading."""
    from promptvault.vault.reader import reading

    database, usage = _find_vault()
    with reading(database, usage) as reader:
        yield reader


@contextlib.contextmanager
def open_vault() -> Iterator["Connection"]:
    """Open the database alone, for the functions of `lookup`."""
    from promptvault.vault.lookup import open_database

    database, _ = _find_vault()
    with open_database(database) as connection:
        yield connection


def count_use_of(prompt_id: str) -> None:
    """Count one use of a prompt, if that can be written."""
    from promptvault.vault.usage import count_use

    *_, state = find_folders(os.environ, _start())
    count_use(os.path.join(state, USAGE), prompt_id, now())


def _find_vault() -> tuple[str, str]:
    """Return the database and the usage counts; raises VaultError if one was lost."""
    _, data, _, state = find_folders(os.environ, _start())
    database = os.path.join(data, DATABASE)
    refuse_lost(database, os.path.join(data, HISTORY))
    return database, os.path.join(state, USAGE)

"""`backup`: the vaults of this device in one ZIP file.

The personal vault is at the top of the file, as in those of programs that knew no other
one, and each vault of a team in a folder of its own. `restore` reads the file.
"""

import contextlib
import sqlite3
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

from promptvault.errors import AlreadyExistsError, InvalidInputError
from promptvault.history.repository import History
from promptvault.home import DATABASE, PERSONAL, USAGE, VAULTS
from promptvault.services.locking import Writer, locked
from promptvault.services.workspace import Workspace
from promptvault.vault.activity.upkeep import copy_activity, is_damaged
from promptvault.vault.database import translated_errors

BUNDLE, ACTIVITY = "history.bundle", "activity.db"


class Backup:
    """A backup that is being written."""

    def __init__(self, file: zipfile.ZipFile, folder: Path) -> None:
        self._file = file
        self._folder = folder
        """For files on their way into the backup."""
        self.vaults: list[str] = []
        """Names of the vaults in it."""
        self.is_whole = True
        """False if the activity database is damaged and was left out."""

    def add(self, workspace: Workspace) -> None:
        """Add a vault with its history and usage counts; raise VaultError.

        What all vaults share is added with the personal one.
        """
        paths = workspace.paths
        with tempfile.TemporaryDirectory(dir=self._folder) as name:
            folder = Path(name)
            with locked(workspace, even_if_left=True) as writer:
                _copy_vault(writer, folder)
            if paths.vault == PERSONAL:
                self._copy_activity(paths.activity, folder)
            for copy in sorted(folder.iterdir()):
                self._file.write(copy, place_of(paths.vault, copy.name))
            if paths.usage.exists():
                self._file.write(paths.usage, place_of(paths.vault, USAGE))
        self.vaults.append(paths.vault)

    def _copy_activity(self, activity: Path, folder: Path) -> None:
        if activity.exists():
            self.is_whole = not is_damaged(activity)
            if self.is_whole:
                copy_activity(activity, folder / ACTIVITY)


@contextlib.contextmanager
def new_backup(path: Path, *, force: bool = False) -> Iterator[Backup]:
    """Yield a backup that replaces *path* if the block succeeds.

    Each vault in it is consistent even if other processes are writing. Credentials and
    cached answers are not in it. Raises AlreadyExistsError if the file exists and
    *force* is False, and InvalidInputError if it cannot be written.
    """
    if path.exists() and not force:
        raise AlreadyExistsError(f"{path} exists already; --force overwrites it.")
    with _replaced(path) as fresh:
        with zipfile.ZipFile(fresh, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as file:
            yield Backup(file, path.parent)


def place_of(vault: str, name: str) -> str:
    """Return the name that a file of a vault has in a backup."""
    return name if vault == PERSONAL else f"{VAULTS}/{vault}/{name}"


@contextlib.contextmanager
def _replaced(path: Path) -> Iterator[Path]:
    """Yield a temporary file that replaces *path* if the block succeeds."""
    fresh = path.with_name(path.name + ".part")
    try:
        yield fresh
        fresh.replace(path)
    except OSError as error:
        reason = error.strerror
        raise InvalidInputError(f"{path} cannot be written: {reason}.") from error
    finally:
        with contextlib.suppress(OSError):
            fresh.unlink(missing_ok=True)


def _copy_vault(writer: Writer, folder: Path) -> None:
    _copy_database(writer.connection, folder / DATABASE)
    history = History(writer.workspace.paths.history)
    if history.head():
        bundle = str((folder / BUNDLE).absolute())
        history.run("bundle", "create", "--quiet", bundle, "--all")


def _copy_database(connection: sqlite3.Connection, target: Path) -> None:
    with translated_errors(), contextlib.closing(sqlite3.connect(target)) as copy:
        connection.backup(copy, name="main")
        copy.execute("PRAGMA journal_mode = DELETE")

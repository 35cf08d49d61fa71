"""`backup`: the whole vault in one ZIP file, and its restoration."""

import contextlib
import sqlite3
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from promptvault.errors import (
    AlreadyExistsError,
    InvalidInputError,
    NotFoundError,
    VaultError,
)
from promptvault.history.repository import History
from promptvault.services.health.quarantine import quarantine
from promptvault.services.locking import locked
from promptvault.services.workspace import Workspace
from promptvault.vault import migrations
from promptvault.vault.activity.upkeep import (
    copy_activity,
    is_damaged,
    keep_costs,
)
from promptvault.vault.database import translated_errors
from promptvault.vault.lock import exclusive
from promptvault.vault.reader import Selection, reading

_DATABASE, _HISTORY, _USAGE = "vault.db", "history.bundle", "usage.db"
_ACTIVITY = "activity.db"

# The errors of zipfile for a damaged file. RuntimeError is for a file that claims to be
# encrypted or compressed by an unknown method.
_UNREADABLE = (OSError, EOFError, RuntimeError, zipfile.BadZipFile, zlib.error)


class BackupResult(NamedTuple):
    """The result of a backup or a restoration."""

    number: int
    """Size of the backup in bytes, or number of restored prompts."""
    whole: bool
    """False if the activity database was damaged and left out."""


def create_backup(
    workspace: Workspace, path: Path, *, force: bool = False
) -> BackupResult:
    """Write the vault, its history, the usage counts and the activity to *path*.

    The backup is consistent even if other processes are writing. Credentials and cached
    answers are not in it. Raises AlreadyExistsError if the file exists and *force* is
    False, InvalidInputError if it cannot be written, and VaultError.
    """
    if path.exists() and not force:
        raise AlreadyExistsError(f"{path} exists already; --force overwrites it.")
    with locked(workspace) as writer, _replaced(path) as fresh:
        with zipfile.ZipFile(fresh, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as file:
            with tempfile.TemporaryDirectory(dir=path.parent) as folder:
                copy = Path(folder) / _DATABASE
                _copy_database(writer.connection, copy)
                file.write(copy, _DATABASE)
                history = History(workspace.paths.history)
                if history.head():
                    bundle = Path(folder) / _HISTORY
                    history.run(
                        "bundle", "create", "--quiet", str(bundle.absolute()), "--all"
                    )
                    file.write(bundle, _HISTORY)
                whole = _add_activity(workspace.paths.activity, Path(folder), file)
            if workspace.paths.usage.exists():
                file.write(workspace.paths.usage, _USAGE)
    return BackupResult(path.stat().st_size, whole)


def _add_activity(activity: Path, folder: Path, file: zipfile.ZipFile) -> bool:
    """Add the activity database; return False if it is damaged and was left out."""
    if not activity.exists():
        return True
    if is_damaged(activity):
        return False
    copy_activity(activity, folder / _ACTIVITY)
    file.write(folder / _ACTIVITY, _ACTIVITY)
    return True


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


def _copy_database(connection: sqlite3.Connection, target: Path) -> None:
    with translated_errors(), contextlib.closing(sqlite3.connect(target)) as copy:
        connection.backup(copy, name="main")
        copy.execute("PRAGMA journal_mode = DELETE")


def restore_backup(
    workspace: Workspace, path: Path, *, force: bool = False
) -> BackupResult:
    """Replace the vault with the backup *path*.

    The files of the old vault are renamed, not deleted. Raises NotFoundError,
    InvalidInputError if the file is not a backup, and AlreadyExistsError if the vault
    holds prompts and *force* is False; the vault is unchanged then.
    """
    paths = workspace.paths
    if not path.exists():
        raise NotFoundError(f"There is no file {path}.")
    with exclusive(paths.lock, workspace.on_wait):
        if not force and _holds_prompts(workspace):
            raise AlreadyExistsError(
                "The vault holds prompts. --force replaces it with the backup (the"
                " old files are renamed, not deleted)."
            )
        with tempfile.TemporaryDirectory(dir=paths.data) as folder:
            fresh = Path(folder)
            _unpack(path, fresh)
            whole = _unpack_activity(path, fresh)
            quarantine(paths.database, "before")
            quarantine(paths.history, "before")
            (fresh / _DATABASE).rename(paths.database)
            (fresh / "history.git").rename(paths.history)
            if (fresh / _USAGE).exists():
                paths.usage.parent.mkdir(parents=True, exist_ok=True)
                (fresh / _USAGE).replace(paths.usage)
            if (fresh / _ACTIVITY).exists():
                _replace_activity(paths.activity, fresh / _ACTIVITY)
    with reading(paths.database, paths.usage) as reader:
        return BackupResult(reader.count(Selection()), whole)


def _replace_activity(activity: Path, fresh: Path) -> None:
    if activity.exists():
        with contextlib.suppress(VaultError):  # if it is damaged
            keep_costs(fresh, activity)
    quarantine(activity, "before")
    fresh.rename(activity)


def _holds_prompts(workspace: Workspace) -> bool:
    paths = workspace.paths
    try:
        with reading(paths.database, paths.usage) as reader:
            return reader.count(Selection()) > 0
    except VaultError:
        return paths.database.exists()


def _unpack(path: Path, folder: Path) -> None:
    """Unpack a backup and check it, before anything is replaced."""
    try:
        with zipfile.ZipFile(path) as file:
            names = set(file.namelist()) & {_DATABASE, _HISTORY, _USAGE}
            if _DATABASE not in names:
                raise InvalidInputError(f"{path} is not a backup of a vault.")
            for name in names:
                file.extract(name, folder)
    except _UNREADABLE as error:
        raise InvalidInputError(f"{path} cannot be read as a backup.") from error
    _check_database(folder / _DATABASE)
    history = History(folder / "history.git")
    history.create()
    if _HISTORY in names:
        bundle = str(folder / _HISTORY)
        history.run("fetch", "--quiet", bundle, "refs/heads/*:refs/heads/*")


def _unpack_activity(path: Path, folder: Path) -> bool:
    """Unpack the activity database; return False if it is damaged and was left out.

    The vault works without it, so the restoration goes on.
    """
    try:
        with zipfile.ZipFile(path) as file:
            if _ACTIVITY not in file.namelist():
                return True
            file.extract(_ACTIVITY, folder)
    except _UNREADABLE:
        is_whole = False
    else:
        is_whole = not is_damaged(folder / _ACTIVITY)
    if not is_whole:
        (folder / _ACTIVITY).unlink(missing_ok=True)
    return is_whole


def _check_database(database: Path) -> None:
    with translated_errors(), contextlib.closing(sqlite3.connect(database)) as copy:
        migrations.version_of(copy)
        if copy.execute("PRAGMA quick_check(1)").fetchone()[0] != "ok":
            raise InvalidInputError("The database in the backup is damaged.")

"""`backup restore`: bringing back the vaults that are in a backup."""

import shutil
import sqlite3
import tempfile
import zipfile
import zlib
from contextlib import ExitStack, closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from promptvault.errors import (
    AlreadyExistsError,
    InvalidInputError,
    NotFoundError,
    VaultError,
)
from promptvault.history.repository import History
from promptvault.home import (
    DATABASE,
    HISTORY,
    PERSONAL,
    USAGE,
    VAULTS,
    is_vault_name,
    team_vaults,
)
from promptvault.paths import Paths
from promptvault.services.health.backup import ACTIVITY, BUNDLE, place_of
from promptvault.services.health.quarantine import quarantine
from promptvault.services.vaults.folders import free_vault_name
from promptvault.services.vaults.local import read_vault
from promptvault.services.workspace import Workspace
from promptvault.vault import migrations
from promptvault.vault.activity.upkeep import is_damaged, keep_costs
from promptvault.vault.database import translated_errors
from promptvault.vault.lock import exclusive
from promptvault.vault.reader import Selection, reading
from promptvault.vault.sync.link import (
    COMPARE_AGAIN,
    Link,
    find_link,
)

# The errors of zipfile for a damaged file. RuntimeError is for a file that claims to be
# encrypted or compressed by an unknown method.
_UNREADABLE = (OSError, EOFError, RuntimeError, zipfile.BadZipFile, zlib.error)


class Restored(NamedTuple):
    """What was restored."""

    prompts: dict[str, int]
    """By name of a vault, the number of its prompts."""
    is_whole: bool
    """False if the activity database in the backup is damaged and was left out."""


@dataclass(frozen=True, slots=True)
class _Unpacked:
    """A vault of a backup: checked, and ready to take its place."""

    folder: Path
    paths: Paths
    """Where it is restored to."""


def restore_backup(
    workspace: Workspace, path: Path, only: str | None = None, *, force: bool = False
) -> Restored:
    """Replace the vaults that are in the backup *path*, or only the one called *only*.

    The vault of a team replaces the one of the same team, whatever its name is by now.
    The files of the old vaults are renamed, not deleted. Raises NotFoundError,
    InvalidInputError if the file is not a backup, and AlreadyExistsError if a vault
    holds prompts and *force* is False; no vault is changed then.
    """
    paths = workspace.paths
    if not path.exists():
        raise NotFoundError(f"There is no file {path}.")
    with ExitStack() as stack:
        stack.enter_context(exclusive(paths.of(PERSONAL).lock, workspace.on_wait))
        folder = stack.enter_context(tempfile.TemporaryDirectory(dir=paths.data))
        places = _unpack(path, Path(folder), only)
        is_whole = PERSONAL not in places or _unpack_activity(path, places[PERSONAL])
        found = [_Unpacked(each, _target(paths, each)) for each in places.values()]
        for vault in found:
            if vault.paths.vault != PERSONAL:
                stack.enter_context(exclusive(vault.paths.lock, workspace.on_wait))
            if not force:
                _refuse_prompts(vault.paths)
        for vault in found:
            _replace(vault)
    return Restored({each.paths.vault: _count(each.paths) for each in found}, is_whole)


def _unpack(path: Path, folder: Path, only: str | None) -> dict[str, Path]:
    """Unpack vaults and check them; return the folder of each by its name there."""
    try:
        with zipfile.ZipFile(path) as file:
            held = [name for name in _names(file) if only in {None, name}]
            if not held:
                what = f"has no vault {only!r}" if only else "is no backup of a vault"
                raise InvalidInputError(f"{path} {what}.")
            for name in held:
                for each in (DATABASE, BUNDLE, USAGE):
                    _extract(file, place_of(name, each), folder / name / each)
    except _UNREADABLE as error:
        raise InvalidInputError(f"{path} cannot be read as a backup.") from error
    for name in held:
        _check_database(folder / name / DATABASE)
        _make_history(folder / name)
    return {name: folder / name for name in held}


def _names(file: zipfile.ZipFile) -> list[str]:
    """Return the names of the vaults in a backup, the personal one first."""
    parts = [name.split("/") for name in file.namelist()]
    teams = {
        part[1]
        for part in parts
        if len(part) == 3 and part[0] == VAULTS and part[2] == DATABASE
    }
    personal = [PERSONAL] if [DATABASE] in parts else []
    return personal + sorted(filter(is_vault_name, teams - {PERSONAL}))


def _extract(file: zipfile.ZipFile, name: str, target: Path) -> bool:
    """Extract a file; return False if it is not in the backup."""
    if name not in file.namelist():
        return False
    target.parent.mkdir(exist_ok=True)
    with file.open(name) as source, target.open("wb") as copy:
        shutil.copyfileobj(source, copy)
    return True


def _unpack_activity(path: Path, folder: Path) -> bool:
    """Unpack the activity database; return False if it is damaged and was left out.

    The vault works without it, so the restoration goes on.
    """
    activity = folder / ACTIVITY
    try:
        with zipfile.ZipFile(path) as file:
            if not _extract(file, ACTIVITY, activity):
                return True
    except _UNREADABLE:
        is_whole = False
    else:
        is_whole = not is_damaged(activity)
    if not is_whole:
        activity.unlink(missing_ok=True)
    return is_whole


def _check_database(database: Path) -> None:
    with translated_errors(), closing(sqlite3.connect(database)) as copy:
        migrations.version_of(copy)
        if copy.execute("PRAGMA quick_check(1)").fetchone()[0] != "ok":
            raise InvalidInputError("The database in the backup is damaged.")


def _make_history(folder: Path) -> None:
    history = History(folder / HISTORY)
    history.create()
    bundle = folder / BUNDLE
    if bundle.exists():
        history.run("fetch", "--quiet", str(bundle), "refs/heads/*:refs/heads/*")


def _target(paths: Paths, folder: Path) -> Paths:
    """Return where to restore the vault in *folder*, which has its name."""
    name = folder.name
    if name == PERSONAL:
        return paths.of(PERSONAL)
    with translated_errors(), closing(sqlite3.connect(folder / DATABASE)) as copy:
        link = find_link(copy)
    if link is None:
        return paths.of(name)
    here = {each: _link_of(paths.of(each)) for each in team_vaults(str(paths.data))}
    for each, other in here.items():
        if other and (other.vault, other.server) == (link.vault, link.server):
            return paths.of(each)
    if here.get(name) is None:  # free, or it cannot be read
        return paths.of(name)
    return paths.of(free_vault_name(paths, name, link.vault))


def _link_of(paths: Paths) -> Link | None:
    with suppress(VaultError):
        return read_vault(paths).link
    return None


def _refuse_prompts(paths: Paths) -> None:
    try:
        with reading(paths.database, paths.usage) as reader:
            is_filled = reader.count(Selection()) > 0
    except VaultError:
        is_filled = paths.database.exists()
    if is_filled:
        which = "" if paths.vault == PERSONAL else f" {paths.vault}"
        raise AlreadyExistsError(
            f"The vault{which} holds prompts. --force replaces it with the backup (the"
            " old files are renamed, not deleted)."
        )


def _replace(vault: _Unpacked) -> None:
    paths, folder = vault.paths, vault.folder
    _forget_roster(folder / DATABASE)
    quarantine(paths.database, "before")
    quarantine(paths.history, "before")
    (folder / HISTORY).rename(paths.history)
    (folder / DATABASE).rename(paths.database)
    if (folder / USAGE).exists():
        paths.usage.parent.mkdir(parents=True, exist_ok=True)
        (folder / USAGE).replace(paths.usage)
    if (folder / ACTIVITY).exists():
        _replace_activity(paths.activity, folder / ACTIVITY)


def _replace_activity(activity: Path, fresh: Path) -> None:
    if activity.exists():
        with suppress(VaultError):  # if it is damaged
            keep_costs(fresh, activity)
    quarantine(activity, "before")
    fresh.rename(activity)


def _forget_roster(database: Path) -> None:
    """Let the next sync make the vaults that are not on this device."""
    with closing(sqlite3.connect(database, isolation_level=None)) as connection:
        with suppress(sqlite3.OperationalError):  # an older vault has no such column
            connection.execute("UPDATE sync_link SET roster = ?", (COMPARE_AGAIN,))


def _count(paths: Paths) -> int:
    with reading(paths.database, paths.usage) as reader:
        return reader.count(Selection())

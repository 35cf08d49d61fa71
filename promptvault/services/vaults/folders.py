"""The folders of team vaults: made, renamed and deleted, each in one step.

A folder whose name starts with a dot is being made or deleted. A killed process leaves
it, and `remove_leftovers` deletes it.
"""

import contextlib
import os
import shutil
import uuid
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

from promptvault.errors import VaultError
from promptvault.home import DATABASE, PERSONAL, VAULTS, is_vault_name, team_vaults
from promptvault.paths import Paths
from promptvault.vault.database import bulk_transaction, connected
from promptvault.vault.lock import exclusive
from promptvault.vault.sync.link import Link, insert_link
from promptvault.vault.sync.team import Team, save_team


def make_vault(paths: Paths, name: str, link: Link, team: Team) -> None:
    """Make the vault of a team, which is empty until it is synced; raise VaultError."""
    fresh = paths.of(f".new-{uuid.uuid4().hex}")
    with _explained():
        try:
            with connected(fresh.database) as connection, bulk_transaction(connection):
                insert_link(connection, link)
                save_team(connection, team)
            _replace(fresh.vault_data, paths.of(name).vault_data)
        except BaseException:
            shutil.rmtree(fresh.vault_data, ignore_errors=True)
            raise


def rename_vault(
    paths: Paths, name: str, new: str, on_wait: Callable[[], None]
) -> None:
    """Rename the folder of a vault; the caller holds its lock of sync.

    Raise VaultError. The lock of the vault keeps writers out.
    """
    old, target = paths.of(name), paths.of(new)
    with exclusive(old.lock, on_wait), _explained():
        if old.vault_state.is_dir():
            target.vault_state.parent.mkdir(parents=True, exist_ok=True)
            _replace(old.vault_state, target.vault_state)
        _replace(old.vault_data, target.vault_data)


def delete_vault(paths: Paths, on_wait: Callable[[], None]) -> None:
    """Delete the vault at *paths* with its history and usage; raise VaultError."""
    gone = paths.of(f".gone-{uuid.uuid4().hex}")
    with _explained():
        with exclusive(paths.lock, on_wait):
            _replace(paths.vault_data, gone.vault_data)
        shutil.rmtree(paths.vault_state, ignore_errors=True)
        shutil.rmtree(gone.vault_data)


def free_vault_name(paths: Paths, slug: str, vault: str, current: str = "") -> str:
    """Return a name for the vault of a team: its slug, unless that is taken.

    *vault* is the id of the vault. *current* is its present name, which is not taken.
    """
    is_usable = is_vault_name(slug) and slug != PERSONAL
    stem = slug if is_usable else f"team-{vault[:8]}"
    taken = set(team_vaults(str(paths.data))) - {current}
    names = (stem if number == 1 else f"{stem}-{number}" for number in count(1))
    return next(name for name in names if name not in taken)


def leftovers(paths: Paths) -> list[Path]:
    """Return the folders that a killed process has left."""
    return [
        folder
        for base in (paths.data, paths.state)
        for folder in _entries(base / VAULTS)
        if folder.name.startswith(".")
    ]


def remove_leftovers(paths: Paths) -> None:
    """Delete what a killed process has left; the caller holds the lock of sync."""
    for folder in leftovers(paths):
        shutil.rmtree(folder, ignore_errors=True)


def _entries(folder: Path) -> list[Path]:
    with contextlib.suppress(OSError):
        return sorted(folder.iterdir())
    return []


def _replace(source: Path, target: Path) -> None:
    """Rename a folder; one without a database in its place is deleted."""
    if target.is_dir() and not (target / DATABASE).exists():
        shutil.rmtree(target)
    source.rename(target)
    descriptor = os.open(target.parent, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def _explained() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise VaultError(
            f"The folder of a team's vault cannot be written: {error.strerror}."
        ) from error

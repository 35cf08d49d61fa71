"""The folders, the time and the vault for commands that read.

This module imports little, because `get` runs in shell loops.
"""

import contextlib
import os
from collections.abc import Iterator
from datetime import UTC, datetime

from promptvault.domain.name import split_vault
from promptvault.errors import InvalidInputError, NotFoundError
from promptvault.home import (
    DATABASE,
    HISTORY,
    PERSONAL,
    USAGE,
    find_folders,
    folder_of,
    has_vault,
    team_vaults,
)
from promptvault.vault.database import refuse_lost

TYPE_CHECKING = False
if TYPE_CHECKING:
    from promptvault.paths import Paths
    from promptvault.vault.lookup import Connection
    from promptvault.vault.reader import Reader


VAULT_VARIABLE = "PROMPTVAULT_VAULT"


class _Choice:
    """The vault that this command works on; `choose_vault` and names set it."""

    given: str | None = None
    """By `--vault`."""
    named: str | None = None
    """By the names among the arguments, all of which mean the same vault."""
    has_prefix = False
    """Whether one of these names has the name of its vault in front."""


def choose_vault(given: str | None) -> None:
    """Set the vault of this command to *given*, the value of `--vault`."""
    _Choice.given, _Choice.named, _Choice.has_prefix = given, None, False


def chosen_vault() -> str | None:
    """Return the vault that was chosen by an option or a variable, None if none was."""
    return _Choice.given or os.environ.get(VAULT_VARIABLE) or None


def default_vault() -> str:
    """Return the vault in which a name without a vault is looked up."""
    return chosen_vault() or PERSONAL


def is_vault_chosen() -> bool:
    """Return True if the user chose a vault: by an option, a variable or a name."""
    return _Choice.has_prefix or chosen_vault() is not None


def refuse_one_vault() -> None:
    """Raise InvalidInputError if ``--all-vaults`` contradicts the other arguments."""
    if _Choice.given or _Choice.has_prefix:
        raise InvalidInputError("Give --all-vaults, or one vault.")


def take_vault(text: str) -> str:
    """Return ``VAULT:NAME[@REV]`` without its vault, which the command works on.

    Raises InvalidInputError if another name of this command means another vault.
    """
    vault, rest = split_vault(text)
    wanted = vault or default_vault()
    if _Choice.named not in {None, wanted}:
        raise InvalidInputError(
            f"The names are in two vaults, {_Choice.named!r} and {wanted!r}: this"
            " command works on one."
        )
    _Choice.named = wanted
    _Choice.has_prefix = _Choice.has_prefix or vault is not None
    return rest


def current_vault() -> str:
    """Return the vault that this command works on."""
    return _Choice.named or default_vault()


def _require_vault(data: str, name: str) -> str:
    if not has_vault(data, name):
        raise NotFoundError(
            f"There is no vault {name!r} on this device: 'promptvault vaults list'."
        )
    return name


def names_of_team_vaults() -> list[str]:
    """Return the names of the team vaults of this device."""
    _, data, *_ = find_folders(os.environ, directory)
    return team_vaults(data)


def paths() -> "Paths":
    """Return the folders of this device, and those of the personal vault."""
    from promptvault.paths import resolve

    return resolve(os.environ, directory)


def vault_paths(vault: str | None = None) -> "Paths":
    """Return the folders of the chosen vault, or of another one.

    Raises NotFoundError if there is no such vault.
    """
    found = paths()
    return found.of(_require_vault(str(found.data), vault or current_vault()))


def directory() -> str:
    """Return the working directory; raises NotFoundError if it was removed."""
    try:
        return os.getcwd()
    except FileNotFoundError as error:
        raise NotFoundError("The folder you are in is no longer there.") from error


def now() -> datetime:
    """Return the present time."""
    return datetime.now(UTC)


@contextlib.contextmanager
def open_reader(vault: str | None = None) -> Iterator["Reader"]:
    """Open the vault, or another one, for reading."""
    from promptvault.vault.reader import reading

    database, usage = _find_vault(vault)
    with reading(database, usage, open_reader) as reader:
        yield reader


@contextlib.contextmanager
def open_vault(vault: str | None = None) -> Iterator["Connection"]:
    """Open the database alone, for the functions of `lookup`."""
    from promptvault.vault.lookup import open_database

    database, _ = _find_vault(vault)
    with open_database(database) as connection:
        yield connection


def count_use_of(prompt_id: str, vault: str | None = None) -> None:
    """Count one use of a prompt, if that can be written."""
    from promptvault.vault.usage import count_use

    _, usage = _folders(vault)
    count_use(os.path.join(usage, USAGE), prompt_id, now())


def _find_vault(vault: str | None) -> tuple[str, str]:
    """Return the database and the usage counts; raises VaultError if one was lost."""
    data, state = _folders(vault)
    database = os.path.join(data, DATABASE)
    refuse_lost(database, os.path.join(data, HISTORY))
    return database, os.path.join(state, USAGE)


def _folders(vault: str | None) -> tuple[str, str]:
    """Return the data and state folder of a vault; raises NotFoundError."""
    _, data, _, state = find_folders(os.environ, directory)
    name = _require_vault(data, vault or current_vault())
    return folder_of(data, name), folder_of(state, name)

"""What Tab offers: names, versions, tags, folders, vaults."""

import contextlib
from collections.abc import Callable

from promptvault.cli.context import (
    is_vault_chosen,
    names_of_team_vaults,
    open_reader,
    open_vault,
)
from promptvault.domain.name import in_vault, split_vault
from promptvault.errors import PromptVaultError
from promptvault.home import PERSONAL
from promptvault.vault import lookup


def names(incomplete: str) -> list[str]:
    """Offer names, and after an '@' the labels and versions of that prompt.

    The names of other vaults have their prefix.
    """
    return _in_vaults(incomplete, _names)


def _names(vault: str | None, incomplete: str) -> list[str]:
    name, at, _ = incomplete.partition("@")
    if at:
        return [f"{name}@{revision}" for revision in _revisions(vault, name)]
    with open_vault(vault) as connection:
        return lookup.complete_names(connection, incomplete)


def _revisions(vault: str | None, name: str) -> list[str]:
    with open_reader(vault) as reader:
        prompt = reader.get(name)
        return [*prompt.labels, *map(str, range(prompt.versions, 0, -1))]


def _in_vaults(
    incomplete: str, find: Callable[[str | None, str], list[str]]
) -> list[str]:
    """Return what *find* offers in the typed vault, if there is a ':'.

    Otherwise that of the vault of the command, and of the vaults whose name begins with
    *incomplete*.
    """
    vault, rest = split_vault(incomplete)
    if vault is not None:
        starts = {vault: rest}
        offered = []
    else:
        starts = dict.fromkeys(_vaults_from(incomplete), "")
        offered = _suppressed(find, None, incomplete)
    for name, start in starts.items():
        found = _suppressed(find, name, start)
        offered += [in_vault(name, each) for each in found]
    return offered


def _suppressed(
    find: Callable[[str | None, str], list[str]], vault: str | None, start: str
) -> list[str]:
    with contextlib.suppress(PromptVaultError):
        return find(vault, start)
    return []


def _vaults_from(start: str) -> list[str]:
    if is_vault_chosen() or "@" in start or "/" in start:
        return []
    with contextlib.suppress(PromptVaultError):
        return [name for name in names_of_team_vaults() if name.startswith(start)]
    return []


def vaults(incomplete: str) -> list[str]:
    """Offer the vaults of this device."""
    with contextlib.suppress(PromptVaultError):
        found = [PERSONAL, *names_of_team_vaults()]
        return [name for name in found if name.startswith(incomplete)]
    return []


def team_vaults(incomplete: str) -> list[str]:
    """Offer the vaults of teams, which have the short names of these."""
    return [name for name in vaults(incomplete) if name != PERSONAL]


def in_conflict(incomplete: str) -> list[str]:
    """Offer the names of prompts that are in conflict, in other vaults too."""
    return _in_vaults(incomplete, _in_conflict)


def _in_conflict(vault: str | None, incomplete: str) -> list[str]:
    with open_reader(vault) as reader:
        names = reader.names_in_conflict()
        return [name for name in names if name.startswith(incomplete)]


def tags(incomplete: str) -> list[str]:
    """Offer the tags in use."""
    with contextlib.suppress(PromptVaultError), open_reader() as reader:
        return [tag for tag in reader.tags() if tag.startswith(incomplete)]
    return []


def folders(incomplete: str) -> list[str]:
    """Offer the folders in use; those of other vaults have their prefix."""
    return _in_vaults(incomplete, _folders)


def _folders(vault: str | None, incomplete: str) -> list[str]:
    with open_reader(vault) as reader:
        return [f for f in reader.folders() if f.startswith(incomplete)]


def labels(incomplete: str) -> list[str]:
    """Offer the labels in use."""
    with contextlib.suppress(PromptVaultError), open_reader() as reader:
        return [label for label in reader.labels() if label.startswith(incomplete)]
    return []


def trashed(incomplete: str) -> list[str]:
    """Offer the names in the trash."""
    with contextlib.suppress(PromptVaultError), open_reader() as reader:
        from promptvault.vault.reader import Selection

        names = reader.names(Selection(trashed=True))
        return [name for name in names if name.startswith(incomplete)]
    return []


def sources(incomplete: str) -> list[str]:
    """Offer the values of ``--source``."""
    from promptvault.importers import registry  # for this option alone

    return [each for each in registry.source_names() if each.startswith(incomplete)]

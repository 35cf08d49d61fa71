"""What Tab offers: names, versions, tags, folders."""

import contextlib

from promptvault.cli.context import open_reader, open_vault
from promptvault.errors import PromptVaultError
from promptvault.vault import lookup


def names(incomplete: str) -> list[str]:
    """Offer names, and after an '@' the labels and versions of that prompt."""
    name, at, _ = incomplete.partition("@")
    with contextlib.suppress(PromptVaultError):
        if at:
            return [f"{name}@{revision}" for revision in _revisions(name)]
        with open_vault() as connection:
            return lookup.complete_names(connection, incomplete)
    return []


def _revisions(name: str) -> list[str]:
    with open_reader() as reader:
        prompt = reader.get(name)
        return [*prompt.labels, *map(str, range(prompt.versions, 0, -1))]


def in_conflict(incomplete: str) -> list[str]:
    """Offer the names of prompts that are in conflict."""
    with contextlib.suppress(PromptVaultError), open_reader() as reader:
        names = reader.names_in_conflict()
        return [name for name in names if name.startswith(incomplete)]
    return []


def tags(incomplete: str) -> list[str]:
    """Offer the tags in use."""
    with contextlib.suppress(PromptVaultError), open_reader() as reader:
        return [tag for tag in reader.tags() if tag.startswith(incomplete)]
    return []


def folders(incomplete: str) -> list[str]:
    """Offer the folders in use."""
    with contextlib.suppress(PromptVaultError), open_reader() as reader:
        return [f for f in reader.folders() if f.startswith(incomplete)]
    return []


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

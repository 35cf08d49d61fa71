"""The prompts of all vaults of this device, for ``--all-vaults``."""

from collections.abc import Mapping
from datetime import UTC, datetime

from promptvault.domain.name import in_vault
from promptvault.domain.prompt import Prompt
from promptvault.vault import search as finder
from promptvault.vault.reader import Reader, Selection, Sort
from promptvault.vault.search import Hit

_NEVER = datetime.min.replace(tzinfo=UTC)

Readers = Mapping[str | None, Reader]
"""See `context.open_all_readers`."""


def prompts_everywhere(
    readers: Readers, selection: Selection, sort: Sort, limit: int | None = None
) -> list[Prompt]:
    """Return the selected prompts of all vaults, each with its vault in its name."""
    found = [
        prompt._replace(name=in_vault(vault, prompt.name))
        for vault, reader in readers.items()
        for prompt in reader.prompts(selection, sort, limit)
    ]
    if sort is Sort.UPDATED:
        found.sort(key=lambda prompt: prompt.updated_at, reverse=True)
    elif sort is Sort.USED:
        found.sort(key=lambda prompt: prompt.used_at or _NEVER, reverse=True)
    return found[:limit]


def hits_everywhere(
    readers: Readers, query: str, selection: Selection, limit: int
) -> list[Hit]:
    """Return the best hits of all vaults, each with its vault in its name."""
    found = [
        hit._replace(prompt=hit.prompt._replace(name=in_vault(vault, hit.prompt.name)))
        for vault, reader in readers.items()
        for hit in finder.search(reader, query, selection, limit)
    ]
    return sorted(found, key=lambda hit: hit.score, reverse=True)[:limit]

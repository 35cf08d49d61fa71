"""Records of runs, evaluations and optimizations: their selection, and names."""

from collections.abc import Callable
from functools import cache

from promptvault.errors import NotFoundError
from promptvault.services.prompts import retrieval
from promptvault.vault.reader import Reader

FindName = Callable[[str], str | None]
"""Returns the current name of a prompt by its id, None if it was deleted."""


def record_condition(reader: Reader, reference: str | None) -> dict[str, str]:
    """Return the column values that select the records of ``NAME`` or ``NAME@REV``.

    Without a reference, all records are selected. Raises NotFoundError.
    """
    if reference is None:
        return {}
    prompt, version = retrieval.resolve(reader, reference)
    return {"version_id": version.id} if "@" in reference else {"prompt_id": prompt.id}


def name_lookup(reader: Reader) -> FindName:
    """Return a function that looks up the name of a prompt, each once."""

    @cache
    def name(prompt_id: str) -> str | None:
        try:
            prompt = reader.by_id(prompt_id)
        except NotFoundError:
            return None
        return prompt.name if prompt.deleted_at is None else None

    return name

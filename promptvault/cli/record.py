"""Records of what was done with prompts: which ones are meant, and their names now."""

from collections.abc import Callable
from functools import cache

from promptvault.errors import NotFoundError
from promptvault.services.prompts import retrieval
from promptvault.vault.reader import Reader

FindName = Callable[[str], str | None]
"""Returns what a prompt is called now, by its id; None where it was deleted."""


def record_condition(reader: Reader, reference: str | None) -> dict[str, str]:
    """Return what the records of ``NAME`` or ``NAME@REV`` have in their columns.

    All have it without a reference. Raises NotFoundError.
    """
    if reference is None:
        return {}
    prompt, version = retrieval.resolve(reader, reference)
    return {"version_id": version.id} if "@" in reference else {"prompt_id": prompt.id}


def name_lookup(reader: Reader) -> FindName:
    """Return the names of prompts, each looked up once."""

    @cache
    def name(prompt_id: str) -> str | None:
        try:
            prompt = reader.by_id(prompt_id)
        except NotFoundError:
            return None
        return prompt.name if prompt.deleted_at is None else None

    return name

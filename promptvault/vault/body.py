"""The texts of many prompts by key, to compare them without loading them all."""

from collections.abc import Iterator

from promptvault.domain.prompt import Prompt
from promptvault.vault.reader import PROMPT_QUERY, Reader, Selection, to_prompt

_CURRENT = "FROM prompts p JOIN versions v ON v.pk = p.version_pk"


def keys_by_use(reader: Reader, selection: Selection) -> list[int]:
    """Return the keys of the selected prompts: the most used first, then the oldest."""
    where, parameters = selection.where()
    sql = f"""SELECT p.pk FROM prompts p LEFT JOIN usage.uses u ON u.prompt_id = p.id
        WHERE {where} ORDER BY u.uses DESC NULLS LAST, p.created_at, p.pk"""
    return [row[0] for row in reader.rows(sql, *parameters)]


def read_bodies(reader: Reader, selection: Selection) -> Iterator[tuple[int, str]]:
    """Yield key and current text of the selected prompts, in the order of keys."""
    where, parameters = selection.where()
    sql = f"SELECT p.pk, v.body {_CURRENT} WHERE {where} ORDER BY p.pk"
    yield from reader.rows(sql, *parameters)


def read_body(reader: Reader, key: int) -> str:
    """Return the current text of the prompt with this *key*."""
    return str(next(reader.rows(f"SELECT v.body {_CURRENT} WHERE p.pk = ?", key))[0])


def find_key(reader: Reader, prompt: Prompt) -> int:
    """Return the key of *prompt*."""
    return int(next(reader.rows("SELECT pk FROM prompts WHERE id = ?", prompt.id))[0])


def read_prompt(reader: Reader, key: int) -> Prompt:
    """Return the prompt with this *key*."""
    return to_prompt(next(reader.rows(f"{PROMPT_QUERY} WHERE p.pk = ?", key)))

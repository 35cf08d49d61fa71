"""Folders and tags of the vault, and excerpts of prompts, to categorize them."""

import re
from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from typing import NamedTuple

from promptvault.domain.name import folder_of
from promptvault.domain.prompt import LOCAL_SOURCE, Prompt
from promptvault.domain.timestamp import from_text
from promptvault.vault.reader import Reader, Selection

_INCLUDED = re.compile(
    r"""\{%[-+]?\s*(?:include|import|from|extends)\s+["']([^"'@]+)"""
)


class PromptExcerpt(NamedTuple):
    """A prompt, the beginning of its text, and the time of its import."""

    prompt: Prompt
    start: str
    imported_at: datetime | None
    """None if it was not imported."""


def read_excerpts(
    reader: Reader, selection: Selection, characters: int
) -> Iterator[PromptExcerpt]:
    """Yield the selected prompts by name, with the first *characters* of the text."""
    where, parameters = selection.where()
    sql = f"""SELECT p.id, substr(v.body, 1, ?), i.created_at
        FROM prompts p JOIN versions v ON v.pk = p.version_pk
        LEFT JOIN imports i ON i.pk = p.import_pk WHERE {where}"""
    rows = {row[0]: row[1:] for row in reader.rows(sql, characters, *parameters)}
    for prompt in reader.prompts(selection):
        if prompt.id in rows:  # else it was saved after `rows` were read
            start, time = rows[prompt.id]
            yield PromptExcerpt(prompt, start, from_text(time) if time else None)


def names_by_key(reader: Reader) -> dict[int, str]:
    """Return key to name of all prompts."""
    return dict(reader.rows("SELECT pk, name FROM prompts WHERE deleted_at IS NULL"))


def folders_by_use(reader: Reader) -> list[str]:
    """Return the folders, those with the most prompts first."""
    found = Counter(folder_of(name) for name in reader.names(Selection()))
    return [f for f, _ in sorted(found.items(), key=_most_first) if f]


def tags_by_use(reader: Reader) -> list[str]:
    """Return the tags, the most used first."""
    sql = """SELECT value, count(*) FROM prompts, json_each(tags)
        WHERE deleted_at IS NULL GROUP BY value"""
    return [tag for tag, _ in sorted(reader.rows(sql), key=_most_first)]


def _most_first(counted: tuple[str, int]) -> tuple[int, str]:
    return -counted[1], counted[0]


def imported_sources(reader: Reader) -> frozenset[str]:
    """Return the sources of imported prompts."""
    rows = reader.rows("SELECT DISTINCT source FROM prompts")
    return frozenset(row[0] for row in rows) - {LOCAL_SOURCE}


def included_names(reader: Reader) -> set[str]:
    """Return the names by which templates include other prompts."""
    sql = """SELECT v.body FROM prompts p JOIN versions v ON v.pk = p.version_pk
        WHERE p.deleted_at IS NULL AND v.template AND instr(v.body, '{%')"""
    return {name for (body,) in reader.rows(sql) for name in _INCLUDED.findall(body)}

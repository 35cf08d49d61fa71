"""Imports prompts from Org files: each headline tagged `:prompt:`, with its text.

Install it in PromptVault's environment; `promptvault import notes.org` then reads such
files.
"""

import re
from collections.abc import Iterator

from promptvault.importers import (
    Candidate,
    Document,
    Draft,
    Importer,
    Items,
    Skipped,
    as_text,
    read_lines,
)

_HEADLINE = re.compile(r"\*+ (?P<title>.*?)(?P<tags>(?::[\w@]+)+:)?\s*$")


def probe(document: Document) -> bool:
    """Return True if the first 64 KiB have a tagged headline: fast, as it must be."""
    return re.search(rb"^\*+ .*:prompt:", document.head, re.MULTILINE) is not None


def read(document: Document) -> Items:
    """Yield the prompts. The file is read by lines, as it may be larger than memory."""
    with document.open() as stream:
        for title, tags, body in _sections(
            raw.decode(errors="replace") for raw in read_lines(stream)
        ):
            if "prompt" not in tags:
                continue
            if content := as_text(body):
                draft = Draft(content, message_id=title)
                others = tuple(tag for tag in tags if tag != "prompt")
                yield Candidate((draft,), name=title, title=title, tags=others)
            else:
                yield Skipped("no text")


def _sections(lines: Iterator[str]) -> Iterator[tuple[str, list[str], str]]:
    """Yield title, tags and text of each headline; the first has no title."""
    title, tags, body = "", [], []
    for line in lines:
        if headline := _HEADLINE.match(line):
            yield title, tags, "\n".join(body).strip()
            title = headline["title"].strip()
            tags = (headline["tags"] or "").strip(":").split(":")
            body = []
        else:
            body.append(line)
    yield title, tags, "\n".join(body).strip()


IMPORTER = Importer("org", probe, read)

"""Prompts from an Org file: each headline tagged `:prompt:` with the text below it.

Install it beside PromptVault, and `promptvault import notes.org` knows such files.
"""

import re
from collections.abc import Iterator

from promptvault.importers.importer import Importer
from promptvault.importers.input.candidate import Candidate, Draft, Items, Skipped
from promptvault.importers.input.document import Document
from promptvault.importers.input.field import text
from promptvault.importers.input.lines import lines

_HEADLINE = re.compile(r"\*+ (?P<title>.*?)(?P<tags>(?::[\w@]+)+:)?\s*$")


def probe(document: Document) -> bool:
    """Whether a headline with the tag is in sight; quick, as every file is asked."""
    return re.search(rb"^\*+ .*:prompt:", document.head, re.MULTILINE) is not None


def read(document: Document) -> Items:
    """Yield the prompts, line by line: a file may be larger than memory."""
    with document.open() as stream:
        for title, tags, body in _sections(
            raw.decode(errors="replace") for raw in lines(stream)
        ):
            if "prompt" not in tags:
                continue
            if content := text(body):
                draft = Draft(content, message_id=title)
                others = tuple(tag for tag in tags if tag != "prompt")
                yield Candidate((draft,), name=title, title=title, tags=others)
            else:
                yield Skipped("no text")


def _sections(found: Iterator[str]) -> Iterator[tuple[str, list[str], str]]:
    """Yield title, tags and text of every headline."""
    title, tags, body = "", [], []
    for line in found:
        if headline := _HEADLINE.match(line):
            yield title, tags, "\n".join(body).strip()
            title = headline["title"].strip()
            tags = (headline["tags"] or "").strip(":").split(":")
            body = []
        else:
            body.append(line)
    yield title, tags, "\n".join(body).strip()


IMPORTER = Importer("org", probe, read)

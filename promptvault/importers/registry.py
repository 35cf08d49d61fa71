"""The importers there are, and which of them knows a document."""

from collections.abc import Iterator
from dataclasses import replace
from functools import lru_cache
from importlib import import_module

from promptvault.errors import InvalidInputError
from promptvault.importers.importer import Importer
from promptvault.importers.input.candidate import Failure, Items, Skipped
from promptvault.importers.input.document import Document

AUTO = "auto"

# Modules, in the order in which they are asked. All of them together take a quarter
# of the time in which a small import is done, so each is imported when it is asked.
_STRUCTURED = (
    "chats.chatgpt",
    "chats.claude",
    "claude_code.source",
    "gemini.takeout",
    "gemini.ai_studio",
    "gemini.cli",
    "cline.source",
    "cursor.source",
    "specstory.source",
    "tools.llm",
    "tools.fabric",
    "tools.aichat",
    "tools.pet",
    "tools.langfuse",
    "tools.promptfoo",
    "tools.openai_prompts",
    "tools.promptvault",
)
_LOOSE = ("files.csv_file", "files.dataset", "files.markdown")
_FAMILIES = {"gemini": ("gemini", "ai-studio", "gemini-cli")}
"""What a person may mean who names a product that has several kinds of files."""


@lru_cache
def _ours(module: str) -> Importer:
    found = import_module(f"promptvault.importers.{module}")
    if module not in _LOOSE:
        return Importer(found.SOURCE, found.probe, found.read)
    return Importer(found.SOURCE, found.probe, found.read, True, found.doubt)


def importers() -> Iterator[Importer]:
    """Yield our importers, those of other packages before the loose ones."""
    yield from map(_ours, _STRUCTURED)
    yield from _theirs()[0]
    yield from map(_ours, _LOOSE)


@lru_cache(maxsize=1)
def _theirs() -> tuple[list[Importer], list[Failure]]:
    """Return the importers of other packages, and what is wrong with some."""
    from promptvault.importers import plugin  # 20 ms, for what we do not know ourselves

    taken = {_ours(module).source for module in (*_STRUCTURED, *_LOOSE)}
    usable: list[Importer] = []
    failures: list[Failure] = []
    for found in plugin.found():
        if isinstance(found.importer, Failure):
            failures.append(found.importer)
        elif found.importer.source in taken:
            reason = f"there is a source {found.importer.source!r} already"
            failures.append(Failure(found.where, reason))
        else:
            taken.add(found.importer.source)
            usable.append(plugin.guarded(found.importer, found.where, failures))
    return usable, failures


def unusable() -> list[Failure]:
    """Return what is wrong with other packages' importers, as far as they were asked.

    They spoil no import.
    """
    return _theirs()[1] if _theirs.cache_info().currsize else []


def is_loose(source: str) -> bool:
    """Tell whether *source* is one whose structure says little."""
    return any(_ours(module).source == source for module in _LOOSE)


def sources() -> list[str]:
    """Return the names of all sources there are."""
    return list(dict.fromkeys(importer.source for importer in importers()))


def find(document: Document, source: str = AUTO) -> Importer | None:
    """Return the importer that knows *document*, None for a document to pass over.

    *source* narrows the choice to one, or to those of one product; it is then taken
    at its word for a document by itself, but still asked in a container, which holds
    other things.
    Without it, what is in doubt comes with an importer that only counts it.
    Raises InvalidInputError for a source that there is not.
    """
    if source == AUTO:
        found = next((each for each in importers() if each.probe(document)), None)
        reason = found.doubt(document) if found else None
        return _counting(found, reason) if found and reason else found
    named = _named(source)
    known = next((each for each in named if each.probe(document)), None)
    return known or (named[0] if len(document.siblings) <= 1 else None)


def _counting(importer: Importer, reason: str) -> Importer:
    def read(_: Document) -> Items:
        yield Skipped(reason)

    return replace(importer, read=read, settles=False)


def _named(source: str) -> list[Importer]:
    members = _FAMILIES.get(source, (source,))
    if found := [each for each in importers() if each.source in members]:
        return found
    known = ", ".join([AUTO, *sources()])
    raise InvalidInputError(f"There is no source {source!r}; there are {known}.")

"""The importers, ours and those of other packages; which of them reads a document."""

from collections.abc import Iterator
from dataclasses import replace
from functools import lru_cache
from importlib import import_module
from typing import TYPE_CHECKING, NamedTuple

from promptvault.domain.imported_prompt import ImportedPrompt
from promptvault.errors import ImportSourceError, InvalidInputError
from promptvault.importers.importer import Importer
from promptvault.importers.input.candidate import (
    Candidate,
    Conversation,
    Draft,
    Failure,
    Items,
    Skipped,
)
from promptvault.importers.input.document import Document
from promptvault.importers.input.field import sanitized

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

AUTO = "auto"

_GROUP = "promptvault.importers"
"""Entry points of importers in other packages."""

# Modules in the order in which they are probed, those with the most users first. All of
# them take a quarter of the time of a small import to load, so each is imported when it
# is needed.
_STRUCTURED = (
    "copilot.chat",  # first, as it needs only the start of its large files
    "chats.chatgpt",
    "chats.claude",
    "gemini.takeout",
    "claude_code.source",
    "chats.deepseek",
    "chats.le_chat",
    "chats.perplexity",
    "chats.lm_studio",
    "chats.jan",
    "chats.typingmind",
    "chats.chatwise",
    "codex.source",
    "copilot.cli",
    "agents.qwen_code",
    "agents.droid",
    "agents.pi",
    "agents.amp",
    "agents.kiro",
    "agents.goose",
    "agents.warp",
    "editors.zed",
    "opencode.kilo",
    "opencode.source",
    "gemini.ai_studio",
    "gemini.cli",
    "cline.source",
    "cursor.source",
    "specstory.source",
    "agents.aider",
    "editors.continue_dev",
    "tools.llm",
    "tools.fabric",
    "tools.aichat",
    "tools.pet",
    "tools.langfuse",
    "tools.promptfoo",
    "tools.openai_prompts",
    "tools.promptvault",
)
_GENERIC = ("files.csv_file", "files.dataset", "files.markdown")
_FAMILIES = {"gemini": ("gemini", "ai-studio", "gemini-cli")}
"""Products with several kinds of files, for `--source`."""


@lru_cache
def _ours(module: str) -> Importer:
    found = import_module(f"promptvault.importers.{module}")
    if module not in _GENERIC:
        return Importer(found.SOURCE, found.probe, found.read)
    return Importer(
        found.SOURCE,
        found.probe,
        found.read,
        generic=True,
        skip_reason=found.skip_reason,
    )


def importers() -> Iterator[Importer]:
    """Yield our importers; those of plugins come before the generic ones."""
    yield from map(_ours, _STRUCTURED)
    yield from _theirs()[0]
    yield from map(_ours, _GENERIC)


@lru_cache(maxsize=1)
def _theirs() -> tuple[list[Importer], list[Failure]]:
    """Return the importers of plugins, and the failures to load some."""
    taken = {_ours(module).source for module in (*_STRUCTURED, *_GENERIC)}
    usable: list[Importer] = []
    failures: list[Failure] = []
    for found in _load_plugins():
        if isinstance(found.importer, Failure):
            failures.append(found.importer)
        elif found.importer.source in taken:
            reason = f"there is a source {found.importer.source!r} already"
            failures.append(Failure(found.where, reason))
        else:
            taken.add(found.importer.source)
            usable.append(_guarded(found.importer, found.where, failures))
    return usable, failures


def plugin_failures() -> list[Failure]:
    """Return the failures of plugins so far. A broken plugin stops no import."""
    return _theirs()[1] if _theirs.cache_info().currsize else []


def is_generic(source: str) -> bool:
    """Return True if *source* is a generic format: see `Importer.generic`."""
    return any(_ours(module).source == source for module in _GENERIC)


def source_names() -> list[str]:
    """Return the names of all sources, without duplicates."""
    return list(dict.fromkeys(importer.source for importer in importers()))


def find_importer(document: Document, source: str = AUTO) -> Importer | None:
    """Return the importer for *document*, None if no importer reads it.

    *source* limits the choice to one source, or to those of one product. It then also
    applies to a document by itself that no probe accepts, but not to one in a folder or
    an archive, which hold other files too. For AUTO, a document that is probably no
    prompt gets an importer that only counts it. Raises InvalidInputError if there is no
    such source.
    """
    if source == AUTO:
        found = next((each for each in importers() if each.probe(document)), None)
        reason = found.skip_reason(document) if found else None
        return _counting(found, reason) if found and reason else found
    named = _named(source)
    known = next((each for each in named if each.probe(document)), None)
    return known or (named[0] if len(document.siblings) <= 1 else None)


def _counting(importer: Importer, reason: str) -> Importer:
    def read(_: Document) -> Items:
        yield Skipped(reason)

    return replace(importer, read=read, remembered=False)


def sources_of(name: str) -> frozenset[str]:
    """Return the source called *name*, or those of the product; none for AUTO.

    Raises InvalidInputError if there is no such source.
    """
    named = _named(name) if name != AUTO else []
    return frozenset(importer.source for importer in named)


def _named(source: str) -> list[Importer]:
    members = _FAMILIES.get(source, (source,))
    if found := [each for each in importers() if each.source in members]:
        return found
    known = ", ".join([AUTO, *source_names()])
    raise InvalidInputError(f"There is no source {source!r}; there are {known}.")


class _Plugin(NamedTuple):
    """An importer of another package."""

    where: str
    """The entry point, for messages."""
    importer: Importer | Failure
    """A Failure if the package cannot be loaded."""


def _load_plugins() -> Iterator[_Plugin]:
    """Yield the plugins, sorted by the name of the entry point."""
    # 20 ms, for files that none of ours reads
    from importlib.metadata import entry_points

    for entry in sorted(entry_points(group=_GROUP), key=lambda entry: entry.name):
        where = f"importer {entry.name} ({entry.value})"
        yield _Plugin(where, _load(entry, where))


def _load(entry: "EntryPoint", where: str) -> Importer | Failure:
    try:
        loaded = entry.load()
    except Exception as error:  # importing a package may raise anything
        return Failure(where, f"it cannot be imported: {error}")
    if not isinstance(loaded, Importer):
        return Failure(where, "it is not a promptvault.importers.Importer")
    return loaded


def _guarded(importer: Importer, where: str, failures: list[Failure]) -> Importer:
    """Return *importer* so that an exception fails one document, not the import.

    An exception in `probe` or `skip_reason` is added to *failures* and counts as a no.
    """
    guard = _Guard(importer, where, failures)
    return replace(
        importer,
        probe=guard.probe,
        skip_reason=guard.skip_reason,
        read=guard.read,
    )


class _Guard:
    """Calls a plugin's importer and catches whatever it raises."""

    def __init__(self, importer: Importer, where: str, failures: list[Failure]) -> None:
        self._importer = importer
        self._where = where
        self._failures = failures

    def probe(self, document: Document) -> bool:
        try:
            return bool(self._importer.probe(document))
        except Exception as error:
            self._add_failure(error)
            return False

    def skip_reason(self, document: Document) -> str | None:
        try:
            return self._importer.skip_reason(document)
        except Exception as error:
            self._add_failure(error)
            return None

    def read(self, document: Document) -> Items:
        try:
            for item in self._importer.read(document):
                wrong = Failure(
                    document.name, "the importer yielded something else than an item"
                )
                yield item if _is_sound(item) else wrong
        except ImportSourceError:
            raise
        except Exception as error:  # its message may quote the file
            reason = f"the importer failed: {type(error).__name__}"
            raise ImportSourceError(reason) from error

    def _add_failure(self, error: Exception) -> None:
        reason = f"it failed when asked about a file: {type(error).__name__}"
        failure = Failure(self._where, reason)
        if failure not in self._failures:
            self._failures.append(failure)


def _is_sound(item: object) -> bool:
    if isinstance(item, Conversation):
        return all(map(_is_sound, item.candidates))
    if isinstance(item, Candidate):
        return bool(item.drafts) and all(map(_is_sound_draft, item.drafts))
    return isinstance(item, Failure | Skipped | ImportedPrompt)


def _is_sound_draft(draft: Draft) -> bool:
    time = draft.created_at
    return draft.body == sanitized(draft.body) and (
        time is None or time.tzinfo is not None
    )

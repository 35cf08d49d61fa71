"""The importers there are, and which of them knows a document."""

from promptvault.errors import InvalidInputError
from promptvault.importers import (
    ai_studio,
    aichat,
    chatgpt,
    claude,
    claude_code,
    cline,
    csv_file,
    cursor,
    dataset,
    fabric,
    gemini_cli,
    gemini_takeout,
    langfuse,
    llm,
    markdown,
    openai_prompts,
    pet,
    plugin,
    promptfoo,
    promptvault,
    specstory,
)
from promptvault.importers.candidate import Failure
from promptvault.importers.document import Document
from promptvault.importers.importer import Importer

AUTO = "auto"


IMPORTERS = (
    Importer(chatgpt.SOURCE, chatgpt.probe, chatgpt.read),
    Importer(claude.SOURCE, claude.probe, claude.read),
    Importer(claude_code.SOURCE, claude_code.probe, claude_code.read),
    Importer(gemini_takeout.SOURCE, gemini_takeout.probe, gemini_takeout.read),
    Importer(ai_studio.SOURCE, ai_studio.probe, ai_studio.read),
    Importer(gemini_cli.SOURCE, gemini_cli.probe, gemini_cli.read),
    Importer(cline.SOURCE, cline.probe, cline.read),
    Importer(cursor.SOURCE, cursor.probe, cursor.read),
    Importer(specstory.SOURCE, specstory.probe, specstory.read),
    Importer(llm.SOURCE, llm.probe, llm.read),
    Importer(fabric.SOURCE, fabric.probe, fabric.read),
    Importer(aichat.SOURCE, aichat.probe, aichat.read),
    Importer(pet.SOURCE, pet.probe, pet.read),
    Importer(langfuse.SOURCE, langfuse.probe, langfuse.read),
    Importer(promptfoo.SOURCE, promptfoo.probe, promptfoo.read),
    Importer(openai_prompts.SOURCE, openai_prompts.probe, openai_prompts.read),
    Importer(promptvault.SOURCE, promptvault.probe, promptvault.read),
    Importer(csv_file.SOURCE, csv_file.probe, csv_file.read, loose=True),
    Importer(dataset.SOURCE, dataset.probe, dataset.read, loose=True),
    Importer(markdown.SOURCE, markdown.probe, markdown.read, loose=True),
)
"""Every importer of ours, in the order in which they are asked."""


_OURS = frozenset(importer.source for importer in IMPORTERS)


def importers() -> tuple[Importer, ...]:
    """Return our importers with those of other packages, the loose ones last."""
    more = plugin.load(_OURS).importers
    return tuple(sorted((*IMPORTERS, *more), key=lambda importer: importer.loose))


def unusable() -> tuple[Failure, ...]:
    """Return what other packages bring that cannot be used, and why."""
    return plugin.load(_OURS).failures


def sources() -> list[str]:
    """Return the names of all sources there are."""
    return list(dict.fromkeys(importer.source for importer in importers()))


def find(document: Document, source: str = AUTO) -> Importer | None:
    """Return the importer that knows *document*, None for a document to pass over.

    *source* narrows the choice to one; that one is then taken at its word for a
    document by itself, but still asked in a container, which holds other things.
    Raises InvalidInputError for a source that there is not.
    """
    if source == AUTO:
        return next((each for each in importers() if each.probe(document)), None)
    importer = _named(source)
    alone = len(document.siblings) <= 1
    return importer if alone or importer.probe(document) else None


def _named(source: str) -> Importer:
    for importer in importers():
        if importer.source == source:
            return importer
    known = ", ".join([AUTO, *sources()])
    raise InvalidInputError(f"There is no source {source!r}; there are {known}.")

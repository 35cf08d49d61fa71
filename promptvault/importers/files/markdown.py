"""Markdown and plain text: one prompt in a file, or a list of prompts."""

import hashlib
import json
import os
import re
from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath
from typing import Any, NamedTuple

from promptvault import front_matter
from promptvault.errors import ImportSourceError, InvalidInputError
from promptvault.importers.files import context, markdown_list
from promptvault.importers.files.markdown_list import ListedPrompt
from promptvault.importers.input import encoded_text
from promptvault.importers.input.candidate import (
    NO_TEXT,
    Candidate,
    CandidateKind,
    Draft,
    Failure,
    Items,
    Skipped,
)
from promptvault.importers.input.document import Document
from promptvault.importers.input.field import as_text
from promptvault.importers.tools.template import (
    Piece,
    Slot,
    TemplateText,
    split_at,
    translate,
)

SOURCE = "text"

_ENDINGS = (".md", ".markdown", ".mdc", ".txt", ".prompt")
# Endings of other formats: such a file is no prompt even if it is given by itself.
_DATA = (".json", ".jsonl", ".ndjson", ".csv", ".tsv", ".html", ".htm", ".xml")
_WHOLE_HEAD = 64 << 10
_LARGEST_PROMPT = 1 << 20
_LARGEST = 1 << 24
_PROJECT_FILE = re.compile(
    r"""(readme|licen[cs]e|copying|notice|changelog|changes|history|contribut\w*|authors
    |code_of_conduct|security|support|maintainers|requirements|cmakelists|robots)
    (?![^\W_])""",
    re.I | re.X,
)
_MARKUP = re.compile(r"\s*(<!doctype html|<html|<\?xml)", re.I)
_INSTRUCTION_NAMES = ("claude.md", "agents.md", "gemini.md", "copilot-instructions.md")
_INSTRUCTION_ENDINGS = (
    *(".mdc", ".cursorrules", ".windsurfrules", ".clinerules"),
    *(".instructions.md", ".agent.md"),
)
_INSTRUCTION_FIELDS = frozenset({"alwaysApply", "globs", "applyTo"})
_COMMAND_FIELDS = frozenset({"argument-hint", "allowed-tools"})
_PROMPT_FILE_FIELDS = frozenset({"mode", "agent"})
_ARGUMENT = re.compile(r"\$(?:(ARGUMENTS)\b(?!\[)|([1-9])(?!\d))")
_INPUT = re.compile(r"\$\{input:([\w-]+)(?::([^}]*))?\}")
_FIELD = re.compile(r"([A-Za-z][\w-]*):[ \t]*(.*)")
_FRONT = re.compile(r"---[ \t]*\n(.*?)^---[ \t]*(?:\n|\Z)", re.M | re.S)


class _Text(NamedTuple):
    """The text of a file, and the fields of its front matter."""

    fields: Mapping[str, Any]
    body: str


def probe(document: Document) -> bool:
    """Return True for text that may be a prompt.

    By itself that is any text. Among other files it is text by its name, not too long,
    and not a file that explains a project.
    """
    if document.is_database or _is_data(document):
        return False
    if context.is_alone(document):
        return True
    path = PurePosixPath(document.name)
    if not path.name.lower().endswith((*_ENDINGS, *_INSTRUCTION_ENDINGS)):
        return False
    is_prompt = document.size <= _LARGEST_PROMPT and not _PROJECT_FILE.match(path.name)
    return is_prompt or bool(
        markdown_list.listed_prompts(encoded_text.text_start(document))
    )


def skip_reason(document: Document) -> str | None:
    """Return why *document* is probably no prompt: documentation is Markdown too."""
    if context.is_alone(document):
        return None
    if context.is_beside_export(document):
        return "a loose file beside a chat export"
    is_kept = (
        context.is_place_of_prompts(document)
        or context.is_among_texts(document)
        or _is_marked(document)
    )
    return None if is_kept else "plain text among other files"


def _is_marked(document: Document) -> bool:
    """Return True if the file itself says that it is a prompt or instructions."""
    beginning = encoded_text.text_start(document)
    if markdown_list.is_certain(beginning):
        return True
    fields, _ = _split_front_matter(beginning)
    keys = fields.keys()
    return (
        document.name.lower().endswith(".prompt")
        or _is_instructions(document, fields)
        or PurePosixPath(document.name.lower()).name == "skill.md"
        or {"name", "description"} <= keys
        or not _COMMAND_FIELDS.isdisjoint(keys)
        or any(tag.lower() in ("prompt", "prompts") for tag in _tags(fields))
        or ("description" in keys and context.is_tool_folder(document))
    )


def _is_data(document: Document) -> bool:
    """Return True for JSON or markup; even damaged it is no prompt."""
    if document.sample or document.name.lower().endswith(_DATA):
        return True
    beginning = encoded_text.text_start(document)
    if len(document.head) < _WHOLE_HEAD:
        try:
            json.loads(beginning)
        except (ValueError, RecursionError):
            pass
        else:
            return True
    is_json = re.match(r"\s*(\[\s*[\[{]|\{\s*\")", beginning)
    return bool(is_json or _MARKUP.match(beginning))


def read(document: Document) -> Items:
    """Yield the prompt that *document* is, or those that it lists."""
    try:
        whole = encoded_text.whole_text(document, _LARGEST)
    except ImportSourceError as error:
        yield Failure(document.name, str(error))
        return
    fields, body = _split_front_matter(whole)
    if not fields and (listed := markdown_list.listed_prompts(body)):
        yield from _entries(document, listed)
    elif markdown_list.has_text(body):
        yield _prompt(document, _Text(fields, body.strip("\n")))
    else:
        yield Skipped(NO_TEXT)


def _entries(document: Document, listed: list[ListedPrompt]) -> Iterator[Candidate]:
    """Yield the prompts of a list; the heading identifies each for later imports."""
    seen: set[str] = set()
    for title, body in listed:
        key = _key(document, title) if title and title not in seen else None
        seen.add(title)
        yield Candidate((Draft(body, message_id=key),), title=title or None)


def _prompt(document: Document, parts: _Text) -> Candidate:
    fields = parts.fields
    name = _word(fields.get("name")) or _file_name(document)
    title = _word(fields.get("title")) or _word(fields.get("name"))
    return Candidate(
        (_wording(document, parts).draft(message_id=_key(document)),),
        CandidateKind.INSTRUCTIONS
        if _is_instructions(document, fields)
        else CandidateKind.PROMPT,
        name=name,
        title=title or re.sub("[-_]+", " ", PurePosixPath(name).name).strip() or None,
        description=_word(fields.get("description")) or "",
        tags=tuple(_tags(fields)),
    )


def _word(value: object) -> str | None:
    return as_text(str(value)) if isinstance(value, str | int | float) else None


def _key(document: Document, title: str = "") -> str | None:
    """Return an id that identifies an edited file by its path."""
    if not document.path:
        return None
    place = os.fsencode(document.path.absolute()) + b"\0" + title.encode()
    return hashlib.blake2b(place, digest_size=16).hexdigest()


def _file_name(document: Document) -> str:
    path = PurePosixPath(document.name)
    if path.name.lower() == "skill.md":  # each is in a folder of its own
        return document.folder or "skill"
    stem = path.name
    for ending in (*_ENDINGS, ".instructions", ".agent", ".prompt", ".chatmode"):
        stem = stem[: -len(ending)] if stem.lower().endswith(ending) else stem
    return str(path.with_name(stem)) if stem.strip(".") else path.name


def _tags(fields: Mapping[str, Any]) -> Iterator[str]:
    for key in ("tags", "tag", "category", "categories", "keywords"):
        value = fields.get(key)
        parts = value.split(",") if isinstance(value, str) else value
        for part in parts if isinstance(parts, list) else []:
            if word := _word(part):
                yield word.strip(" #")


def _is_instructions(document: Document, fields: Mapping[str, Any]) -> bool:
    """Return True for a rule or an agent, which an editor puts before every chat."""
    path = PurePosixPath(document.name.lower())
    is_agent = path.parent.name == "agents" and {"name", "description"} <= fields.keys()
    return (
        is_agent
        or path.name in _INSTRUCTION_NAMES
        or path.name.endswith((*_INSTRUCTION_ENDINGS, ".chatmode.md"))
        or not _INSTRUCTION_FIELDS.isdisjoint(fields)
    )


def _wording(document: Document, parts: _Text) -> TemplateText:
    """Return the body; a template if the front matter is that of a command."""
    if not _COMMAND_FIELDS.isdisjoint(parts.fields):
        hint = str(parts.fields.get("argument-hint") or "")
        return translate(_with_arguments(parts.body, hint))
    is_prompt_file = document.name.lower().endswith(".prompt.md")
    if is_prompt_file or not _PROMPT_FILE_FIELDS.isdisjoint(parts.fields):
        return translate(_with_inputs(parts.body))
    return TemplateText(parts.body)


def _with_arguments(body: str, hint: str) -> Iterator[Piece]:
    for literal, found in split_at(body, _ARGUMENT):
        yield literal
        if found and found[1]:
            yield Slot("arguments", description=hint)
        elif found:
            yield Slot(f"argument_{found[2]}")


def _with_inputs(body: str) -> Iterator[Piece]:
    for literal, found in split_at(body, _INPUT):
        yield literal
        if found:
            yield Slot(found[1].replace("-", "_"), description=found[2] or "")


def _split_front_matter(whole: str) -> _Text:
    """Return the fields of the front matter, {} without any, and the body."""
    whole = whole.removeprefix("\ufeff")
    try:
        found = front_matter.split(whole)
    except InvalidInputError:
        return _parse_loosely(whole)
    return _Text(found.fields, found.body) if found else _Text({}, whole)


def _parse_loosely(whole: str) -> _Text:
    """Read front matter that is not valid YAML, such as ``globs: *.py``, by lines."""
    block = _FRONT.match(whole)
    if not block:
        return _Text({}, whole)
    found = filter(None, map(_FIELD.match, block[1].split("\n")))
    fields = {field[1]: field[2].strip().strip("\"'") for field in found}
    return _Text(fields, whole[block.end() :]) if fields else _Text({}, whole)

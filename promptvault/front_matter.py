"""Markdown files with YAML front matter: the form of a prompt in the history.

It is written without a YAML library: a bulk import writes tens of thousands of headers,
and a library takes 0.1 ms and more for each. Every value is written as a plain word or
as a JSON string, both of which are YAML, so any YAML reader understands the file.
"""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from json.encoder import encode_basestring
from typing import Any

from promptvault.domain.prompt import Content, Origin, Prompt, Version
from promptvault.domain.timestamp import to_text
from promptvault.domain.variable import variables_to_mapping
from promptvault.errors import InvalidInputError

_MARK = "---\n"
_PLAIN = re.compile(
    r"[A-Za-z][A-Za-z0-9_./+-]*(?: [A-Za-z0-9_./+(-][A-Za-z0-9_./+()-]*)*"
)
_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_YAML_WORDS = frozenset("true false yes no on off null y n".split())
_UNPRINTABLE = re.compile(r"[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")
_MAX_HEADER = 64_000_000
"""A prompt as short as "continue" may have been found ten thousand times."""


@dataclass(frozen=True, slots=True)
class Document:
    """A Markdown file taken apart: its front matter, and the body byte for byte."""

    fields: Mapping[str, Any]
    body: str


def header(prompt: Prompt, version: Version, origins: Iterable[Origin]) -> str:
    """Return the front matter of *prompt* at *version*, both marks included."""
    lines = [_MARK]
    if prompt.title:
        lines.append(f"title: {_text(prompt.title)}\n")
    if prompt.description:
        lines.append(f"description: {_text(prompt.description)}\n")
    if prompt.tags:
        lines.append(f"tags: {_inline(list(prompt.tags))}\n")
    if prompt.favourite:
        lines.append("favourite: true\n")
    if prompt.secrets_allowed:
        lines.append("sensitive_allowed: true\n")
    lines += _declaration(version.content)
    lines += _mapping("labels", dict(sorted(prompt.labels.items())))
    lines.append(f"source: {_text(prompt.source)}\n")
    lines += _origins(origins)
    lines.append(f"created: {to_text(prompt.created_at)}\n")
    lines.append(f"updated: {to_text(version.created_at)}\n")
    if prompt.updated_at != version.created_at:
        lines.append(f"changed: {to_text(prompt.updated_at)}\n")
    name, email = version.author
    lines.append(f"author: {_text(f'{name} <{email}>')}\n")
    lines.append(f"message: {_text(version.message)}\n")
    lines.append(f"id: {prompt.id}\nversion: {version.number}\n")
    lines.append(f"revision: {version.id}\n")
    if prompt.deleted_at:
        lines.append(f"name: {_text(prompt.name)}\n")
        lines.append(f"deleted: {to_text(prompt.deleted_at)}\n")
    lines.append(_MARK)
    return "".join(lines)


def declaration(content: Content) -> str:
    """Return the front matter that declares *content* a template, for an editor."""
    return "".join([_MARK, *_declaration(content), _MARK])


def _declaration(content: Content) -> Iterable[str]:
    if content.template:
        yield "template: true\n"
    yield from _mapping("variables", variables_to_mapping(content.variables))


def _mapping(key: str, values: Mapping[str, Any]) -> Iterable[str]:
    if values:
        yield f"{key}:\n"
    for name, value in values.items():
        yield f"  {_text(name)}: {_inline(value)}\n"


def _origins(origins: Iterable[Origin]) -> Iterable[str]:
    start = "origins:\n"
    for origin in origins:
        fields = [f"source: {_text(origin.source)}"]
        if origin.conversation_id:
            fields.append(f"conversation: {_text(origin.conversation_id)}")
        if origin.conversation_title:
            fields.append(f"title: {_text(origin.conversation_title)}")
        if origin.message_id:
            fields.append(f"message: {_text(origin.message_id)}")
        if origin.model:
            fields.append(f"model: {_text(origin.model)}")
        if origin.created_at:
            fields.append(f"created: {to_text(origin.created_at)}")
        if origin.url:
            fields.append(f"url: {_text(origin.url)}")
        yield f"{start}  - {{{', '.join(fields)}}}\n"
        start = ""


def _inline(value: object) -> str:
    if isinstance(value, dict):
        items = (f"{_text(key)}: {_inline(item)}" for key, item in value.items())
        return "{" + ", ".join(items) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_inline, value)) + "]"
    if isinstance(value, float) and "e" in repr(value):
        return _exponent(value)
    return _text(value) if isinstance(value, str) else json.dumps(value)


def _exponent(value: float) -> str:
    """Return a number as YAML 1.1 wants it: with a point, and a sign behind the e."""
    mantissa, _, exponent = repr(value).partition("e")
    point = "" if "." in mantissa else ".0"
    sign = "" if exponent[0] in "+-" else "+"
    return f"{mantissa}{point}e{sign}{exponent}"


@lru_cache(maxsize=1024)  # a conversation's fields come with each of its prompts
def _text(value: str) -> str:
    if _UUID.fullmatch(value):
        return value
    if _PLAIN.fullmatch(value) and value.lower() not in _YAML_WORDS:
        return value
    quoted = encode_basestring(value)
    if quoted.isascii() and "\x7f" not in quoted:
        return quoted
    return _UNPRINTABLE.sub(lambda match: f"\\u{ord(match[0]):04x}", quoted)


@dataclass(frozen=True, slots=True)
class Parts:
    """A file of the history: whose it is, and its body."""

    prompt_id: str
    number: int
    revision: str
    body: str


def take_apart(text: str) -> Parts | None:
    """Return the parts of a file of the history, None for any other file.

    Without reading the YAML: in what `header` writes, every value is on one line.
    """
    end = text.find("\n---\n")
    ids = re.search(
        r"^id: (\S+)\nversion: (\d+)\nrevision: (\S+)$", text[: end + 1], re.M
    )
    if end < 0 or not text.startswith(_MARK) or not ids:
        return None
    return Parts(ids[1], int(ids[2]), ids[3], text[end + 5 :])


def split(text: str) -> Document | None:
    """Take a Markdown file apart, or return None when it has no front matter.

    Raises InvalidInputError when there is a block between two ``---`` lines that
    cannot be read as a YAML mapping.
    """
    opening = re.match(r"\ufeff?---[ \t]*\r?\n", text)
    if not opening:
        return None
    closing = re.compile(r"^---[ \t]*(?:\r?\n|\Z)", re.MULTILINE).search(
        text, opening.end(), opening.end() + _MAX_HEADER
    )
    if not closing:
        return None
    fields = _load(text[opening.end() : closing.start()])
    return None if fields is None else Document(fields, text[closing.end() :])


@lru_cache(maxsize=1)
def yaml_loader() -> Any:
    """Return a safe YAML loader that leaves times as the text they are."""
    import yaml  # 13 ms, which saving a plain text need not pay

    class Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
        yaml_implicit_resolvers = {  # noqa: RUF012 - how PyYAML wants it
            first: [pair for pair in pairs if not pair[0].endswith(":timestamp")]
            for first, pairs in yaml.SafeLoader.yaml_implicit_resolvers.items()
        }

    return Loader


def _load(block: str) -> Mapping[str, Any] | None:
    import yaml

    try:
        _refuse_aliases(block)
        fields = yaml.load(block, yaml_loader())
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        where = f" (line {mark.line + 2})" if mark else ""
        raise InvalidInputError(f"The front matter is no valid YAML{where}.") from None
    return fields if isinstance(fields, dict) else None


def _refuse_aliases(block: str) -> None:
    # Aliases are how a few lines of YAML grow into gigabytes; no header needs them.
    import yaml

    if "*" in block:
        for event in yaml.parse(block, yaml_loader()):
            if isinstance(event, yaml.AliasEvent):
                raise InvalidInputError("The front matter uses YAML aliases.")

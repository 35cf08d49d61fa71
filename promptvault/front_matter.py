"""Markdown files with YAML front matter: how a prompt stands in the history.

Writing is by hand, since a bulk import writes tens of thousands of headers and a
YAML library takes 0.1 ms and more for each. Every value is written as a plain word
or as a JSON string, both of which are YAML, so any YAML reader understands the file.
"""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from json.encoder import encode_basestring
from typing import Any

import yaml

from promptvault.domain.prompt import Content, Origin, Prompt, Version
from promptvault.domain.timestamp import to_text
from promptvault.domain.variable import variables_to_mapping
from promptvault.errors import InvalidInputError

_MARK = "---\n"
_PLAIN = re.compile(
    r"[A-Za-z][A-Za-z0-9_./+-]*(?: [A-Za-z0-9_./+(-][A-Za-z0-9_./+()-]*)*"
)
_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
_YAML_WORDS = frozenset("true false yes no on off null y n".split())
_UNPRINTABLE = re.compile(r"[\x7f-\x84\x86-\x9f\u2028\u2029\ufeff\ufffe\uffff]")
_MAX_HEADER = 1_000_000


@dataclass(frozen=True, slots=True)
class Document:
    """A Markdown file taken apart: its front matter, and the body byte for byte."""

    fields: Mapping[str, Any]
    body: str


def header(prompt: Prompt, version: Version, origins: Iterable[Origin]) -> str:
    """Return the front matter of *prompt* at *version*, both marks included."""
    lines = [_MARK]
    lines += _field("title", prompt.title)
    lines += _field("description", prompt.description)
    lines += _field("tags", list(prompt.tags))
    lines += _field("favourite", prompt.favourite)
    lines += _field("template", version.content.template)
    lines += _field("variables", variables_to_mapping(version.content.variables))
    lines += _field("labels", prompt.labels)
    lines += _field("source", prompt.source)
    lines += _field("origins", [_origin(origin) for origin in origins])
    lines += _field("created", to_text(prompt.created_at))
    lines += _field("updated", to_text(version.created_at))
    lines += _field("id", prompt.id)
    lines += _field("version", version.number)
    lines += _field("revision", version.id)
    if prompt.deleted_at:
        lines += _field("name", prompt.name)
        lines += _field("deleted", to_text(prompt.deleted_at))
    lines.append(_MARK)
    return "".join(lines)


def declaration(content: Content) -> str:
    """Return the front matter that declares *content* a template, for an editor."""
    lines = [_MARK, *_field("template", content.template)]
    lines += _field("variables", variables_to_mapping(content.variables))
    return "".join([*lines, _MARK])


def _origin(origin: Origin) -> dict[str, str]:
    time = to_text(origin.created_at) if origin.created_at else None
    fields = {
        "source": origin.source,
        "conversation": origin.conversation_id,
        "title": origin.conversation_title,
        "message": origin.message_id,
        "model": origin.model,
        "created": time,
        "url": origin.url,
    }
    return {key: value for key, value in fields.items() if value}


def _field(key: str, value: object) -> Iterable[str]:
    """Yield the line or lines of one field; an empty value has none."""
    if value is None or value is False or value in ("", [], {}):
        return
    if isinstance(value, dict):
        yield f"{key}:\n"
        for name, item in value.items():
            yield f"  {_scalar(name)}: {_inline(item)}\n"
    elif isinstance(value, list) and isinstance(value[0], dict):
        yield f"{key}:\n"
        for item in value:
            yield f"  - {_inline(item)}\n"
    else:
        yield f"{key}: {_inline(value)}\n"


def _inline(value: object) -> str:
    if isinstance(value, dict):
        items = (f"{_scalar(key)}: {_inline(item)}" for key, item in value.items())
        return "{" + ", ".join(items) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_inline, value)) + "]"
    return _scalar(value)


def _scalar(value: object) -> str:
    if not isinstance(value, str):
        return json.dumps(value)
    return _text(value)


def _text(value: str) -> str:
    if _PLAIN.fullmatch(value) and value.lower() not in _YAML_WORDS:
        return value
    if _UUID.fullmatch(value) or _TIME.fullmatch(value):
        return value
    quoted = encode_basestring(value)
    if quoted.isascii() and "\x7f" not in quoted:
        return quoted
    return _UNPRINTABLE.sub(lambda match: f"\\u{ord(match[0]):04x}", quoted)


class _Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    """Reads times as the text they are: a body's header has no business with dates."""


_Loader.yaml_implicit_resolvers = {
    first: [pair for pair in pairs if pair[0] != "tag:yaml.org,2002:timestamp"]
    for first, pairs in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


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


def _load(block: str) -> Mapping[str, Any] | None:
    try:
        _refuse_aliases(block)
        fields = yaml.load(block, _Loader)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        where = f" (line {mark.line + 2})" if mark else ""
        raise InvalidInputError(f"The front matter is no valid YAML{where}.") from None
    return fields if isinstance(fields, dict) else None


def _refuse_aliases(block: str) -> None:
    # Aliases are how a few lines of YAML grow into gigabytes; no header needs them.
    if "*" not in block:
        return
    for event in yaml.parse(block, _Loader):
        if isinstance(event, yaml.AliasEvent):
            raise InvalidInputError("The front matter uses YAML aliases; write it out.")

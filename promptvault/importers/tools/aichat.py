"""Roles of aichat: one Markdown file each, or all in the older roles.yaml."""

import re
from collections.abc import Iterator
from pathlib import PurePosixPath

from promptvault.importers.input.candidate import (
    NO_TEXT,
    Candidate,
    Failure,
    Item,
    Items,
    Skipped,
)
from promptvault.importers.input.document import Document
from promptvault.importers.input.encoded_text import LARGEST, text_start, whole_text
from promptvault.importers.input.field import as_text
from promptvault.importers.tools import yaml_document
from promptvault.importers.tools.template import INPUT, Piece, Slot, split_at, translate

SOURCE = "aichat"

_KEYS = {"model", "temperature", "top_p", "use_tools"}
_FRONT = re.compile(r"\s*-{3,}[ \t]*\r?\n(.*?\n)?-{3,}[ \t]*(?:\r?\n|\Z)", re.DOTALL)
_KEY = re.compile(r"^([^\s#:][^:\n]*?)[ \t]*:", re.MULTILINE)
_MODEL = re.compile(r"^model[ \t]*:[ \t]*[\"']?([^\"'\s#]+)", re.MULTILINE)
_ENTRY = re.compile(r"^- +(?:name|prompt)[ \t]*:", re.MULTILINE)
_KNOWN_BY_ITSELF = {
    "os": "Operating system",
    "os_distro": "Name and version of the operating system",
    "os_family": "Family of operating systems",
    "arch": "Architecture of the computer",
    "shell": "Shell that commands are for",
    "locale": "Language and region",
    "now": "Date and time",
    "cwd": "Working directory",
}
_PLACE = re.compile(
    rf"__INPUT__|__ARG(\d+)__|\{{\{{__({'|'.join(_KNOWN_BY_ITSELF)})__\}}\}}"
)


def probe(document: Document) -> bool:
    """Return True for a role or a list of roles."""
    if document.name.lower().endswith(".md"):
        return document.size <= LARGEST and _is_role(document)
    return yaml_document.is_yaml(document) and _is_list(document)


def read(document: Document) -> Items:
    """Yield each role except those that come with aichat.

    Raises ImportSourceError if a list of roles is not valid YAML.
    """
    if document.name.lower().endswith((".yaml", ".yml")):
        yield from _listed(document)
        return
    name = _stem(document)
    body = whole_text(document)
    if found := _FRONT.match(body):
        model = _MODEL.search(found[1] or "")
        yield _role(name, name, body[found.end() :], model and model[1])
    elif not body.lstrip()[:3].strip("-"):
        yield Failure(document.name, "its front matter does not end")
    else:
        yield _role(name, name, body)


def _stem(document: Document) -> str:
    return PurePosixPath(document.name).stem


def _is_role(document: Document) -> bool:
    """Return True for a role by the fields of its front matter.

    A file without front matter is a role if it is in aichat's folder.
    """
    head = text_start(document)
    found = _FRONT.match(head)
    in_place = document.folder == "roles" and _stem(document).lower() != "readme"
    if not found:
        return in_place and not head.lstrip().startswith("---")
    block = found[1] or ""
    keys = set(_KEY.findall(block))
    if not keys or not keys <= _KEYS:
        return False
    # Other tools also write front matter with only a model; aichat's has the provider
    # before it.
    model = _MODEL.search(block)
    return in_place or keys != {"model"} or bool(model and ":" in model[1])


def _is_list(document: Document) -> bool:
    if not _ENTRY.search(text_start(document)):
        return False
    roles = yaml_document.load_or_none(document)
    if not isinstance(roles, list) or not all(map(_is_entry, roles)):
        return False
    return any("prompt" in role for role in roles)


def _is_entry(role: object) -> bool:
    return (
        isinstance(role, dict)
        and isinstance(role.get("name"), str)
        and isinstance(role.get("prompt", ""), str)
    )


def _listed(document: Document) -> Iterator[Item]:
    loaded = yaml_document.load(document)
    seen: set[str] = set()
    for index, role in enumerate(loaded if isinstance(loaded, list) else [loaded], 1):
        if not _is_entry(role):
            yield Failure(f"{document.name}, role {index}", "it is not a role")
            continue
        called = role["name"]
        # A second role of the same name is identified by its text alone.
        key = called if called not in seen else None
        seen.add(called)
        yield _role(called, key, role.get("prompt", ""), role.get("model"))


def _role(called: str, key: str | None, prompt: str, model: object = None) -> Item:
    # The name of a role includes its arguments: convert:json:toml, convert#json#toml.
    name = as_text(re.split("[:#]", called)[0].strip())
    if name and name.startswith("%") and name.endswith("%"):
        return Skipped("role that comes with aichat")
    body = as_text(prompt.strip())
    if not body:
        return Skipped(NO_TEXT)
    draft = translate(_pieces(body)).draft(
        message_id=as_text(key), model=as_text(model)
    )
    return Candidate((draft,), title=name, name=name)


def _pieces(prompt: str) -> Iterator[Piece]:
    for literal, found in split_at(prompt, _PLACE):
        yield literal
        if found and found[1]:
            yield Slot(f"arg{found[1]}")
        elif found and found[2]:
            yield Slot(found[2], description=_KNOWN_BY_ITSELF[found[2]])
        elif found:
            yield INPUT

"""Reads a document with an importer, and notices if that did not understand it."""

import re
from collections.abc import Iterator

from promptvault.errors import ImportSourceError
from promptvault.importers.files import context
from promptvault.importers.importer import Importer
from promptvault.importers.input.candidate import (
    EMPTY_CONVERSATION,
    NO_TEXT,
    Conversation,
    Failure,
    Item,
    Items,
    Skipped,
)
from promptvault.importers.input.document import Document
from promptvault.importers.input.json_stream import JsonObject, JsonValue

_NO_REASONS = {EMPTY_CONVERSATION, NO_TEXT}
"""What a reader also says if it looks for a text in the wrong place."""
_ROLES = frozenset({"user", "human", "request"})
_ROLE_KEYS = ("role", "sender", "author", "from", "speaker", "type", "kind")
_NAMES = ("role", "name", "type")
"""Keys of a role that is an object, such as ``{"author": {"role": "user"}}``."""
_TEXT_KEYS = frozenset(
    """body content fragments message parts prompt query say text texts value""".split()
)
_USER_MARK = re.compile(rb'"(?:role|sender|author|from)"\s*:\s*"(?:user|human)"')
"""The role of a message in JSON, of which no object is complete."""
_MACHINE_STARTS = tuple("<[{#")
"""What a program adds in a person's name begins with markup."""
_MOST_VALUES = 20_000


def read_items(importer: Importer, document: Document) -> Items:
    """Yield the contents of *document*.

    Raises ImportSourceError if the document cannot be read further, and at its end if
    it plainly holds messages although *importer* found neither a prompt nor a reason to
    leave one out: its format is then another one, or has changed.
    """
    is_empty = True
    for item in importer.read(document):
        is_empty = is_empty and _is_empty(item)
        yield item
    if is_empty and holds_user_message(document):
        raise ImportSourceError(
            f"it holds messages, but none could be read as {importer.source}"
        )


def find_unclaimed(document: Document) -> Failure | None:
    """Return a failure if *document*, which no importer claims, holds messages.

    The data of a program among its source code does not count.
    """
    if context.is_beside_code(document):
        return None
    if holds_user_message(document):
        return Failure(document.name, "it holds messages, but its format is not known")
    if not document.sample and _USER_MARK.search(document.head):
        return Failure(document.name, "it holds messages, but its JSON is damaged")
    return None


def _is_empty(item: Item) -> bool:
    if isinstance(item, Conversation):
        return not item.candidates and item.skipped.keys() <= _NO_REASONS
    return isinstance(item, Skipped) and item.reason in _NO_REASONS


def holds_user_message(document: Document) -> bool:
    """Return True if the first JSON objects of *document* plainly hold a message of a
    person, with text. False says nothing: only common field names are known."""
    return any(
        any(map(_is_plain, _texts(value)))
        for sample in document.sample
        for value in _objects(sample)
        if _is_by_user(value)
    )


def _objects(value: JsonValue) -> Iterator[JsonObject]:
    """Yield the objects in *value* but results of tools; 20,000 values are looked at.

    A tool's result has the role of a person in many formats.
    """
    waiting = [value]
    for _ in range(_MOST_VALUES):
        if not waiting:
            return
        value = waiting.pop()
        if isinstance(value, dict) and "tool" not in str(value.get("type")):
            yield value
            waiting.extend(value.values())
        elif isinstance(value, list):
            waiting.extend(value)


def _is_by_user(value: JsonObject) -> bool:
    for key in _ROLE_KEYS:
        role = value.get(key)
        roles = map(role.get, _NAMES) if isinstance(role, dict) else [role]
        if any(isinstance(each, str) and each.lower() in _ROLES for each in roles):
            return True
    return False


def _texts(value: JsonObject) -> Iterator[str]:
    """Yield the strings in the text fields of a message."""
    for inner in _objects(value):
        for key in _TEXT_KEYS & inner.keys():
            field = inner[key]
            parts = field if isinstance(field, list) else [field]
            yield from (each for each in parts if isinstance(each, str))


def _is_plain(text: str) -> bool:
    return bool(text.strip()) and not text.lstrip().startswith(_MACHINE_STARTS)

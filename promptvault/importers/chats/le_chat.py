"""Exports of Mistral's Le Chat: a zip with a file for each chat.

`chat-<id>.json` is a list of messages in no order, without the title of the chat.
`content` and the text parts of `contentChunks` say the same; either may be empty. The
format is observed in a public converter of such exports; it is not documented.
"""

import re
from collections.abc import Iterable
from typing import NamedTuple

from promptvault.importers.conversation import turn_list
from promptvault.importers.conversation.message_file import read_messages
from promptvault.importers.conversation.message_list import join_parts
from promptvault.importers.input.candidate import Conversation, Draft, Items
from promptvault.importers.input.document import Document
from promptvault.importers.input.field import as_text, as_time
from promptvault.importers.input.json_stream import JsonObject

SOURCE = "le-chat"

_OWN = frozenset({"contentChunks", "reaction", "quotes", "canvas"})
_NAME = re.compile(r"(?:.*/)?chat-([\w-]+)\.json")


class _Said(NamedTuple):
    """A message that a person typed."""

    chat: str | None
    key: str
    """Its id, which all of its versions have; unique in the file if it has none."""
    version: int
    draft: Draft | None


def probe(document: Document) -> bool:
    """Return True for a list of Le Chat's messages."""
    return any(map(_is_message, document.sample))


def read(document: Document) -> Items:
    """Yield the chat in *document*, and then what could not be read.

    Raises ImportSourceError if the file cannot be read further.
    """
    messages, failures = read_messages(document)
    name = _NAME.fullmatch(document.name)
    if messages or not failures:
        yield from _chats(_said(messages, name[1] if name else None))
    yield from failures


def _is_message(value: JsonObject) -> bool:
    return {"chatId", "role"} <= value.keys() and not _OWN.isdisjoint(value.keys())


def _said(messages: Iterable[JsonObject], chat: str | None) -> list[_Said]:
    """Return the messages in order; *chat* is the id of their chat if they name
    none."""
    timed = []
    for place, message in enumerate(messages):
        chat = as_text(message.get("chatId")) or chat
        made = as_time(message.get("createdAt"))
        key, version = as_text(message.get("id")), message.get("version")
        number = version if isinstance(version, int) else 0
        body = _body(message)
        draft = Draft(body, made, key) if body else None
        timed.append((made, _Said(chat, key or f"#{place}", number, draft)))
    return turn_list.in_order(timed)


def _body(message: JsonObject) -> str | None:
    written = join_parts(message.get("content"))
    return written or join_parts(message.get("contentChunks"))


def _chats(messages: Iterable[_Said]) -> Items:
    """Yield the chats that *messages* belong to, nearly always one."""
    chats: dict[str | None, list[_Said]] = {}
    for message in messages:
        chats.setdefault(message.chat, []).append(message)
    for key, those in (chats or {None: []}).items():
        yield _conversation(key, those)


def _conversation(key: str | None, messages: Iterable[_Said]) -> Conversation:
    versions: dict[str, list[_Said]] = {}
    for message in messages:
        versions.setdefault(message.key, []).append(message)
    turns = (
        sorted(drafts, key=lambda each: each.version) for drafts in versions.values()
    )
    return turn_list.build_conversation(
        ([each.draft for each in drafts if each.draft] for drafts in turns),
        key=key,
        title=None,
        url=f"https://chat.mistral.ai/chat/{key}" if key else None,
    )

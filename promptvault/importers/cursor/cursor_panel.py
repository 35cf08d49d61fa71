"""Cursor's older chat panel, and the log of prompts that each workspace keeps."""

from collections.abc import Container, Iterator

from promptvault.domain.digest import digest
from promptvault.importers.cursor.chat import Chat
from promptvault.importers.cursor.composer import rich_text
from promptvault.importers.cursor.envelope import typed
from promptvault.importers.input.candidate import Conversation
from promptvault.importers.input.field import items, members, moment, text
from promptvault.importers.input.json_stream import JsonObject, JsonValue

_UNTITLED = "Chat"
_HISTORY = "Prompt history"
_ASKED = ("composer", "chat", "cmdk", None)
"""Kinds of generation that a prompt began; "apply" and others name what was done."""


def conversations(data: JsonValue) -> Iterator[Conversation]:
    """Yield the chat in each tab of the panel that Cursor had in 2023 and 2024."""
    for tab in map(members, items(members(data).get("tabs"))):
        key = text(tab.get("tabId")) or text(tab.get("id"))
        name = text(tab.get("chatTitle")) or text(tab.get("title"))
        chat = Chat(key, name or _UNTITLED, moment(tab.get("createdAt")))
        for bubble in map(members, items(tab.get("bubbles"))):
            if bubble.get("type") == "user":
                made = moment(bubble.get("createdAt") or bubble.get("timestamp"))
                chat.add(typed(_said(bubble)), text(bubble.get("id")), made)
        yield chat.conversation()


def history(
    prompts: JsonValue, generations: JsonValue, known: Container[bytes]
) -> Conversation:
    """Return the logged prompts whose digests are not *known*, oldest first.

    The first log has no times; the second has, and holds fewer prompts and more.
    """
    asked = [each for each in map(members, items(generations)) if _is_asked(each)]
    texts = [text(each.get("text")) for each in map(members, items(prompts))]
    described = [text(each.get("textDescription")) for each in asked]
    times = dict(
        zip(described, (moment(each.get("unixMs")) for each in asked), strict=True)
    )
    bodies = dict.fromkeys(filter(None, [*texts, *described]))
    chat = Chat(None, _HISTORY)
    chat.skipped["no text"] = sum(body is None for body in texts)
    for body in bodies:
        if digest(body) not in known:
            chat.add(typed(body), made=times.get(body))
    found = chat.conversation()  # nobody knows which of them began a chat
    logged = (each._replace(opening=False) for each in found.candidates)
    return Conversation(tuple(logged), found.skipped)


def _said(bubble: JsonObject) -> str:
    said = text(bubble.get("text")) or text(bubble.get("rawText"))
    return said or rich_text(bubble.get("initText")) or ""


def _is_asked(generation: JsonObject) -> bool:
    return generation.get("type") in _ASKED

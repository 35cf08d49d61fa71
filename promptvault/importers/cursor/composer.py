"""Cursor's chats in its databases: the data of a composer, and its bubbles (messages).

The format is observed in databases of 2023 to 2026; it is not documented.
"""

import contextlib
import re
from datetime import datetime
from typing import NamedTuple

from promptvault.importers.cursor.chat import CursorChat
from promptvault.importers.cursor.envelope import SentMessage, parse_message
from promptvault.importers.input.database import parse_json
from promptvault.importers.input.field import as_list, as_object, as_text, as_time
from promptvault.importers.input.json_stream import JsonObject, JsonValue

_USER = 1
_USER_MARK = re.compile(rb'"type"\s*:\s*1\b')
_AGENTS = re.compile(rb'"sub(?:agentC|C)omposerIds"\s*:\s*\[([^\]]*)\]')
_ID = re.compile(rb'"([^"]+)"')
# Nodes of the rich text that begin a line.
_LINES = ("linebreak", "paragraph", "heading", "listitem", "quote", "code")
_ANY_MODEL = "default"


class ChatHeader(NamedTuple):
    """What the lists of chats store about one chat."""

    name: str | None = None
    made: datetime | None = None


class ChatEntry(NamedTuple):
    """One entry of a chat, in the order in which entries are shown."""

    id: str | None
    is_user: bool | None = None
    """None if only the message itself says so."""
    bubble: JsonObject | None = None
    """The message, if it is stored within the chat."""


def user_bubble(value: object, *, is_known: bool = False) -> JsonObject | None:
    """Return the message in *value* if a person sent it; others are not parsed.

    *is_known* says that the chat lists it as a person's. Raises ValueError if it is not
    valid JSON.
    """
    marked = isinstance(value, bytes) and _USER_MARK.search(value)
    if not (marked or is_known):
        return None
    bubble = as_object(parse_json(value))
    kind = bubble.get("type", _USER if is_known else None)
    return bubble if kind == _USER else None


def bubble_id(value: object) -> str | None:
    """Return the id in the message *value*, if a person sent it."""
    with contextlib.suppress(ValueError):
        name = as_object(user_bubble(value)).get("bubbleId")
        return name if isinstance(name, str) else None
    return None


def has_text(value: object) -> bool:
    """Return True if *value* is a message with text from a person."""
    try:
        bubble = user_bubble(value)
    except ValueError:
        return False
    sent = bubble_message(bubble) if bubble else None
    return bool(sent and sent.body)


def subagent_ids(value: object) -> list[str]:
    """Return the ids of the chats that the chat in *value* names as subagents."""
    lists = _AGENTS.findall(value) if isinstance(value, bytes) else ()
    return [key.decode(errors="replace") for each in lists for key in _ID.findall(each)]


def chat_entries(data: JsonObject) -> list[ChatEntry]:
    """Return the entries of a chat of any era; none if it lists none."""
    inline = _inline(data)
    listed = as_list(data.get("fullConversationHeadersOnly")) or as_list(
        data.get("conversation")
    )
    return [_turn(each, inline) for each in listed or inline]


def is_subagent(key: str, data: JsonObject) -> bool:
    """Return True if another agent, not a person, wrote the prompts of a chat."""
    return bool(
        as_object(data.get("subagentInfo"))
        or data.get("isSubagent")
        or data.get("isBestOfNSubcomposer")
        or key.startswith("task-")
    )


def new_chat(key: str, data: JsonObject, head: ChatHeader) -> CursorChat:
    """Return the chat *key*, still empty."""
    title = as_text(data.get("name")) or head.name
    started = as_time(data.get("createdAt")) or head.made
    return CursorChat(as_text(key), title, started, _model(data.get("modelConfig")))


def add_bubble(chat: CursorChat, key: str | None, bubble: JsonObject) -> None:
    """Add a message that a person sent to *chat*."""
    made = as_time(bubble.get("createdAt"))
    chat.add(
        bubble_message(bubble), as_text(key), made, _model(bubble.get("modelInfo"))
    )


def bubble_message(bubble: JsonObject) -> SentMessage | None:
    """Return what a person wrote in *bubble*, None if it is not a person's."""
    return parse_message(
        as_text(bubble.get("text")) or rich_text(bubble.get("richText")) or ""
    )


def rich_text(value: JsonValue) -> str | None:
    """Return the text of an editor state (Lexical), which is JSON within JSON."""
    if isinstance(value, str):
        try:
            value = parse_json(value)
        except ValueError:
            return None
    pieces: list[str] = []
    nodes: list[JsonValue] = [as_object(value).get("root")]
    while nodes:
        node = as_object(nodes.pop())
        if as_text(node.get("type")) in _LINES:
            pieces.append("\n")
        if isinstance(piece := node.get("text"), str):
            pieces.append(piece)
        nodes.extend(reversed(as_list(node.get("children"))))
    return as_text("".join(pieces).strip("\n"))


def _turn(listed: JsonValue, inline: dict[str, JsonObject]) -> ChatEntry:
    if isinstance(listed, str):
        header: JsonObject = {"bubbleId": listed, **inline.get(listed, {})}
    else:
        header = as_object(listed)
    name = header.get("bubbleId")
    key = name if isinstance(name, str) else None
    kind = header.get("type")
    is_user = kind == _USER if isinstance(kind, int) else None
    return ChatEntry(key, is_user, inline.get(key) if key else header)


def _inline(data: JsonObject) -> dict[str, JsonObject]:
    """Return the messages stored within a chat, by id."""
    found = {}
    for key, value in as_object(data.get("conversationMap")).items():
        found[key] = as_object(value)
    for bubble in map(as_object, as_list(data.get("conversation"))):
        if name := as_text(bubble.get("bubbleId")):
            found[name] = bubble
    return found


def _model(config: JsonValue) -> str | None:
    name = as_text(as_object(config).get("modelName"))
    return None if name == _ANY_MODEL else name

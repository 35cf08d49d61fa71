"""Cursor's chats as it stores them: a composer's data, and its bubbles (messages)."""

import contextlib
import json
import re
from datetime import datetime
from typing import NamedTuple

from promptvault.importers.cursor.chat import Chat
from promptvault.importers.cursor.envelope import Typed, typed
from promptvault.importers.input.field import items, members, moment, text
from promptvault.importers.input.json_stream import JsonObject, JsonValue

_USER = 1
_USER_MARK = re.compile(rb'"type"\s*:\s*1\b')
_AGENTS = re.compile(rb'"sub(?:agentC|C)omposerIds"\s*:\s*\[([^\]]*)\]')
_ID = re.compile(rb'"([^"]+)"')
# Nodes of the rich text that begin a new line.
_LINES = ("linebreak", "paragraph", "heading", "listitem", "quote", "code")
_ANY_MODEL = "default"


class Head(NamedTuple):
    """What the lists of chats say about one of them."""

    name: str | None = None
    made: datetime | None = None


class Turn(NamedTuple):
    """One entry of a chat, in the order in which they are shown."""

    id: str | None
    is_user: bool | None = None
    """None where only the message itself tells."""
    bubble: JsonObject | None = None
    """The message, where it is stored within the chat."""


def parsed(value: object) -> JsonValue:
    """Return the JSON in *value*. Raises ValueError, without any of the text."""
    if not isinstance(value, bytes):
        raise ValueError("it is neither text nor bytes")
    try:
        found: JsonValue = json.loads(value.decode(errors="replace"), strict=False)
    except json.JSONDecodeError as error:
        raise ValueError(error.msg) from error
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error
    return found


def user_bubble(value: object, *, is_known: bool = False) -> JsonObject | None:
    """Return the message in *value* if a person sent it; others are not parsed.

    *is_known* says that the chat lists it as a person's. Raises ValueError where it
    is no JSON.
    """
    marked = isinstance(value, bytes) and _USER_MARK.search(value)
    if not (marked or is_known):
        return None
    bubble = members(parsed(value))
    kind = bubble.get("type", _USER if is_known else None)
    return bubble if kind == _USER else None


def id_of(value: object) -> str | None:
    """Return the id that the message in *value* bears, if a person sent it."""
    with contextlib.suppress(ValueError):
        name = members(user_bubble(value)).get("bubbleId")
        return name if isinstance(name, str) else None
    return None


def has_text(value: object) -> bool:
    """Whether *value* is a message in which a person said something."""
    try:
        bubble = user_bubble(value)
    except ValueError:
        return False
    sent = said(bubble) if bubble else None
    return bool(sent and sent.body)


def subagents_of(value: object) -> list[str]:
    """Return the ids of the chats that the chat in *value* names as its agents'."""
    lists = _AGENTS.findall(value) if isinstance(value, bytes) else ()
    return [key.decode(errors="replace") for each in lists for key in _ID.findall(each)]


def turns(data: JsonObject) -> list[Turn]:
    """Return the entries of a chat of any era; none where it lists none."""
    inline = _inline(data)
    listed = items(data.get("fullConversationHeadersOnly")) or items(
        data.get("conversation")
    )
    return [_turn(each, inline) for each in listed or inline]


def is_subagent(key: str, data: JsonObject) -> bool:
    """Whether another agent, not a person, wrote the prompts of a chat."""
    return bool(
        members(data.get("subagentInfo"))
        or data.get("isSubagent")
        or data.get("isBestOfNSubcomposer")
        or key.startswith("task-")
    )


def chat_of(key: str, data: JsonObject, head: Head) -> Chat:
    """Return the chat *key*, which is still to be filled."""
    title = text(data.get("name")) or head.name
    started = moment(data.get("createdAt")) or head.made
    return Chat(text(key), title, started, _model(data.get("modelConfig")))


def add_bubble(chat: Chat, key: str | None, bubble: JsonObject) -> None:
    """Add a message that a person sent to *chat*."""
    made = moment(bubble.get("createdAt"))
    chat.add(said(bubble), text(key), made, _model(bubble.get("modelInfo")))


def said(bubble: JsonObject) -> Typed | None:
    """Return what a person wrote in *bubble*, None where it is not a person's."""
    return typed(text(bubble.get("text")) or rich_text(bubble.get("richText")) or "")


def rich_text(value: JsonValue) -> str | None:
    """Return the text of an editor's state (Lexical), which is JSON within JSON."""
    if isinstance(value, str):
        try:
            value = parsed(value.encode(errors="replace"))
        except ValueError:
            return None
    pieces: list[str] = []
    nodes: list[JsonValue] = [members(value).get("root")]
    while nodes:
        node = members(nodes.pop())
        if text(node.get("type")) in _LINES:
            pieces.append("\n")
        if isinstance(piece := node.get("text"), str):
            pieces.append(piece)
        nodes.extend(reversed(items(node.get("children"))))
    return text("".join(pieces).strip("\n"))


def _turn(listed: JsonValue, inline: dict[str, JsonObject]) -> Turn:
    if isinstance(listed, str):
        header: JsonObject = {"bubbleId": listed, **inline.get(listed, {})}
    else:
        header = members(listed)
    name = header.get("bubbleId")
    key = name if isinstance(name, str) else None
    kind = header.get("type")
    is_user = kind == _USER if isinstance(kind, int) else None
    return Turn(key, is_user, inline.get(key) if key else header)


def _inline(data: JsonObject) -> dict[str, JsonObject]:
    """Return the messages stored within a chat, by their ids."""
    found = {}
    for key, value in members(data.get("conversationMap")).items():
        found[key] = members(value)
    for bubble in map(members, items(data.get("conversation"))):
        if name := text(bubble.get("bubbleId")):
            found[name] = bubble
    return found


def _model(config: JsonValue) -> str | None:
    name = text(members(config).get("modelName"))
    return None if name == _ANY_MODEL else name

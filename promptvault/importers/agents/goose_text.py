"""What a person typed in a session of Goose."""

import re
from typing import NamedTuple

from promptvault.importers.conversation.session_chat import SessionChat
from promptvault.importers.input.field import as_list, as_object, as_text, as_time
from promptvault.importers.input.json_stream import JsonObject, JsonValue

_AGENTS = {"sub_agent": "subagent", "hidden": "hidden", "scheduled": "scheduled"}
"""Kinds of session that no person types in, and the reason for leaving them out."""
_VARIABLE = re.compile(r"\{\{\s*(\w+)\s*\}\}")
_RECIPE = "recipe"


class GooseSession(NamedTuple):
    """What is stored about one session."""

    key: str | None
    title: str | None = None
    kind: str | None = None
    recipe: JsonObject | None = None
    """The recipe that began it; its prompt is the first message."""
    values: JsonObject | None = None
    """Values of the recipe's variables."""


def session_chat(session: GooseSession) -> SessionChat:
    """Return the chat that the messages of *session* are added to."""
    return SessionChat(session.key, session.title)


def add_message(
    chat: SessionChat,
    session: GooseSession,
    row: JsonObject,
    metadata: JsonObject,
    key: str | None,
) -> None:
    """Add a message to *chat* if a person typed it; *key* is its id."""
    if row.get("role") != "user":
        return
    body = None if metadata.get("userVisible") is False else _typed(row.get("content"))
    reason = _skip_reason(session, body)
    if reason:
        chat.skipped[reason] += 1
    else:
        chat.add_typed(body, as_time(row.get("created")), key)


def _skip_reason(session: GooseSession, body: str | None) -> str | None:
    if not body:
        return None
    if session.kind in _AGENTS:
        return _AGENTS[session.kind]
    return _RECIPE if body.strip() == _recipe_prompt(session) else None


def _recipe_prompt(session: GooseSession) -> str:
    prompt = as_text((session.recipe or {}).get("prompt")) or ""
    values = session.values or {}
    filled = _VARIABLE.sub(lambda found: str(values.get(found[1], found[0])), prompt)
    return filled.strip()


def _typed(contents: JsonValue) -> str | None:
    """Return the text in *contents*; "" for an image, None for a machine's message."""
    blocks = [as_object(each) for each in as_list(contents)]
    kinds = {as_text(each.get("type")) for each in blocks}
    if "toolResponse" in kinds:
        return None
    texts = (as_text(each.get("text")) for each in blocks if _is_shown_text(each))
    body = "\n".join(filter(None, texts))
    return body if body or "image" in kinds else None


def _is_shown_text(block: JsonObject) -> bool:
    """Return True for a text that is not only for the model."""
    about = as_object(block.get("annotations")) or block
    audience = as_list(about.get("audience"))
    return block.get("type") == "text" and (not audience or "user" in audience)

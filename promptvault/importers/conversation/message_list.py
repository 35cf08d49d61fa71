"""Messages in a row, as {role, content} or {from, value}, made into a conversation."""

from collections.abc import Iterable, Iterator
from typing import TypeGuard

from promptvault.domain.digest import digest
from promptvault.domain.prompt import clean_line
from promptvault.importers.input.candidate import (
    Candidate,
    Conversation,
    Draft,
    Kind,
    unbranched,
)
from promptvault.importers.input.field import items, members, moment, text
from promptvault.importers.input.json_stream import JsonObject, JsonValue

_HUMAN = frozenset({"user", "human", "prompter"})
_STANDING = frozenset({"system", "developer"})
_OTHER = frozenset(
    """assistant gpt chatgpt bard bing bot model claude gemini tool function
    observation function_call function_response ipython""".split()
)
_ROLES = _HUMAN | _STANDING | _OTHER
_CONTENT = ("content", "value", "parts", "text")
_TEXT_PARTS = (None, "text", "input_text")
_TITLE_LENGTH = 80


class Standing:
    """The system messages of one file: each text counts only once."""

    def __init__(self) -> None:
        self._seen: set[bytes] = set()

    def candidates(
        self, bodies: Iterable[str | None], title: str | None = None
    ) -> Iterator[Candidate]:
        """Yield those of *bodies* that are new, as instructions."""
        for body in filter(None, bodies):
            if (known := digest(body)) not in self._seen:
                self._seen.add(known)
                yield Candidate((Draft(body),), Kind.INSTRUCTIONS, title=title)


def is_message(value: object) -> TypeGuard[JsonObject]:
    """Whether *value* is one message: who speaks, and what."""
    message = value if isinstance(value, dict) else {}
    return _role(message) in _ROLES and any(key in message for key in _CONTENT)


def are_messages(value: JsonValue) -> bool:
    """Whether *value* is a list with messages, as far as its beginning tells."""
    return any(map(is_message, items(value)[:5]))


def is_human(message: JsonObject) -> bool:
    """Whether a person wrote *message*."""
    return _role(message) in _HUMAN


def body(message: JsonObject) -> str | None:
    """Return the text of a message; images, files and tool results have none."""
    content = next((message[key] for key in _CONTENT if message.get(key)), None)
    return joined(content)


def joined(content: JsonValue) -> str | None:
    """Return a text as it is, and the texts of a list of parts as one."""
    if isinstance(content, str):
        return text(content)
    parts = content if isinstance(content, list) else [content]
    return "\n".join(filter(None, map(_part, parts))) or None


def standing_bodies(messages: Iterable[JsonValue]) -> Iterator[str | None]:
    """Yield the texts of the system messages."""
    for message in map(members, messages):
        if _role(message) in _STANDING:
            yield body(message)


def drafts(
    messages: Iterable[JsonValue], model: str | None = None
) -> list[Draft | None]:
    """Return what a person wrote, in order; None for a message without text."""
    return [
        _draft(message, model)
        for message in map(members, messages)
        if is_human(message)
    ]


def conversation(
    turns: Iterable[Draft | None],
    standing: Iterable[Candidate] = (),
    *,
    key: str | None = None,
    title: str | None = None,
) -> Conversation:
    """Return *turns* (None has no text) as a conversation, instructions first.

    One without a title goes by its first words, so that its later turns are known to
    be such.
    """
    every = list(turns)
    said = [turn for turn in every if turn]
    if said and not title:
        title = clean_line(said[0].body[: 2 * _TITLE_LENGTH])[:_TITLE_LENGTH].strip()
    candidates = unbranched(said, key, title)
    textless = len(every) - len(said)
    skipped = {"no text": textless} if textless else {}
    return Conversation((*standing, *candidates), skipped)


def _draft(message: JsonObject, model: str | None) -> Draft | None:
    said = body(message)
    if not said:
        return None
    made = moment(message.get("created_at")) or moment(message.get("timestamp"))
    return Draft(said, made, None, model)


def _role(message: JsonObject) -> str:
    role = message.get("role") or message.get("from")
    return role.strip().lower() if isinstance(role, str) else ""


def _part(part: JsonValue) -> str | None:
    fields = members(part)
    if isinstance(part, dict) and fields.get("type") in _TEXT_PARTS:
        inner = fields.get("text")
        return text(members(inner).get("value")) or text(inner)
    return text(part)

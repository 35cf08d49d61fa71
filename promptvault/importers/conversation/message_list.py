"""Lists of messages, as {role, content} or {from, value}, as a conversation."""

from collections.abc import Iterable, Iterator
from typing import TypeGuard

from promptvault.domain.digest import digest
from promptvault.domain.prompt import clean_line
from promptvault.importers.input.candidate import (
    NO_TEXT,
    Candidate,
    CandidateKind,
    Conversation,
    Draft,
    linear_candidates,
)
from promptvault.importers.input.field import as_list, as_object, as_text, as_time
from promptvault.importers.input.json_stream import JsonObject, JsonValue

_HUMAN = frozenset({"user", "human", "prompter"})
_SYSTEM_ROLES = frozenset({"system", "developer"})
_OTHER = frozenset(
    """assistant gpt chatgpt bard bing bot model claude gemini tool function
    observation function_call function_response ipython""".split()
)
_ROLES = _HUMAN | _SYSTEM_ROLES | _OTHER
_CONTENT = ("content", "value", "parts", "text")
_TEXT_PARTS = (None, "text", "input_text")
_TITLE_LENGTH = 80


class SystemPrompts:
    """The system messages of one file, each text once."""

    def __init__(self) -> None:
        self._seen: set[bytes] = set()

    def candidates(
        self, bodies: Iterable[str | None], title: str | None = None
    ) -> Iterator[Candidate]:
        """Yield each of *bodies* that was not yielded before, as instructions."""
        for body in filter(None, bodies):
            if (known := digest(body)) not in self._seen:
                self._seen.add(known)
                yield Candidate((Draft(body),), CandidateKind.INSTRUCTIONS, title=title)


def is_message(value: object) -> TypeGuard[JsonObject]:
    """Return True if *value* is one message: it has a role and a content."""
    message = value if isinstance(value, dict) else {}
    return _role(message) in _ROLES and any(key in message for key in _CONTENT)


def are_messages(value: JsonValue) -> bool:
    """Return True if *value* is a list with a message among its first five items."""
    return any(map(is_message, as_list(value)[:5]))


def is_human(message: JsonObject) -> bool:
    """Return True if a person wrote *message*."""
    return _role(message) in _HUMAN


def message_text(message: JsonObject) -> str | None:
    """Return the text of a message; None for an image, a file or a tool result."""
    content = next((message[key] for key in _CONTENT if message.get(key)), None)
    return join_parts(content)


def join_parts(content: JsonValue) -> str | None:
    """Return a string unchanged, or the texts of a list of parts, joined by lines."""
    if isinstance(content, str):
        return as_text(content)
    parts = content if isinstance(content, list) else [content]
    return "\n".join(filter(None, map(_part, parts))) or None


def system_texts(messages: Iterable[JsonValue]) -> Iterator[str | None]:
    """Yield the texts of the system messages."""
    for message in map(as_object, messages):
        if _role(message) in _SYSTEM_ROLES:
            yield message_text(message)


def human_drafts(
    messages: Iterable[JsonValue], model: str | None = None
) -> list[Draft | None]:
    """Return the messages of the person, in order; None is one without text."""
    return [
        _draft(message, model)
        for message in map(as_object, messages)
        if is_human(message)
    ]


def build_conversation(
    turns: Iterable[Draft | None],
    instructions: Iterable[Candidate] = (),
    *,
    key: str | None = None,
    title: str | None = None,
) -> Conversation:
    """Return *turns* as a conversation after its instructions; None is a message
    without text.

    Without *title* it is titled by its first words: a title marks later prompts as
    turns of a conversation.
    """
    every = list(turns)
    said = [turn for turn in every if turn]
    if said and not title:
        title = opening_words(said[0].body)
    candidates = linear_candidates(said, key, title)
    textless = len(every) - len(said)
    skipped = {NO_TEXT: textless} if textless else {}
    return Conversation((*instructions, *candidates), skipped)


def opening_words(body: str) -> str:
    """Return the first words of *body*, as the title of a chat without one."""
    return clean_line(body[: 2 * _TITLE_LENGTH])[:_TITLE_LENGTH].strip()


def _draft(message: JsonObject, model: str | None) -> Draft | None:
    said = message_text(message)
    if not said:
        return None
    made = as_time(message.get("created_at")) or as_time(message.get("timestamp"))
    return Draft(said, made, None, model)


def _role(message: JsonObject) -> str:
    role = message.get("role") or message.get("from")
    return role.strip().lower() if isinstance(role, str) else ""


def _part(part: JsonValue) -> str | None:
    fields = as_object(part)
    if isinstance(part, dict) and fields.get("type") in _TEXT_PARTS:
        inner = fields.get("text")
        return as_text(as_object(inner).get("value")) or as_text(inner)
    return as_text(part)

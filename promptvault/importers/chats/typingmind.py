"""Exports of TypingMind: {data: {chats, userPrompts, userCharacters}}.

`chats` has the chats, `userPrompts` the prompt library, `userCharacters` the agents
with their instructions. The fields are observed in public converters of such exports;
those of `userPrompts` are not confirmed by one.
"""

import re
from collections.abc import Iterator

from promptvault.importers.conversation import turn_list
from promptvault.importers.conversation.message_list import (
    SystemPrompts,
    is_human,
    join_parts,
    system_texts,
)
from promptvault.importers.conversation.turn_list import Turn
from promptvault.importers.input.attachment import without_files
from promptvault.importers.input.candidate import (
    NO_TEXT,
    Candidate,
    Conversation,
    Draft,
    Failure,
    Item,
    Items,
    Skipped,
)
from promptvault.importers.input.document import Document
from promptvault.importers.input.field import (
    as_list,
    as_object,
    as_text,
    as_time,
    first_text,
)
from promptvault.importers.input.json_stream import Damaged, JsonObject, json_values

SOURCE = "typingmind"

# Messages of role "user" that no person typed in this chat: examples of an agent,
# summaries, files and marks.
_NOT_TYPED = frozenset(
    """attachment clear-context tm_context_summary tm_multi_responses
    training-message""".split()
)
_OPENING = re.compile(rb'\s*+\{\s*+"data"\s*+:\s*+\{')
_TITLES = ("title", "name")
_BODIES = ("prompt", "body", "content", "text")


def probe(document: Document) -> bool:
    """Return True for an export, and for single chats of one."""
    if any(_is_export(each) or _is_chat(each) for each in document.sample):
        return True
    # A large export is one object that does not end within the sample.
    return bool(_OPENING.match(document.head)) and b'"chatID"' in document.head


def read(document: Document) -> Items:
    """Yield the chats, prompts and agents in *document*; each instruction only once.

    Raises ImportSourceError if the file cannot be read further.
    """
    system_prompts = SystemPrompts()
    with document.open() as stream:
        for index, value in enumerate(json_values(without_files(stream), ("chats",))):
            where = f"{document.name}, conversation {index + 1}"
            if isinstance(value, Damaged):
                yield Failure(where, value.reason)
            elif isinstance(value, dict) and _is_export(value):
                yield from _export(as_object(value["data"]), where, system_prompts)
            else:
                yield _chat(as_object(value), where, system_prompts)


def _is_export(value: JsonObject) -> bool:
    data = as_object(value.get("data"))
    chats = [as_object(chat) for chat in as_list(data.get("chats"))]
    return any(map(_is_chat, chats[:5])) or (
        "chats" in data and "userCharacters" in data
    )


def _is_chat(value: JsonObject) -> bool:
    return "chatID" in value and isinstance(value.get("messages"), list)


def _export(data: JsonObject, where: str, system_prompts: SystemPrompts) -> Items:
    for number, chat in enumerate(as_list(data.get("chats")), 1):
        yield _chat(as_object(chat), f"{where}.{number}", system_prompts)
    for prompt in map(as_object, as_list(data.get("userPrompts"))):
        yield _prompt(prompt)
    for agent in map(as_object, as_list(data.get("userCharacters"))):
        body = as_text(agent.get("instruction"))
        yield Conversation(
            tuple(system_prompts.candidates([body], first_text(agent, _TITLES)))
        )


def _chat(chat: JsonObject, where: str, system_prompts: SystemPrompts) -> Item:
    if not isinstance(chat.get("messages"), list):
        return Failure(where, "it has no messages")
    if turn_list.is_deleted(chat):
        return Skipped("deleted")
    messages = [as_object(message) for message in as_list(chat.get("messages"))]
    return turn_list.build_conversation(
        (
            _turn(each, as_text(chat.get("model")))
            for each in messages
            if _is_typed(each)
        ),
        system_prompts.candidates(_system_texts(chat, messages)),
        key=as_text(chat.get("chatID")) or as_text(chat.get("id")),
        title=as_text(chat.get("chatTitle")),
    )


def _is_typed(message: JsonObject) -> bool:
    return is_human(message) and message.get("type") not in _NOT_TYPED


def _turn(message: JsonObject, model: str | None) -> Turn:
    if turn_list.is_deleted(message):
        return None
    body = join_parts(message.get("content"))
    made = as_time(message.get("createdAt"))
    return [Draft(body, made, as_text(message.get("uuid")), model)] if body else []


def _system_texts(chat: JsonObject, messages: list[JsonObject]) -> Iterator[str | None]:
    yield as_text(as_object(chat.get("chatParams")).get("systemMessage"))
    yield as_text(as_object(chat.get("character")).get("instruction"))
    yield from system_texts(messages)


def _prompt(prompt: JsonObject) -> Item:
    if not (body := first_text(prompt, _BODIES)):
        return Skipped(NO_TEXT)
    draft = Draft(body, as_time(prompt.get("createdAt")), as_text(prompt.get("id")))
    return Candidate(
        (draft,),
        title=first_text(prompt, _TITLES),
        description=as_text(prompt.get("description")) or "",
    )

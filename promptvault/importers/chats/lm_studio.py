"""Chats that LM Studio stores: `conversations/**/<time>.conversation.json`.

A message is a list of versions with the index of the selected one: an answer that was
generated again, or a prompt that was edited. Messages have no ids and no times. The
format is observed in public readers of these files (LM Studio 0.3 and 0.4); it is not
documented.
"""

from collections.abc import Iterator
from itertools import zip_longest

from promptvault.domain.digest import digest
from promptvault.importers.conversation import turn_list
from promptvault.importers.conversation.message_list import (
    SystemPrompts,
    is_human,
    join_parts,
)
from promptvault.importers.input.attachment import without_files
from promptvault.importers.input.candidate import Conversation, Draft, Failure, Items
from promptvault.importers.input.document import Document
from promptvault.importers.input.field import as_list, as_object, as_text, as_time
from promptvault.importers.input.json_stream import (
    Damaged,
    JsonObject,
    JsonValue,
    json_values,
)

SOURCE = "lm-studio"

_ENDING = ".conversation.json"
_SETTINGS = "perChatPredictionConfig"
_SYSTEM = "llm.prediction.systemPrompt"


def probe(document: Document) -> bool:
    """Return True for a chat of LM Studio."""
    return any(map(_is_chat, document.sample))


def read(document: Document) -> Items:
    """Yield the chats in *document*, nearly always one; each system prompt only once.

    Raises ImportSourceError if the file cannot be read further.
    """
    system_prompts = SystemPrompts()
    with document.open() as stream:
        for index, value in enumerate(json_values(without_files(stream), ())):
            where = f"{document.name}, conversation {index + 1}"
            if isinstance(value, Damaged):
                yield Failure(where, value.reason)
            elif isinstance(messages := as_object(value).get("messages"), list):
                yield _conversation(
                    as_object(value), messages, _key(document), system_prompts
                )
            else:
                yield Failure(where, "it is not a conversation")


def _is_chat(value: JsonObject) -> bool:
    messages = [as_object(each) for each in as_list(value.get("messages"))[:5]]
    if not messages:
        return isinstance(value.get("messages"), list) and _SETTINGS in value
    return any(
        "role" in as_object(version)
        for message in messages
        for version in as_list(message.get("versions"))[:1]
    )


def _key(document: Document) -> str | None:
    """Return the id of a chat: the name of its file."""
    name = document.name.rpartition("/")[2]
    return as_text(name.removesuffix(_ENDING)) if name.endswith(_ENDING) else None


def _conversation(
    chat: JsonObject,
    messages: list[JsonValue],
    key: str | None,
    system_prompts: SystemPrompts,
) -> Conversation:
    made = as_time(chat.get("createdAt"))
    usual = as_text(as_object(chat.get("lastUsedModel")).get("identifier"))
    turns = []
    for message, answer in zip_longest(messages, messages[1:]):
        versions = _versions(message)
        if versions and is_human(versions[-1]):
            model = _model(_versions(answer)) or usual
            name = key and _name(message)
            bodies = (join_parts(each.get("content")) for each in versions)
            turns.append([Draft(body, made, name, model) for body in bodies if body])
    return turn_list.build_conversation(
        turns,
        system_prompts.candidates(_system_texts(chat)),
        key=key,
        title=as_text(chat.get("name")),
    )


def _name(message: JsonValue) -> str | None:
    """Return an id of a message: what it said at first, which edits do not change."""
    versions = as_list(as_object(message).get("versions"))
    bodies = (join_parts(as_object(each).get("content")) for each in versions)
    first = next(filter(None, bodies), None)
    return digest(first).hex() if first else None


def _versions(message: JsonValue) -> list[JsonObject]:
    """Return the versions of a message, the selected one last."""
    fields = as_object(message)
    versions = [as_object(each) for each in as_list(fields.get("versions"))]
    selected = fields.get("currentlySelected")
    if isinstance(selected, int) and 0 <= selected < len(versions):
        versions.append(versions.pop(selected))
    return versions


def _model(answers: list[JsonObject]) -> str | None:
    """Return the name of the model that gave the selected one of *answers*."""
    sender = as_object(answers[-1].get("senderInfo")) if answers else {}
    return as_text(sender.get("senderName"))


def _system_texts(chat: JsonObject) -> Iterator[str | None]:
    yield as_text(chat.get("systemPrompt"))
    settings = as_object(chat.get(_SETTINGS))
    for field in map(as_object, as_list(settings.get("fields"))):
        if field.get("key") == _SYSTEM:
            yield as_text(field.get("value"))

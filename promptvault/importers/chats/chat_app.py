"""Exports of chat apps that store a tree: Grok, LibreChat and Open WebUI."""

from collections.abc import Iterator
from dataclasses import replace

from promptvault.importers.conversation.message_list import (
    SystemPrompts,
    are_messages,
    is_human,
    join_parts,
    message_text,
)
from promptvault.importers.conversation.message_tree import (
    Message,
    build_conversation,
    last_leaf,
)
from promptvault.importers.input.candidate import Conversation
from promptvault.importers.input.field import as_list, as_object, as_text, as_time
from promptvault.importers.input.json_stream import JsonObject, JsonValue


def is_chat(value: JsonObject) -> bool:
    """Return True if *value* is a conversation of one of these apps."""
    return _is_grok(value) or _is_librechat(value) or _is_open_webui(value)


def read_chat(value: JsonObject, system_prompts: SystemPrompts) -> Conversation:
    """Return the conversation *value*, its instructions first."""
    if _is_grok(value):
        return _grok(value)
    chat, system = (_librechat if _is_librechat(value) else _open_webui)(value)
    first = tuple(system_prompts.candidates([system]))
    return replace(chat, candidates=first + chat.candidates)


def _is_grok(value: JsonObject) -> bool:
    is_named = isinstance(value.get("conversation"), dict)
    return is_named and isinstance(_grok_responses(value), list)


def _grok_responses(value: JsonObject) -> JsonValue:
    """Return the list of responses; the website wraps it once more."""
    responses = value.get("responses")
    return as_object(responses).get("responses") or responses


def _is_librechat(value: JsonObject) -> bool:
    messages = as_list(value.get("messagesTree")) or as_list(value.get("messages"))
    return any("isCreatedByUser" in as_object(message) for message in messages[:5])


def _is_open_webui(value: JsonObject) -> bool:
    chat = _open_webui_chat(value)
    history = as_object(chat.get("history"))
    return isinstance(history.get("messages"), dict) or (
        "chat" in value and are_messages(chat.get("messages"))
    )


def _open_webui_chat(value: JsonObject) -> JsonObject:
    return as_object(value.get("chat")) or value  # before 2024 it was not wrapped


def _grok(value: JsonObject) -> Conversation:
    about = as_object(value.get("conversation"))
    responses = map(as_object, as_list(_grok_responses(value)))
    # The named leaf is often not in the export.
    return build_conversation(
        [_grok_message(as_object(each.get("response")) or each) for each in responses],
        leaf=_key(about, "leaf_response_id", "leafResponseId"),
        key=as_text(_key(about, "id", "conversationId")),
        title=as_text(about.get("title")),
    )


def _grok_message(response: JsonObject) -> Message:
    made = response.get("create_time") or response.get("createTime")
    date = as_object(made).get("$date")  # as MongoDB writes it
    return Message(
        _key(response, "_id", "responseId"),
        _key(response, "parent_response_id", "parentResponseId"),
        str(response.get("sender")).lower() == "human",
        as_text(response.get("message")),
        as_time(as_object(date).get("$numberLong", date or made)),
        as_text(response.get("model")),
    )


def _librechat(value: JsonObject) -> tuple[Conversation, str | None]:
    listed = as_list(value.get("messagesTree")) or as_list(value.get("messages"))
    options = as_object(value.get("options"))
    chat = build_conversation(
        list(map(_librechat_message, _flat(listed))),
        leaf=None,
        fallback=last_leaf,  # LibreChat shows the last child each time
        key=as_text(value.get("conversationId")),
        title=as_text(value.get("title")),
    )
    return chat, as_text(options.get("promptPrefix"))


def _librechat_message(message: JsonObject) -> Message:
    return Message(
        _key(message, "messageId"),
        _key(message, "parentMessageId"),
        message.get("isCreatedByUser") is True,
        as_text(message.get("text")) or join_parts(message.get("content")),
        as_time(message.get("createdAt")),
        as_text(message.get("model")),
    )


def _flat(messages: list[JsonValue]) -> Iterator[JsonObject]:
    """Yield all messages of a tree with `children`, parents first."""
    waiting = list(reversed(messages))
    while waiting:
        message = as_object(waiting.pop())
        yield message
        waiting.extend(reversed(as_list(message.get("children"))))


def _open_webui(value: JsonObject) -> tuple[Conversation, str | None]:
    chat = _open_webui_chat(value)
    history = as_object(chat.get("history"))
    found = build_conversation(
        list(_open_webui_messages(chat)),
        leaf=_key(history, "currentId"),
        key=as_text(value.get("id")),
        title=as_text(value.get("title")) or as_text(chat.get("title")),
    )
    params = as_object(chat.get("params"))
    return found, as_text(chat.get("system")) or as_text(params.get("system"))


def _open_webui_messages(chat: JsonObject) -> Iterator[Message]:
    """Yield the messages of the tree, or of the list that a chat had before it."""
    messages = as_object(as_object(chat.get("history")).get("messages"))
    for key, message in messages.items():
        yield _open_webui_message(key, as_object(message))
    if not messages:
        for message in map(as_object, as_list(chat.get("messages"))):
            yield _open_webui_message(_key(message, "id"), message)


def _open_webui_message(key: str | None, message: JsonObject) -> Message:
    models = as_list(message.get("models"))
    return Message(
        key,
        _key(message, "parentId"),
        is_human(message),
        message_text(message),
        as_time(message.get("timestamp")),
        as_text(models[0]) if models else None,
    )


def _key(fields: JsonObject, *names: str) -> str | None:
    keys = (fields.get(name) for name in names)
    return next((key for key in keys if isinstance(key, str) and key), None)

"""Exports of chat apps that keep a tree: Grok, LibreChat and Open WebUI."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import NamedTuple

from promptvault.importers.conversation import tree
from promptvault.importers.conversation.message_list import (
    Standing,
    body,
    is_human,
    joined,
)
from promptvault.importers.conversation.tree import Node
from promptvault.importers.input.candidate import Conversation, Draft
from promptvault.importers.input.field import items, members, moment, text
from promptvault.importers.input.json_stream import JsonObject, JsonValue

_ROOT = ""
"""What messages without a parent answer: so the first ones are edits of each other."""


class _Message(NamedTuple):
    """One message, as all of these apps have it."""

    key: str | None
    parent: str | None
    is_typed: bool
    """Whether a person wrote it."""
    body: str | None
    made: datetime | None
    model: str | None

    def draft(self) -> Draft | None:
        """Return what a person wrote, None for anything else."""
        if not self.is_typed or not self.body:
            return None
        return Draft(self.body, self.made, text(self.key), self.model)


def is_chat(value: JsonObject) -> bool:
    """Whether *value* is a conversation of one of these apps."""
    return _is_grok(value) or _is_librechat(value) or _is_open_webui(value)


def read(value: JsonObject, standing: Standing) -> Conversation:
    """Return the conversation that *value* is, its instructions first."""
    if _is_grok(value):
        return _grok(value)
    chat, system = (_librechat if _is_librechat(value) else _open_webui)(value)
    first = tuple(standing.candidates([system]))
    return replace(chat, candidates=first + chat.candidates)


def _is_grok(value: JsonObject) -> bool:
    is_named = isinstance(value.get("conversation"), dict)
    return is_named and isinstance(_grok_responses(value), list)


def _grok_responses(value: JsonObject) -> JsonValue:
    """Return the list of responses, which the website itself wraps once more."""
    responses = value.get("responses")
    return members(responses).get("responses") or responses


def _is_librechat(value: JsonObject) -> bool:
    messages = items(value.get("messagesTree")) or items(value.get("messages"))
    return any("isCreatedByUser" in members(message) for message in messages[:5])


def _is_open_webui(value: JsonObject) -> bool:
    history = members(_open_webui_chat(value).get("history"))
    return isinstance(history.get("messages"), dict)


def _open_webui_chat(value: JsonObject) -> JsonObject:
    return members(value.get("chat")) or value  # before 2024 it was not wrapped


def _grok(value: JsonObject) -> Conversation:
    about = members(value.get("conversation"))
    responses = map(members, items(_grok_responses(value)))
    # The leaf that is named is often one that was not exported.
    return _conversation(
        [_grok_message(members(each.get("response")) or each) for each in responses],
        leaf=_key(about, "leaf_response_id", "leafResponseId"),
        key=text(_key(about, "id", "conversationId")),
        title=text(about.get("title")),
    )


def _grok_message(response: JsonObject) -> _Message:
    made = response.get("create_time") or response.get("createTime")
    date = members(made).get("$date")  # as MongoDB writes it
    return _Message(
        _key(response, "_id", "responseId"),
        _key(response, "parent_response_id", "parentResponseId"),
        str(response.get("sender")).lower() == "human",
        text(response.get("message")),
        moment(members(date).get("$numberLong", date or made)),
        text(response.get("model")),
    )


def _librechat(value: JsonObject) -> tuple[Conversation, str | None]:
    listed = items(value.get("messagesTree")) or items(value.get("messages"))
    options = members(value.get("options"))
    chat = _conversation(
        list(map(_librechat_message, _flat(listed))),
        leaf=None,
        fallback=_last_leaf,
        key=text(value.get("conversationId")),
        title=text(value.get("title")),
    )
    return chat, text(options.get("promptPrefix"))


def _librechat_message(message: JsonObject) -> _Message:
    return _Message(
        _key(message, "messageId"),
        _key(message, "parentMessageId"),
        message.get("isCreatedByUser") is True,
        text(message.get("text")) or joined(message.get("content")),
        moment(message.get("createdAt")),
        text(message.get("model")),
    )


def _flat(messages: list[JsonValue]) -> Iterator[JsonObject]:
    """Yield all messages of a tree whose branches lie in `children`, top first."""
    waiting = list(reversed(messages))
    while waiting:
        message = members(waiting.pop())
        yield message
        waiting.extend(reversed(items(message.get("children"))))


def _open_webui(value: JsonObject) -> tuple[Conversation, str | None]:
    chat = _open_webui_chat(value)
    history = members(chat.get("history"))
    messages = members(history.get("messages"))
    found = _conversation(
        [_open_webui_message(key, members(each)) for key, each in messages.items()],
        leaf=_key(history, "currentId"),
        key=text(value.get("id")),
        title=text(value.get("title")) or text(chat.get("title")),
    )
    params = members(chat.get("params"))
    return found, text(chat.get("system")) or text(params.get("system"))


def _open_webui_message(key: str, message: JsonObject) -> _Message:
    models = items(message.get("models"))
    return _Message(
        key,
        _key(message, "parentId"),
        is_human(message),
        body(message),
        moment(message.get("timestamp")),
        text(models[0]) if models else None,
    )


def _conversation(
    messages: Sequence[_Message],
    *,
    leaf: str | None,
    key: str | None,
    title: str | None,
    fallback: Callable[[Mapping[str, Node]], str | None] = tree.newest_leaf,
) -> Conversation:
    nodes = _nodes(messages)
    return tree.conversation(
        nodes,
        leaf if leaf in nodes else fallback(nodes),
        key=key,
        title=title,
        url=None,
        textless=sum(each.is_typed and not each.body for each in messages),
    )


def _last_leaf(nodes: Mapping[str, Node]) -> str | None:
    """Return the end of the branch that LibreChat shows: of several, the last one."""
    answers = {
        node.parent if node.parent in nodes else None: key
        for key, node in nodes.items()
    }
    leaf = answers.pop(None, None)
    while leaf in answers:  # each is taken once, as a cycle has no end
        leaf = answers.pop(leaf)
    return leaf


def _nodes(messages: Sequence[_Message]) -> dict[str, Node]:
    """Return the tree; where no message answers another, each answers the last one."""
    keys = {message.key for message in messages}
    is_linked = any(each.parent in keys for each in messages if each.parent)
    nodes: dict[str, Node] = {}
    last = _ROOT
    for message in messages:
        key = message.key or "#"
        while key in nodes:
            key += f"#{len(nodes)}"
        parent = (message.parent or _ROOT) if is_linked else last
        nodes[key] = Node(parent, message.made, message.draft())
        last = key
    return nodes


def _key(fields: JsonObject, *names: str) -> str | None:
    keys = (fields.get(name) for name in names)
    return next((key for key in keys if isinstance(key, str) and key), None)

"""Exports of DeepSeek's website, read one conversation at a time.

The zip holds `conversations.json`, a list of message trees, and `user.json`. A message
is a list of fragments: REQUEST is what a person typed, THINK, SEARCH and RESPONSE are
the model's. No field names the current message. The format is observed in public
converters of such exports; it is not documented.
"""

from collections.abc import Mapping
from itertools import islice

from promptvault.importers.conversation import tree
from promptvault.importers.conversation.message_list import is_human, join_parts
from promptvault.importers.conversation.message_tree import Message, build_conversation
from promptvault.importers.conversation.tree import Node
from promptvault.importers.input.candidate import Conversation, Failure, Item, Items
from promptvault.importers.input.document import Document
from promptvault.importers.input.field import as_list, as_object, as_text, as_time
from promptvault.importers.input.json_stream import (
    Damaged,
    JsonObject,
    JsonValue,
    json_values,
)

SOURCE = "deepseek"

_TYPED = "REQUEST"


def probe(document: Document) -> bool:
    """Return True for DeepSeek conversations."""
    return any(map(is_chat, document.sample))


def is_chat(value: JsonObject) -> bool:
    """Return True for a message tree of DeepSeek, which ChatGPT's resembles."""
    nodes = value.get("mapping")
    if not isinstance(nodes, dict):
        return False
    first = (as_object(node) for node in islice(nodes.values(), 5))
    return "inserted_at" in value or any(
        "fragments" in as_object(node.get("message")) for node in first
    )


def read(document: Document) -> Items:
    """Yield the conversations in *document*.

    Raises ImportSourceError if the file cannot be read further.
    """
    with document.open() as stream:
        for index, value in enumerate(json_values(stream)):
            where = f"{document.name}, conversation {index + 1}"
            if isinstance(value, Damaged):
                yield Failure(where, value.reason)
            else:
                yield _item(as_object(value), where)


def _item(value: JsonObject, where: str) -> Item:
    mapping = value.get("mapping")
    if not isinstance(mapping, dict):
        return Failure(where, "it has no messages")
    return _conversation(value, mapping)


def _conversation(value: JsonObject, mapping: JsonObject) -> Conversation:
    key = _id(value.get("id"))
    parents = {
        child: parent
        for parent, node in mapping.items()
        for child in map(_id, as_list(as_object(node).get("children")))
    }
    # The messages of each chat are numbered from 1. Ids that no other chat has are
    # found at once in a vault of many chats.
    scope = f"{key}/" if key else ""
    return build_conversation(
        [
            _message(scope, name, as_object(node), parents.get(name))
            for name, node in mapping.items()
        ],
        leaf=None,
        fallback=_newest_leaf,
        key=key,
        title=as_text(value.get("title")),
        url=f"https://chat.deepseek.com/a/chat/s/{key}" if key else None,
    )


def _newest_leaf(nodes: Mapping[str, Node]) -> str | None:
    """Return the newest message without children, of several equals the last one."""
    return tree.newest_leaf({key: nodes[key] for key in reversed(list(nodes))})


def _message(scope: str, name: str, node: JsonObject, parent: str | None) -> Message:
    """Return the message of *node*; *parent* is the node that names it as a child.

    *scope* comes before each id.
    """
    parent = _id(node.get("parent")) or parent
    message = as_object(node.get("message"))
    fragments = [as_object(each) for each in as_list(message.get("fragments"))]
    requests = [each for each in fragments if each.get("type") == _TYPED]
    said = filter(None, (join_parts(each.get("content")) for each in requests))
    return Message(
        scope + name,
        scope + parent if parent else None,
        bool(requests) or (not fragments and is_human(message)),
        "\n\n".join(said) or join_parts(message.get("content")),
        as_time(message.get("inserted_at")),
        as_text(message.get("model")),
    )


def _id(value: JsonValue) -> str | None:
    """Return an id, which may be a number."""
    is_id = isinstance(value, str | int) and not isinstance(value, bool)
    return as_text(str(value)) if is_id else None

"""Messages of a chat app that name their parents, as a conversation."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from promptvault.importers.conversation import tree
from promptvault.importers.conversation.tree import Node
from promptvault.importers.conversation.turn_list import in_order
from promptvault.importers.input.candidate import Conversation, Draft
from promptvault.importers.input.field import as_text

_ROOT = ""
"""Parent of messages without one, so that the first ones are edits of each other."""


class Message(NamedTuple):
    """One message, in the form common to these apps."""

    key: str | None
    parent: str | None
    is_typed: bool
    """True if a person wrote it."""
    body: str | None
    made: datetime | None
    model: str | None

    def draft(self) -> Draft | None:
        """Return the text of a person, None for any other message."""
        if not self.is_typed or not self.body:
            return None
        return Draft(self.body, self.made, as_text(self.key), self.model)


def build_conversation(
    messages: Sequence[Message],
    *,
    leaf: str | None,
    key: str | None,
    title: str | None,
    url: str | None = None,
    fallback: Callable[[Mapping[str, Node]], str | None] = tree.newest_leaf,
) -> Conversation:
    """Return the conversation whose current branch ends at the message *leaf*.

    If *leaf* is not one of *messages*, *fallback* chooses the end of the branch. *key*,
    *title* and *url* identify the conversation.
    """
    nodes = _nodes(messages)
    return tree.build_conversation(
        nodes,
        leaf if leaf in nodes else fallback(nodes),
        key=key,
        title=title,
        url=url,
        textless=sum(each.is_typed and not each.body for each in messages),
    )


def last_leaf(nodes: Mapping[str, Node]) -> str | None:
    """Return the end of the branch that takes the last child each time."""
    answers = {
        node.parent if node.parent in nodes else None: key
        for key, node in nodes.items()
    }
    leaf = answers.pop(None, None)
    while leaf in answers:  # each is taken once, which ends a cycle
        leaf = answers.pop(leaf)
    return leaf


def _nodes(messages: Sequence[Message]) -> dict[str, Node]:
    """Return the tree. If no message names a parent in it, each follows the one before
    it in time."""
    keys = {message.key for message in messages}
    is_linked = any(each.parent in keys for each in messages if each.parent)
    if not is_linked:
        messages = in_order((message.made, message) for message in messages)
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

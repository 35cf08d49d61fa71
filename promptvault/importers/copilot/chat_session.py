"""A session of VS Code's chat: its requests, and those that edits replaced."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

from promptvault.importers.conversation import tree
from promptvault.importers.conversation.command import (
    SLASH_COMMAND,
    is_bare_command,
    is_command,
)
from promptvault.importers.conversation.tree import Node
from promptvault.importers.copilot.chat_request import (
    is_removed,
    is_request,
    is_typed,
    request_draft,
    request_key,
)
from promptvault.importers.input.candidate import (
    EMPTY_CONVERSATION,
    NO_TEXT,
    Conversation,
)
from promptvault.importers.input.field import as_list, as_text
from promptvault.importers.input.json_stream import JsonObject, JsonValue

_ROOT = ""
"""Parent of the first request: one that replaced it has the same parent."""


class Removed(NamedTuple):
    """A request that an edit took out of its session."""

    parent: str
    """Key of the request before it."""
    key: str
    request: JsonObject


def removed_requests(
    requests: Sequence[JsonValue], start: int, end: int
) -> list[Removed]:
    """Return the requests from index *start* to *end*, which are about to be
    removed."""
    found = []
    for index in range(max(start, 0), min(end, len(requests))):
        parent = _key(requests[index - 1], index - 1) if index else _ROOT
        request = requests[index]
        if isinstance(request, dict) and is_request(request):
            found.append(Removed(parent, _key(request, index), request))
    return found


def build_session(
    session: JsonObject, removed: Sequence[Removed], name: str
) -> Conversation:
    """Return the prompts of *session*, which is called *name* if it has no id."""
    builder = _Builder()
    for index, request in enumerate(as_list(session.get("requests"))):
        if isinstance(request, dict) and is_request(request):
            builder.add(_key(request, index), request)
    for each in removed:
        builder.add_removed(each)
    title = as_text(session.get("customTitle")) or as_text(session.get("computedTitle"))
    return builder.conversation(as_text(session.get("sessionId")) or name, title)


def _key(request: JsonValue, index: int) -> str:
    key = request_key(request) if isinstance(request, dict) else None
    return key or f"#{index}"


class _Builder:
    """The requests of one session as a tree, in which each follows another."""

    def __init__(self) -> None:
        self._nodes: dict[str, Node] = {}
        self._last = _ROOT
        self._skipped: Counter[str] = Counter()

    def add(self, key: str, request: JsonObject) -> None:
        """Add the next request; one that was undone is beside the one that follows."""
        while key in self._nodes:
            key += "#"
        self._nodes[key] = self._node(self._last, request)
        if not is_removed(request):
            self._last = key

    def add_removed(self, removed: Removed) -> None:
        """Add a request that is not in the session any more."""
        if removed.key not in self._nodes:
            self._nodes[removed.key] = self._node(removed.parent, removed.request)

    def conversation(self, key: str, title: str | None) -> Conversation:
        """Return the prompts, with those that were replaced as their drafts."""
        found = tree.build_conversation(
            self._nodes, self._last, key=key, title=title, url=None
        )
        if not self._skipped:
            return found
        others = Counter(found.skipped)
        del others[EMPTY_CONVERSATION]
        return replace(found, skipped=dict(others + self._skipped))

    def _node(self, parent: str, request: JsonObject) -> Node:
        draft = request_draft(request) if is_typed(request) else None
        if is_typed(request) and not draft:
            self._skipped[NO_TEXT] += 1
        elif draft and is_bare_command(draft.body):
            self._skipped[SLASH_COMMAND] += 1
            draft = None
        elif draft:
            draft = draft._replace(is_command=is_command(draft.body))
        return Node(parent, draft.created_at if draft else None, draft)

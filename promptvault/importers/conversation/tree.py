"""A conversation as a tree of messages: the current branch, and edits as drafts."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise

from promptvault.domain.digest import digest
from promptvault.importers.input.candidate import (
    EMPTY_CONVERSATION,
    NO_TEXT,
    Conversation,
    Draft,
    conversation_candidates,
)

_NEVER = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Node:
    """One message: its parent, its time, and the text if a person wrote it."""

    parent: str | None
    created_at: datetime | None = None
    draft: Draft | None = None
    """None for any message that is not a person's or has no text."""


def build_conversation(
    nodes: Mapping[str, Node],
    leaf: str | None,
    *,
    key: str | None,
    title: str | None,
    url: str | None,
    textless: int = 0,
) -> Conversation:
    """Return the conversation whose current branch ends at *leaf*.

    *key*, *title* and *url* identify it; *textless* is the number of human messages
    without text.
    """
    found, elsewhere = human_turns(nodes, leaf)
    skipped = +Counter({NO_TEXT: textless, "abandoned branch": elsewhere})
    if not found and not skipped:
        skipped[EMPTY_CONVERSATION] = 1
    candidates = conversation_candidates(found, key, title, url)
    return Conversation(candidates, dict(skipped))


def human_turns(
    nodes: Mapping[str, Node], leaf: str | None
) -> tuple[list[tuple[Draft, ...]], int]:
    """Return the human messages on the path to *leaf*, and the number of others.

    Each is a tuple of drafts, oldest first. Human messages with the same parent are
    edits of each other; the last draft is the one on the path.
    """
    branch = dict.fromkeys(path_to(nodes, leaf))
    edits: dict[str | None, list[Node]] = defaultdict(list)
    elsewhere = 0
    for key, node in nodes.items():
        if node.draft and key not in branch:
            edits[node.parent].append(node)
            elsewhere += 1
    found = []
    for node in map(nodes.__getitem__, branch):
        if node.draft:
            others = edits.pop(node.parent, []) if node.parent is not None else []
            others.sort(key=lambda other: other.created_at or _NEVER)
            elsewhere -= len(others)
            drafts = [other.draft for other in others if other.draft]
            found.append(distinct([*drafts, node.draft]))
    return found, elsewhere


def path_to(nodes: Mapping[str, Node], leaf: str | None) -> list[str]:
    """Return the keys from the root to *leaf*; a cycle is cut."""
    keys: dict[str, None] = {}
    while leaf is not None and leaf in nodes and leaf not in keys:
        keys[leaf] = None
        leaf = nodes[leaf].parent
    return list(reversed(keys))


def newest_leaf(nodes: Mapping[str, Node]) -> str | None:
    """Return the key of the newest message without children, None without messages.

    A message without time has the time of its nearest ancestor with one. The first of
    several equals wins.
    """
    parents = {node.parent for node in nodes.values()}
    leaves = [key for key in nodes if key not in parents] or list(nodes)
    times = _times(nodes)
    return max(leaves, key=times.__getitem__, default=None)


def _times(nodes: Mapping[str, Node]) -> dict[str, datetime]:
    times = {key: node.created_at for key, node in nodes.items() if node.created_at}
    for start in nodes:
        trail, key = [], start
        while key in nodes and key not in times:
            times[key] = _NEVER  # also ends a cycle
            trail.append(key)
            key = nodes[key].parent or ""
        times.update(dict.fromkeys(trail, times.get(key, _NEVER)))
    return times


def distinct(drafts: Sequence[Draft]) -> tuple[Draft, ...]:
    """Drop each draft whose text equals that of the next one."""
    kept = [
        draft
        for draft, later in pairwise(drafts)
        if digest(draft.body) != digest(later.body)
    ]
    return (*kept, drafts[-1])

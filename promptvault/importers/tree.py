"""A conversation as a tree of messages: the branch in use, and edits as drafts."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise

from promptvault.domain.digest import digest
from promptvault.importers.candidate import Draft

_NEVER = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Node:
    """One message: what it answers, when it was made, what a person wrote in it."""

    parent: str | None
    created_at: datetime | None = None
    draft: Draft | None = None
    """None for every message that is not a person's, or holds no text."""


def turns(
    nodes: Mapping[str, Node], leaf: str | None
) -> tuple[list[tuple[Draft, ...]], int]:
    """Return the human turns on the way to *leaf*, and how many lie elsewhere.

    A turn is the drafts of one message, oldest first. Messages that a person
    wrote in answer to one and the same message are edits of each other; the
    last draft is the one on the way to *leaf*.
    """
    versions: dict[str, list[Node]] = defaultdict(list)
    for node in nodes.values():
        if node.draft and node.parent is not None:
            versions[node.parent].append(node)
    found = []
    elsewhere = sum(node.draft is not None for node in nodes.values())
    for node in (nodes[key] for key in path(nodes, leaf)):
        if node.draft:
            edits = [n for n in versions.get(node.parent or "", ()) if n is not node]
            edits.sort(key=lambda edit: edit.created_at or _NEVER)
            drafts = [edit.draft for edit in edits if edit.draft]
            elsewhere -= len(drafts) + 1
            found.append(_distinct([*drafts, node.draft]))
    return found, elsewhere


def path(nodes: Mapping[str, Node], leaf: str | None) -> list[str]:
    """Return the keys from the root to *leaf*; a cycle is cut where it closes."""
    keys: dict[str, None] = {}
    while leaf is not None and leaf in nodes and leaf not in keys:
        keys[leaf] = None
        leaf = nodes[leaf].parent
    return list(reversed(keys))


def newest_leaf(nodes: Mapping[str, Node]) -> str | None:
    """Return the key of the unanswered message made last, None without messages.

    A message without time counts as old as the nearest before it that has one;
    among equals the first wins.
    """
    parents = {node.parent for node in nodes.values()}
    leaves = [key for key in nodes if key not in parents] or list(nodes)
    times = _times(nodes)
    return max(leaves, key=times.__getitem__, default=None)


def _times(nodes: Mapping[str, Node]) -> dict[str, datetime]:
    times: dict[str, datetime] = {}
    for start in nodes:
        trail = []
        key: str | None = start
        while key is not None and key in nodes and key not in times:
            times[key] = nodes[key].created_at or _NEVER
            trail.append(key)
            key = None if nodes[key].created_at else nodes[key].parent
        inherited = times[trail[-1]] if trail and key is None else times.get(key or "")
        for key in trail:
            times[key] = inherited or _NEVER
    return times


def _distinct(drafts: list[Draft]) -> tuple[Draft, ...]:
    """Drop each draft that says the same as the one after it."""
    kept = [
        draft
        for draft, later in pairwise(drafts)
        if digest(draft.body) != digest(later.body)
    ]
    return (*kept, drafts[-1])

"""A conversation as a tree of messages: the branch in use, and edits as drafts."""

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise

from promptvault.domain.digest import digest
from promptvault.importers.input.candidate import Candidate, Conversation, Draft

_NEVER = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Node:
    """One message: what it answers, when it was made, what a person wrote in it."""

    parent: str | None
    created_at: datetime | None = None
    draft: Draft | None = None
    """None for every message that is not a person's, or holds no text."""


def conversation(
    nodes: Mapping[str, Node],
    leaf: str | None,
    *,
    key: str | None,
    title: str | None,
    url: str | None,
    textless: int = 0,
) -> Conversation:
    """Return the conversation whose current branch ends at *leaf*.

    *key*, *title* and *url* say which it is; *textless* is the number of human
    messages in it that hold no text.
    """
    found, elsewhere = turns(nodes, leaf)
    skipped = +Counter({"no text": textless, "abandoned branch": elsewhere})
    if not found and not skipped:
        skipped["empty conversation"] = 1
    candidates = (
        Candidate(
            drafts,
            opening=position == 0,
            conversation_id=key,
            conversation_title=title,
            url=url,
        )
        for position, drafts in enumerate(found)
    )
    return Conversation(tuple(candidates), dict(skipped))


def turns(
    nodes: Mapping[str, Node], leaf: str | None
) -> tuple[list[tuple[Draft, ...]], int]:
    """Return the human turns on the way to *leaf*, and how many lie elsewhere.

    A turn is the drafts of one message, oldest first. Messages that a person
    wrote in answer to one and the same message are edits of each other; the
    last draft is the one on the way to *leaf*.
    """
    branch = dict.fromkeys(path(nodes, leaf))
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
    times = {key: node.created_at for key, node in nodes.items() if node.created_at}
    for start in nodes:
        trail, key = [], start
        while key in nodes and key not in times:
            times[key] = _NEVER  # which also stops at a cycle
            trail.append(key)
            key = nodes[key].parent or ""
        times.update(dict.fromkeys(trail, times.get(key, _NEVER)))
    return times


def _distinct(drafts: list[Draft]) -> tuple[Draft, ...]:
    """Drop each draft that says the same as the one after it."""
    kept = [
        draft
        for draft, later in pairwise(drafts)
        if digest(draft.body) != digest(later.body)
    ]
    return (*kept, drafts[-1])

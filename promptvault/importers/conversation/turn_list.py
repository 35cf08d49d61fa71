"""A chat without branches whose messages may have been edited, as a conversation."""

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from operator import itemgetter
from typing import TypeVar

from promptvault.importers.conversation.message_list import opening_words
from promptvault.importers.conversation.tree import distinct
from promptvault.importers.input.candidate import (
    EMPTY_CONVERSATION,
    NO_TEXT,
    Candidate,
    Conversation,
    Draft,
    conversation_candidates,
)
from promptvault.importers.input.json_stream import JsonObject

Turn = Sequence[Draft] | None
"""The drafts of one message of a person, oldest first; empty if it has no text, None if
the person deleted it."""

_Item = TypeVar("_Item")
_OLDEST = datetime.min.replace(tzinfo=UTC)
_DELETED = ("deleted", "isDeleted", "is_deleted", "deletedAt", "deleted_at")


def build_conversation(
    turns: Iterable[Turn],
    instructions: Iterable[Candidate] = (),
    *,
    key: str | None,
    title: str | None,
    url: str | None = None,
) -> Conversation:
    """Return *turns* as a conversation after its *instructions*.

    *key*, *title* and *url* identify it. Without *title* it is titled by its first
    words.
    """
    every = list(turns)
    said = [distinct(drafts) for drafts in every if drafts]
    deleted = every.count(None)
    if said and not title:
        title = opening_words(said[0][-1].body)
    candidates = conversation_candidates(said, key, title, url)
    textless = len(every) - len(said) - deleted
    skipped = +Counter({NO_TEXT: textless, "deleted": deleted})
    if not every:
        skipped[EMPTY_CONVERSATION] = 1
    return Conversation((*instructions, *candidates), dict(skipped))


def in_order(timed: Iterable[tuple[datetime | None, _Item]]) -> list[_Item]:
    """Return the items sorted by time; one without stays behind the one before it."""
    last = _OLDEST
    dated = []
    for made, item in timed:
        last = made or last
        dated.append((last, item))
    return [item for _, item in sorted(dated, key=itemgetter(0))]


def is_deleted(fields: JsonObject) -> bool:
    """Return True if a chat or message is marked as deleted by the person."""
    return any(fields.get(name) for name in _DELETED)

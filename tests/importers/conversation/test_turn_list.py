"""Chats without branches: drafts, titles, counts, and the order of messages."""

from datetime import UTC, datetime

import pytest

from promptvault.importers.conversation import turn_list
from promptvault.importers.input.candidate import Draft


def test_drafts_titles_and_counts() -> None:
    turns = [[Draft("a"), Draft("b"), Draft("b ")], [], None, [Draft("c")]]
    chat = turn_list.build_conversation(turns, key="k", title=None, url="u")
    first, last = chat.candidates
    assert [draft.body for draft in first.drafts] == ["a", "b "]
    assert (first.opening, last.opening) == (True, False)
    assert (first.conversation_id, first.conversation_title, first.url) == (
        "k",
        "b",
        "u",
    )
    assert chat.skipped == {"no text": 1, "deleted": 1}


def test_empty_conversation() -> None:
    assert turn_list.build_conversation([], key=None, title="t").skipped == {
        "empty conversation": 1
    }


def test_one_without_time_stays_behind_the_one_before_it() -> None:
    times = [None, 3, None, 1, None, 2]
    timed = [
        (datetime(2026, 1, day, tzinfo=UTC) if day else None, place)
        for place, day in enumerate(times)
    ]
    assert turn_list.in_order(timed) == [0, 3, 4, 5, 1, 2]


@pytest.mark.parametrize("name", ["deleted", "isDeleted", "deletedAt", "deleted_at"])
def test_deleted(name: str) -> None:
    assert turn_list.is_deleted({name: "2026-01-01"})
    assert not turn_list.is_deleted({name: None})

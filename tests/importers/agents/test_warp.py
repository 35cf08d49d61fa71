"""Warp: queries, and tasks for conversations without queries."""

import pytest

from promptvault.importers.agents import protocol_buffer, warp
from promptvault.importers.input.candidate import Item
from tests.importers.agents.database_build import (
    WARP,
    Row,
    database,
    field,
    warp_query,
    warp_task,
)
from tests.importers.build import bodies, candidates, document, failures


def read(*rows: Row) -> list[Item]:
    return list(warp.read(document(database(WARP, *rows))))


def test_what_a_person_asked_is_in_the_order_of_time() -> None:
    items = read(
        warp_query("1", "b", "second", made="2026-08-16 12:00:00"),
        warp_query("1", "a", "first", made="2026-08-16 11:00:00"),
        warp_query("1", "c", {"ActionResult": {}}),
        warp_query("1", "d", {"RefineUserQuery": {"query": "third"}}, made="2026-09"),
    )
    assert bodies(items) == ["first", "second", "third"]
    draft = candidates(items)[0].drafts[0]
    assert (draft.message_id, draft.model) == ("a", "m")
    assert draft.created_at is not None


def test_tasks_are_read_only_for_conversations_without_queries() -> None:
    items = read(
        warp_query("1", "a", "asked"),
        warp_task("1", "asked"),
        warp_task("2", "only here"),
        warp_task("3", "an agent's order", extra=field(3, field(1, "2"))),
    )
    assert bodies(items) == ["asked", "only here"]
    (draft,) = candidates(items)[1].drafts
    assert draft.message_id == "m0"
    assert draft.created_at is not None
    assert draft.created_at.timestamp() == 123


def test_what_is_damaged_costs_nothing_else() -> None:
    items = read(
        ("ai_queries", {"conversation_id": "1", "input": "[", "start_ts": ""}),
        warp_query("1", "a", "asked"),
        ("agent_tasks", {"conversation_id": "2", "task_id": "2", "task": b"\x2a\x7f"}),
    )
    assert bodies(items) == ["asked"]
    assert len(failures(items)) == 2


@pytest.mark.parametrize("data", [b"\xff" * 11, b"\x0b", b"\x0a\x02a", b"\x0d\0"])
def test_damaged_protocol_buffers(data: bytes) -> None:
    with pytest.raises(ValueError, match=r"it ends|unknown kind"):
        protocol_buffer.fields_of(data)


def test_other_tables_of_that_name_are_not_claimed() -> None:
    other = "CREATE TABLE ai_queries (id, question, answer)"
    assert not warp.probe(document(database(other)))

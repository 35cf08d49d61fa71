"""The log database of simonw/llm, in every schema."""

import sqlite3
from datetime import UTC, datetime

import pytest

from promptvault.importers.input.candidate import Candidate, CandidateKind, Draft, Item
from promptvault.importers.tools import llm
from tests.importers.build import bodies, candidates, document
from tests.importers.examples import llm_log

OLDEST = """CREATE TABLE log (provider, system, prompt, chat_id, response, model,
    timestamp);
    INSERT INTO log VALUES ('openai', 'Be kind.', 'one', NULL, '', 'm', '2023-04-01'),
        ('openai', NULL, 'two', 1, '', 'm', '2023-04-02'),
        ('openai', NULL, 'other', NULL, '', 'm', '2023-04-03');"""
LOGS = """CREATE TABLE _llm_migrations (name, applied_at);
    CREATE TABLE logs (id INTEGER PRIMARY KEY, model, prompt, system, response,
        chat_id INTEGER, datetime_utc);
    INSERT INTO logs VALUES (7, 'm', 'one', 'Be kind.', '', NULL, '2023-07-01'),
        (9, 'm', 'other', NULL, '', NULL, '2023-07-03'),
        (8, 'm', 'two', 'Be kind.', '', 7, '2023-07-02');"""
TURNS = """CREATE TABLE threads (id, name, tip_message_hash, datetime_utc);
    CREATE TABLE messages (hash PRIMARY KEY, parent_hash, role);
    CREATE TABLE parts (id, message_hash, position, type, text, payload);
    CREATE TABLE turns (id, thread_id, model, datetime_utc);
    CREATE TABLE turn_search (id, turn_id, prompt, response);
    INSERT INTO threads VALUES ('c1', 'A chat', 'x', ''), ('t1', 'New', 'x', '');
    INSERT INTO messages VALUES ('s', NULL, 'system'), ('u', 's', 'user');
    INSERT INTO parts VALUES (1, 's', 0, 'text', 'Be new.', NULL),
        (2, 'u', 0, 'text', 'new', NULL);
    INSERT INTO turns VALUES ('r1', 'c1', 'm', '2026-01-01T00:00:01'),
        ('t2', 't1', 'm', '2026-09-01T00:00:02'), ('t3', 't1', 'm', '2026-09-01');
    INSERT INTO turn_search VALUES (1, 'r1', 'one é', ''), (2, 't2', 'newer', ''),
        (3, 't3', 'new', ''), (4, 't4', '', '');"""


def made(script: str, data: bytes = b"") -> bytes:
    connection = sqlite3.connect(":memory:")
    if data:
        connection.deserialize(data)
    connection.executescript(script)
    return connection.serialize()


def read(data: bytes) -> list[Item]:
    file = document(data, "logs.db")
    assert llm.probe(file)
    return list(llm.read(file))


def test_exchange_carries_all_that_is_logged() -> None:
    update = "UPDATE responses SET system = 'Be brief.' WHERE conversation_id = 'c1'"
    items = read(made(update, llm_log()))
    time = datetime(2026, 1, 1, 0, 0, 1, tzinfo=UTC)
    assert candidates(items)[0] == Candidate(
        (Draft("one é", time, "r1", "m"),),
        opening=True,
        conversation_id="c1",
        conversation_title="A chat",
    )
    assert [c.opening for c in candidates(items)] == [True, False, True]
    assert bodies(items, CandidateKind.INSTRUCTIONS) == ["Be brief."]


def test_exchanges_without_conversation_or_text() -> None:
    update = """UPDATE responses SET conversation_id = NULL;
        UPDATE responses SET prompt = '' WHERE id = 'r2'"""
    items = read(made(update, llm_log()))
    assert [(c.opening, c.conversation_id) for c in candidates(items)] == [
        (True, None),
        (True, None),
    ]


@pytest.mark.parametrize("script", [OLDEST, LOGS])
def test_oldest_layouts(script: str) -> None:
    items = read(made(script))
    found = candidates(items)
    assert [c.drafts[0].body for c in found] == ["one", "two", "other"]
    assert [c.opening for c in found] == [True, False, True]
    assert found[0].conversation_id
    assert found[0].conversation_id == found[1].conversation_id
    assert len({c.drafts[0].message_id for c in found}) == 3
    assert bodies(items, CandidateKind.INSTRUCTIONS) == ["Be kind."]


def test_newest_schema_next_to_the_previous_one() -> None:
    items = read(made(TURNS, llm_log()))
    assert bodies(items) == ["one é", "two", "three", "new", "newer"]
    assert candidates(items)[-1].conversation_title == "New"
    assert bodies(items, CandidateKind.INSTRUCTIONS) == ["Be new."]


@pytest.mark.parametrize(
    "script",
    [
        "CREATE TABLE responses (id, prompt)",
        "CREATE TABLE log (id, message)",
        "CREATE TABLE _llm_migrations (name); CREATE TABLE embeddings (id)",
    ],
)
def test_other_databases_are_left_alone(script: str) -> None:
    assert not llm.probe(document(made(script), "x.db"))

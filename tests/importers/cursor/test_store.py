"""Databases of Cursor's command-line agent."""

import contextlib
import hashlib
import json
import sqlite3
from datetime import UTC, datetime

import pytest

from promptvault.errors import ImportSourceError
from promptvault.importers.cursor import source as cursor
from promptvault.importers.cursor import store as cursor_store
from promptvault.importers.input.candidate import Candidate, Draft, Item, Skipped
from tests.importers.build import Json, bodies, candidates, document, failures, skipped


def user(text: str, request: str | None = None) -> Json:
    options = {"providerOptions": {"cursor": {"requestId": request}}} if request else {}
    return {"role": "user", "content": [{"type": "text", "text": text}], **options}


CHAT = [
    {"role": "system", "content": "You are."},
    {"role": "user", "content": "<user_info>\nOS: linux\n</user_info>"},
    user("<user_query>\nhello\n</user_query>", "r1"),
    {"role": "assistant", "content": [{"type": "text", "text": "Hi."}]},
    user("<user_query>\ngo on\n</user_query>", "r2"),
]


def store(
    messages: list[Json], unlisted: list[Json] | None = None, **meta: Json
) -> bytes:
    """Return a store whose newest root lists *messages*."""
    blobs = [json.dumps(each).encode() for each in (*(unlisted or ()), *messages)]
    keys = [hashlib.sha256(blob).hexdigest() for blob in blobs]
    inside = keys[len(unlisted or ()) :]
    root = b"".join(b"\n\x20" + bytes.fromhex(key) for key in inside) + b"\x4a\x01/"
    record = {"agentId": "a1", "latestRootBlobId": "r", "name": "A chat"} | meta
    with contextlib.closing(sqlite3.connect(":memory:")) as connection:
        connection.execute("CREATE TABLE blobs (id TEXT PRIMARY KEY, data BLOB)")
        connection.execute("CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT)")
        rows = [*zip(keys, blobs, strict=True), ("r", root)]
        connection.executemany("INSERT OR IGNORE INTO blobs VALUES (?, ?)", rows)
        value = json.dumps(record).encode().hex()
        connection.execute("INSERT INTO meta VALUES ('0', ?)", (value,))
        connection.commit()
        return connection.serialize()


def read(data: bytes) -> list[Item]:
    each = document(data, "store.db")
    assert cursor.probe(each)
    return list(cursor.read(each))


def test_chat() -> None:
    items = read(store(CHAT, createdAt=1767396459642, lastUsedModel="gpt-5"))
    at = datetime(2026, 1, 2, 23, 27, 39, 642_000, tzinfo=UTC)
    chat = Candidate((), conversation_id="a1", conversation_title="A chat")
    assert candidates(items) == [
        chat._replace(drafts=(Draft("hello", at, "r1", "gpt-5"),), opening=True),
        chat._replace(drafts=(Draft("go on", None, "r2", "gpt-5"),)),
    ]


def test_message_no_longer_in_use_is_counted() -> None:
    old = [user("<user_query>\nhello\n</user_query>", "r0"), user("draft")]
    items = read(store(CHAT, unlisted=old))
    assert bodies(items) == ["hello", "go on"]
    assert skipped(items) == [{"abandoned branch": 1}]


def test_without_a_root_messages_come_by_age() -> None:
    items = read(store(CHAT, latestRootBlobId="gone", name="New Agent"))
    assert bodies(items) == ["hello", "go on"]
    assert candidates(items)[0].conversation_title is None


def test_subagent_is_left_out() -> None:
    items = read(store(CHAT, subagentInfo={"parentAgentId": "a0"}))
    assert items == [Skipped("subagent", 2)]


def test_damaged_message_costs_itself() -> None:
    items = read(
        store(CHAT).replace(b'"<user_query>\\nhello', b'"<user_query>\\xhello')
    )
    assert bodies(items) == ["go on"]
    assert len(failures(items)) == 1


def test_record_that_is_no_record() -> None:
    data = store(CHAT).replace(b"7b22", b"zz22", 1)
    assert not cursor.probe(document(data))
    with pytest.raises(ImportSourceError):
        list(cursor_store.read(document(data)))

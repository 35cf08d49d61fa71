"""Small databases of agents, built in code."""

import json
import sqlite3

from tests.importers.build import Json

GOOSE = """CREATE TABLE sessions (id TEXT PRIMARY KEY, name TEXT DEFAULT '',
    description TEXT, session_type TEXT DEFAULT 'user', working_dir TEXT,
    recipe_json TEXT, user_recipe_values_json TEXT);
    CREATE TABLE messages (id INTEGER PRIMARY KEY AUTOINCREMENT, message_id TEXT,
    session_id TEXT, role TEXT, content_json TEXT, created_timestamp INTEGER,
    metadata_json TEXT);"""
ZED = """CREATE TABLE threads (id TEXT PRIMARY KEY, summary TEXT NOT NULL,
    updated_at TEXT NOT NULL, data_type TEXT NOT NULL, data BLOB NOT NULL,
    parent_id TEXT, created_at TEXT);"""
WARP = """CREATE TABLE ai_queries (id INTEGER PRIMARY KEY, exchange_id TEXT,
    conversation_id TEXT, start_ts DATETIME, input TEXT, model_id TEXT);
    CREATE TABLE agent_tasks (id INTEGER PRIMARY KEY, conversation_id TEXT,
    task_id TEXT, task BLOB);"""

Row = tuple[str, dict[str, Json]]
"""The name of a table, and the values of one row by column."""


def database(schema: str, *rows: Row) -> bytes:
    """Return a database with *rows*, each of a table; a dict or list becomes JSON."""
    with sqlite3.connect(":memory:") as connection:
        connection.execute("PRAGMA page_size = 1024")
        connection.executescript(schema)
        for table, values in rows:
            names, marks = ", ".join(values), ", ".join("?" * len(values))
            stored = [
                json.dumps(value, ensure_ascii=False)
                if isinstance(value, dict | list)
                else value
                for value in values.values()
            ]
            sql = f"INSERT INTO {table} ({names}) VALUES ({marks})"
            connection.execute(sql, stored)
        connection.commit()
        return connection.serialize()


def goose_session(key: str, **columns: Json) -> Row:
    return "sessions", {"id": key, "working_dir": "/w", "name": "A chat", **columns}


def goose_message(
    session: str, *contents: Json, role: str = "user", **columns: Json
) -> Row:
    """Return a message; a string is a text."""
    found = [
        {"type": "text", "text": each} if isinstance(each, str) else each
        for each in contents
    ]
    row = {"session_id": session, "role": role, "content_json": found}
    return "messages", {"created_timestamp": 1782900000, **row, **columns}


def example_goose() -> bytes:
    return database(
        GOOSE,
        goose_session("1"),
        goose_session("2"),
        goose_message("1", "one é"),
        goose_message("1", "Hm.", role="assistant"),
        goose_message("1", "two"),
        goose_message("2", "three"),
    )


def zed_thread(key: str, thread: Json, **columns: Json) -> Row:
    data = json.dumps(thread, ensure_ascii=False).encode()
    row = {"id": key, "summary": "", "updated_at": "", "data_type": "json"}
    return "threads", {**row, "data": data, **columns}


def example_zed() -> bytes:
    newer = [
        {"User": {"id": "u1", "content": [{"Text": "one é"}]}},
        {"Agent": {"content": [{"Text": "Hm."}]}},
        "Resume",
        {"User": {"id": "u2", "content": [{"Text": "two"}, {"Mention": {}}]}},
    ]
    older = [{"id": 1, "role": "user", "segments": [{"type": "text", "text": "three"}]}]
    return database(
        ZED,
        zed_thread("1", {"version": "0.3.0", "title": "A", "messages": newer}),
        zed_thread("2", {"version": "0.2.0", "summary": "B", "messages": older}),
    )


def warp_query(
    chat: str, exchange: str, *inputs: Json, made: str = "2026-08-16 12:00:00"
) -> Row:
    """Return a query; a string is what a person asked."""
    found = [{"Query": {"text": i}} if isinstance(i, str) else i for i in inputs]
    row = {"conversation_id": chat, "exchange_id": exchange, "start_ts": made}
    return "ai_queries", {**row, "input": found, "model_id": "m"}


def field(number: int, value: bytes | str) -> bytes:
    """Return one field of a protocol buffer; shorter than 128 bytes."""
    data = value.encode() if isinstance(value, str) else value
    return bytes([number << 3 | 2, len(data)]) + data


def warp_task(chat: str, *asked: str, extra: bytes = b"") -> Row:
    messages = [
        field(5, field(1, f"m{n}") + field(2, field(1, text)) + field(14, b"\x08\x7b"))
        for n, text in enumerate(asked)
    ]
    task = field(1, "t") + extra + b"".join(messages)
    return "agent_tasks", {"conversation_id": chat, "task_id": chat, "task": task}


def example_warp() -> bytes:
    return database(
        WARP,
        warp_query("1", "a", "one é"),
        warp_query("1", "b", "two", {"ActionResult": {}}),
        warp_task("1", "one é"),
        warp_task("2", "three"),
    )

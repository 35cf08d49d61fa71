"""Warp's agent: the queries and the tasks in `warp.sqlite`.

Observed in the terminal's public source. `ai_queries` has what a person asked, as JSON;
`agent_tasks` whole conversations as protocol buffers, for those that the former lacks.
"""

import sqlite3
from collections.abc import Iterator
from itertools import groupby
from typing import NamedTuple

from promptvault.importers.agents.protocol_buffer import Fields, fields_of
from promptvault.importers.conversation.session_chat import SessionChat
from promptvault.importers.input.candidate import Conversation, Failure, Items
from promptvault.importers.input.database import (
    Tables,
    open_database,
    parse_json,
    tables_in,
)
from promptvault.importers.input.document import Document
from promptvault.importers.input.field import as_object, as_text, as_time
from promptvault.importers.input.json_stream import JsonValue

SOURCE = "warp"

_QUERIES, _TASKS = "ai_queries", "agent_tasks"
_QUERY_COLUMNS = {"conversation_id", "start_ts", "input"}
_TASK_COLUMNS = {"conversation_id", "task_id", "task"}
_KNOWN = f"SELECT conversation_id FROM {_QUERIES}"
# Fields of a task, of a message in it, and of a time.
_DEPENDENCIES, _MESSAGES = 3, 5
_ID, _QUERY, _TIME = 1, 2, 14
_TEXT, _SECONDS = 1, 1
_DAMAGE = (sqlite3.Error, ValueError)


class _Query(NamedTuple):
    """What a person asked, and when."""

    key: str | None
    body: str | None
    created: object
    model: str | None = None


def probe(document: Document) -> bool:
    """Return True for a database with queries or tasks."""
    tables = tables_in(document)
    return _has(tables, _QUERIES, _QUERY_COLUMNS) or _has(tables, _TASKS, _TASK_COLUMNS)


def read(document: Document) -> Items:
    """Yield the conversations in *document*. What is damaged becomes a Failure.

    Raises ImportSourceError if a list of them is damaged.
    """
    tables = tables_in(document)
    has_queries = _has(tables, _QUERIES, _QUERY_COLUMNS)
    with open_database(document) as connection:
        if has_queries:
            yield from _queries(connection, tables[_QUERIES], document.name)
        if _has(tables, _TASKS, _TASK_COLUMNS):
            yield from _tasks(connection, has_queries, document.name)


def _has(tables: Tables, table: str, columns: set[str]) -> bool:
    return tables.get(table, frozenset()) >= columns


def _queries(
    connection: sqlite3.Connection, columns: frozenset[str], name: str
) -> Items:
    key = "exchange_id" if "exchange_id" in columns else "NULL"
    model = "model_id" if "model_id" in columns else "NULL"
    sql = f"""SELECT conversation_id, rowid, {key}, input, start_ts, {model}
        FROM {_QUERIES} ORDER BY conversation_id, start_ts, rowid"""
    for chat_key, group in groupby(connection.execute(sql), key=lambda row: row[0]):
        asked = []
        for _, row, exchange, text, created, used in group:
            try:
                bodies = list(_asked(parse_json(text)))
            except ValueError as error:
                yield Failure(f"{name}, query {row}", str(error))
            else:
                asked += [
                    _Query(
                        _numbered(as_text(exchange), n), body, created, as_text(used)
                    )
                    for n, body in enumerate(bodies)
                ]
        yield _conversation(as_text(chat_key), asked)


def _asked(inputs: JsonValue) -> Iterator[str | None]:
    """Yield the texts of a person in the inputs of one exchange."""
    for each in inputs if isinstance(inputs, list) else [inputs]:
        value = as_object(each)
        if isinstance(value.get("Query"), dict):
            yield as_text(as_object(value["Query"]).get("text")) or ""
        elif isinstance(value.get("RefineUserQuery"), dict):
            yield as_text(as_object(value["RefineUserQuery"]).get("query")) or ""
        else:
            yield None


def _numbered(key: str | None, number: int) -> str | None:
    return f"{key}/{number}" if key and number else key


def _tasks(connection: sqlite3.Connection, has_queries: bool, name: str) -> Items:
    where = f"WHERE conversation_id NOT IN ({_KNOWN})" if has_queries else ""
    sql = f"""SELECT conversation_id, rowid, task FROM {_TASKS} {where}
        ORDER BY conversation_id, rowid"""
    for key, group in groupby(connection.execute(sql), key=lambda row: row[0]):
        asked: list[_Query] = []
        for _, row, task in group:
            try:
                asked += _task(task if isinstance(task, bytes) else b"")
            except ValueError as error:
                yield Failure(f"{name}, task {row}", str(error))
        yield _conversation(as_text(key), asked)


def _task(data: bytes) -> Iterator[_Query]:
    """Yield what a person asked in a task; one that depends on others is an agent's.

    Raises ValueError if it is damaged.
    """
    task = fields_of(data)
    if any(task.get(_DEPENDENCIES, ())):
        return
    for message in map(_fields, task.get(_MESSAGES, ())):
        for query in map(_fields, message.get(_QUERY, ())):
            time = _fields(next(iter(message.get(_TIME, ())), b""))
            created = next(iter(time.get(_SECONDS, ())), None)
            yield _Query(_string(message, _ID), _string(query, _TEXT) or "", created)


def _fields(value: bytes | int) -> Fields:
    return fields_of(value) if isinstance(value, bytes) else {}


def _string(fields: Fields, number: int) -> str | None:
    value = next(iter(fields.get(number, ())), None)
    return as_text(value.decode(errors="replace")) if isinstance(value, bytes) else None


def _conversation(key: str | None, asked: list[_Query]) -> Conversation:
    chat = SessionChat(key)
    for query in asked:
        chat.model = query.model
        chat.add_typed(query.body, as_time(query.created), query.key)
    return chat.conversation()

"""The database that simonw/llm logs to, in every schema it has had."""

import sqlite3
from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import NamedTuple

from promptvault.domain.digest import digest
from promptvault.importers.input import database
from promptvault.importers.input.candidate import (
    Candidate,
    CandidateKind,
    Conversation,
    Draft,
    Items,
)
from promptvault.importers.input.document import Document
from promptvault.importers.input.field import as_text, as_time, sanitized

_MIGRATIONS = "_llm_migrations"
_OLD = ("log", "logs")
_OLD_TIMES = ("datetime_utc", "timestamp_utc", "timestamp")
_RESPONSES = """SELECT r.conversation_id, c.name, r.id, r.prompt, r.system, r.model,
    r.datetime_utc
    FROM responses r LEFT JOIN conversations c ON c.id = r.conversation_id
    ORDER BY r.conversation_id, r.datetime_utc, r.id"""
# Since 2026; for a while both tables got the same exchanges.
_TURNS = """SELECT t.thread_id, h.name, t.id, s.prompt, NULL, t.model, t.datetime_utc
    FROM turns t JOIN turn_search s ON s.turn_id = t.id
    LEFT JOIN threads h ON h.id = t.thread_id
    WHERE t.id NOT IN (SELECT id FROM responses WHERE id IS NOT NULL)
    ORDER BY t.thread_id, t.datetime_utc, t.id"""
_SYSTEM = """SELECT p.text FROM messages m JOIN parts p ON p.message_hash = m.hash
    WHERE m.role = 'system' AND p.type = 'text' AND p.text IS NOT NULL
    ORDER BY m.rowid, p.position"""


class _Row(NamedTuple):
    """One exchange, in the form common to all schemas; values may have any type."""

    conversation_id: object
    conversation_title: object
    id: object
    prompt: object
    system: object
    model: object
    time: object


def is_log(document: Document) -> bool:
    """Return True for a database of llm with exchanges in it."""
    tables = database.tables_in(document)
    if _MIGRATIONS in tables:
        return not tables.keys().isdisjoint({"responses", "turns", *_OLD})
    return {"prompt", "system", "response"} <= tables.get("log", frozenset())


def read(document: Document) -> Items:
    """Yield every conversation in *document*; each system prompt once.

    Raises ImportSourceError if the database is damaged.
    """
    tables = database.tables_in(document)
    names = tables.keys()
    seen: set[bytes] = set()
    with database.open_database(document) as connection:
        for table in _OLD:
            if table in names:
                yield from _old(connection, table, tables[table], seen)
        if {"responses", "conversations"} <= names:
            yield from _conversations(connection.execute(_RESPONSES), seen)
        if {"responses", "turns", "turn_search", "threads"} <= names:
            yield from _conversations(connection.execute(_TURNS), seen)
        if {"messages", "parts"} <= names:
            for (body,) in connection.execute(_SYSTEM):
                yield from _system_prompt(body, None, None, seen)


def _old(
    connection: sqlite3.Connection,
    table: str,
    columns: frozenset[str],
    seen: set[bytes],
) -> Items:
    """Yield the conversations of a schema before July 2023.

    Its ids are small numbers, equal in every database, so the times replace them.
    """
    time = next((name for name in _OLD_TIMES if name in columns), "NULL")
    chat = "coalesce(chat_id, rowid)" if "chat_id" in columns else "rowid"
    sql = f"""SELECT {chat}, NULL, {time}, prompt, system, model, {time}
        FROM {table} ORDER BY 1, rowid"""
    for _, group in groupby(connection.execute(sql), key=lambda row: row[0]):
        rows = [_Row(*row) for row in group]
        yield from _conversations([(rows[0].time, *row[1:]) for row in rows], seen)


def _conversations(
    rows: Iterable[tuple[object, ...]], seen: set[bytes]
) -> Iterator[Conversation | Candidate]:
    exchanges = (_Row(*row) for row in rows)
    for key, group in groupby(exchanges, key=lambda row: row.conversation_id):
        for rows_of_one in [list(group)] if as_text(key) else ([row] for row in group):
            yield _conversation(rows_of_one, seen)


def _conversation(rows: list[_Row], seen: set[bytes]) -> Conversation:
    found: list[Candidate] = []
    opening = True
    for row in rows:
        found += _system_prompt(row.system, row.time, row.model, seen)
        if body := as_text(row.prompt):
            found.append(_prompt(row, body, opening))
            opening = False
    return Conversation(tuple(found))


def _prompt(row: _Row, body: str, opening: bool) -> Candidate:
    draft = Draft(body, as_time(row.time), as_text(row.id), as_text(row.model))
    title = as_text(row.conversation_title)
    return Candidate(
        (draft,),
        opening=opening,
        conversation_id=as_text(row.conversation_id),
        conversation_title=title and sanitized(" ".join(title.split())),
    )


def _system_prompt(
    system: object, time: object, model: object, seen: set[bytes]
) -> Iterator[Candidate]:
    body = as_text(system)
    if body and (known := digest(body)) not in seen:
        seen.add(known)
        draft = Draft(body, as_time(time), model=as_text(model))
        yield Candidate((draft,), CandidateKind.INSTRUCTIONS)

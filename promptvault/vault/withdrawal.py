"""Taking back an import: the vault as it was, but for what was changed since."""

import sqlite3
import uuid
from datetime import datetime
from typing import NamedTuple

from promptvault.domain.prompt import Author, Prompt
from promptvault.domain.timestamp import to_text
from promptvault.front_matter import header
from promptvault.vault.file import history_path
from promptvault.vault.reader import Reader


class Withdrawn(NamedTuple):
    """What an undo did."""

    removed: int
    """Prompts that the import had brought."""
    reverted: int
    """Older prompts that lost the drafts or origins the import had given them."""
    kept: tuple[str, ...]
    """Names of prompts that were changed since, and stay as they are."""


# What an import brings is never younger than the import; what changes it later is.
_PREPARE = (
    "DROP TABLE IF EXISTS temp.removed",
    "DROP TABLE IF EXISTS temp.rewritten",
    """CREATE TEMP TABLE removed AS SELECT pk FROM prompts p
        WHERE p.import_pk = :pk AND p.updated_at <= :time AND NOT EXISTS (
            SELECT 1 FROM origins o WHERE o.prompt_pk = p.pk AND o.import_pk != :pk)""",
    """CREATE TEMP TABLE rewritten AS SELECT DISTINCT o.prompt_pk AS pk,
            p.updated_at <= :time AND EXISTS (SELECT 1 FROM origins c
                WHERE c.version_pk = p.version_pk AND c.import_pk = :pk) AS grown
        FROM origins o JOIN prompts p ON p.pk = o.prompt_pk
        WHERE o.import_pk = :pk AND p.import_pk IS NOT :pk""",
)
_KEPT = """SELECT name FROM prompts WHERE import_pk = :pk
    AND pk NOT IN (SELECT pk FROM temp.removed) ORDER BY name"""
_IDS = "SELECT p.id FROM prompts p JOIN temp.{table} t ON t.pk = p.pk"
_REMOVE = (
    "DELETE FROM labels WHERE prompt_pk IN (SELECT pk FROM temp.removed)",
    "DELETE FROM origins WHERE prompt_pk IN (SELECT pk FROM temp.removed)",
    "DELETE FROM prompts WHERE pk IN (SELECT pk FROM temp.removed)",
    "DELETE FROM versions WHERE prompt_pk IN (SELECT pk FROM temp.removed)",
)
_GROWN = "(SELECT pk FROM temp.rewritten WHERE grown)"
_BROUGHT = f"""SELECT version_pk FROM origins WHERE import_pk = :pk
    AND version_pk IS NOT NULL AND prompt_pk IN {_GROWN}"""
_REVERT = (
    f"""UPDATE prompts SET version_pk = (SELECT v.pk FROM versions v
            WHERE v.prompt_pk = prompts.pk AND v.pk NOT IN ({_BROUGHT})
            ORDER BY v.number DESC LIMIT 1)
        WHERE pk IN {_GROWN}""",
    f"""UPDATE prompts SET updated_at =
            (SELECT created_at FROM versions v WHERE v.pk = version_pk)
        WHERE pk IN {_GROWN}""",
    f"DELETE FROM versions WHERE pk IN ({_BROUGHT})",
    """DELETE FROM origins WHERE import_pk = :pk
        AND prompt_pk IN (SELECT pk FROM temp.rewritten)""",
    "UPDATE imports SET undone_at = :now WHERE pk = :pk",
)


def withdraw(
    connection: sqlite3.Connection, pk: int, time: str, author: Author, now: datetime
) -> Withdrawn:
    """Take back import *pk*, made at *time*, within the transaction under way."""
    values = {"pk": pk, "time": time, "now": to_text(now)}
    reader = Reader(connection)
    for statement in _PREPARE:
        connection.execute(statement, values)
    kept = tuple(name for (name,) in connection.execute(_KEPT, values))
    removed = _prompts(reader, "removed")
    for statement in _REMOVE + _REVERT:
        connection.execute(statement, values)
    rewritten = _prompts(reader, "rewritten")
    if removed or rewritten:
        commit = _insert_commit(connection, f"Undo import {pk}", author, now)
        files: list[_File] = [(commit, history_path(p), None, None) for p in removed]
        files += [_file(connection, reader, commit, prompt) for prompt in rewritten]
        connection.executemany(_INSERT_FILE, files)
    return Withdrawn(len(removed), len(rewritten), kept)


_INSERT_FILE = """INSERT INTO outbox_files (outbox_pk, path, header, version_pk)
    VALUES (?, ?, ?, ?)"""
_File = tuple[int, str, str | None, int | None]


def _prompts(reader: Reader, table: str) -> list[Prompt]:
    ids = [row[0] for row in reader.rows(_IDS.format(table=table))]
    return [reader.by_id(id_) for id_ in ids]


def _insert_commit(
    connection: sqlite3.Connection, message: str, author: Author, now: datetime
) -> int:
    cursor = connection.execute(
        """INSERT INTO outbox (id, author_name, author_email, message, created_at)
        VALUES (?, ?, ?, ?, ?)""",
        (str(uuid.uuid4()), *author, message, to_text(now)),
    )
    return int(cursor.lastrowid or 0)


def _file(
    connection: sqlite3.Connection, reader: Reader, commit: int, prompt: Prompt
) -> _File:
    head = header(prompt, reader.current(prompt), reader.origins(prompt))
    row = connection.execute(
        "SELECT version_pk FROM prompts WHERE id = ?", (prompt.id,)
    )
    return commit, history_path(prompt), head, row.fetchone()[0]

"""Undoes an import, except for prompts that changed since."""

import sqlite3
from datetime import datetime
from typing import NamedTuple

from promptvault.domain.prompt import Author, Prompt
from promptvault.domain.timestamp import to_text
from promptvault.front_matter import header
from promptvault.vault import outbox
from promptvault.vault.outbox import history_path
from promptvault.vault.reader import Reader


class UndoResult(NamedTuple):
    """What an undo did, as `imports undo --json` prints it."""

    removed: int
    """Number of prompts that the import had added."""
    reverted: int
    """Number of older prompts that lost versions or origins from the import."""
    kept: tuple[str, ...]
    """Names of prompts that changed since and were kept."""


# Nothing that an import writes is younger than the import; a later change is.
# Each temporary table holds the prompts that get one treatment:
# `removed`    added by the import, and not touched since;
# `handed`     added by the import, but also found by another one, which gets them;
# `grown`      older, with versions from the import that are still the newest;
# `changed`    added or updated by the import, but edited since: they are kept;
# `rewritten`  all whose file in the history changes.
_UNTOUCHED = "p.updated_at <= :time"
_FOREIGN_VERSION = """EXISTS (SELECT 1 FROM versions v
    WHERE v.prompt_pk = p.pk AND v.import_pk IS NOT :pk)"""
_OTHER_IMPORT = """(SELECT min(o.import_pk) FROM origins o
    JOIN imports i ON i.pk = o.import_pk AND i.undone_at IS NULL
    WHERE o.prompt_pk = p.pk AND o.import_pk != :pk)"""
_GAINED = """p.import_pk IS NOT :pk AND p.pk IN
    (SELECT prompt_pk FROM versions WHERE import_pk = :pk)"""
_BROUGHT = f"p.import_pk = :pk AND {_UNTOUCHED} AND NOT {_FOREIGN_VERSION}"
_FIRST_GAINED = """(SELECT min(number) FROM versions v
    WHERE v.prompt_pk = {prompt}.pk AND v.import_pk = :pk)"""
_STILL_LAST = f"""{_UNTOUCHED} AND
    ((SELECT import_pk FROM versions v WHERE v.pk = p.version_pk) = :pk
        OR p.version_pk = (SELECT version_pk FROM import_growth
            WHERE import_pk = :pk AND prompt_pk = p.pk))
    AND NOT EXISTS (SELECT 1 FROM versions v WHERE v.prompt_pk = p.pk
        AND v.import_pk IS NOT :pk AND v.number > {_FIRST_GAINED.format(prompt="p")})"""
_TREATMENTS = {
    "removed": f"SELECT pk FROM prompts p WHERE {_BROUGHT} AND {_OTHER_IMPORT} IS NULL",
    "handed": f"""SELECT pk, {_OTHER_IMPORT} AS heir FROM prompts p
        WHERE {_BROUGHT} AND {_OTHER_IMPORT} IS NOT NULL""",
    "grown": f"SELECT pk FROM prompts p WHERE {_GAINED} AND {_STILL_LAST}",
    "changed": f"""SELECT pk FROM prompts p WHERE ({_GAINED} AND NOT ({_STILL_LAST}))
        OR (p.import_pk = :pk AND NOT ({_BROUGHT}))""",
    "rewritten": """SELECT pk FROM temp.handed UNION SELECT pk FROM temp.grown UNION
        SELECT prompt_pk FROM origins WHERE import_pk = :pk
            AND prompt_pk NOT IN (SELECT pk FROM temp.removed)
            AND prompt_pk NOT IN (SELECT pk FROM temp.changed)""",
}
_KEPT = """SELECT name FROM prompts WHERE pk IN (SELECT pk FROM temp.changed)
    ORDER BY name"""
_IDS = "SELECT p.id FROM prompts p JOIN temp.{table} t ON t.pk = p.pk"
_REMOVE = (
    "DELETE FROM labels WHERE prompt_pk IN (SELECT pk FROM temp.removed)",
    "DELETE FROM origins WHERE prompt_pk IN (SELECT pk FROM temp.removed)",
    "DELETE FROM prompts WHERE pk IN (SELECT pk FROM temp.removed)",
    "DELETE FROM versions WHERE prompt_pk IN (SELECT pk FROM temp.removed)",
)
# A synced version is on other devices too, so it stays.
_DRAFTS = """FROM versions v WHERE v.import_pk = :pk
    AND v.prompt_pk IN (SELECT pk FROM temp.grown)
    AND v.pk NOT IN (SELECT version_pk FROM sync_places)"""
# Earlier releases did not store which version was current before the import.
_BEFORE = f"""coalesce(
    (SELECT version_pk FROM import_growth
        WHERE import_pk = :pk AND prompt_pk = prompts.pk),
    (SELECT pk FROM versions WHERE prompt_pk = prompts.pk
        AND number < {_FIRST_GAINED.format(prompt="prompts")}
        ORDER BY number DESC LIMIT 1))"""
_REVERT = (
    """UPDATE versions SET import_pk =
            (SELECT heir FROM temp.handed h WHERE h.pk = prompt_pk)
        WHERE prompt_pk IN (SELECT pk FROM temp.handed)""",
    """UPDATE prompts SET import_pk =
            (SELECT heir FROM temp.handed h WHERE h.pk = prompts.pk)
        WHERE pk IN (SELECT pk FROM temp.handed)""",
    # Restore the time only if the import had changed it. Earlier releases did not store
    # the previous one.
    f"""UPDATE prompts SET updated_at =
            (SELECT created_at FROM versions WHERE pk = {_BEFORE})
        WHERE pk IN (SELECT pk FROM temp.grown) AND updated_at =
            (SELECT created_at FROM versions WHERE pk = prompts.version_pk)""",
    """UPDATE prompts SET (updated_at, secrets_allowed) =
            (SELECT updated_at, secrets_allowed FROM import_growth
            WHERE import_pk = :pk AND prompt_pk = prompts.pk)
        WHERE pk IN (SELECT pk FROM temp.grown) AND pk IN
            (SELECT prompt_pk FROM import_growth WHERE import_pk = :pk)""",
    f"""UPDATE prompts SET version_pk = {_BEFORE}
        WHERE pk IN (SELECT pk FROM temp.grown)""",
    "DELETE FROM import_growth WHERE import_pk = :pk",
    f"DELETE FROM versions WHERE pk IN (SELECT v.pk {_DRAFTS})",
    """DELETE FROM origins WHERE import_pk = :pk
        AND prompt_pk IN (SELECT pk FROM temp.rewritten)""",
    "UPDATE imports SET undone_at = :now WHERE pk = :pk",
    # A later import may have found duplicates only because of this one.
    "DELETE FROM import_files WHERE import_pk >= :pk",
)


def undo_import(
    connection: sqlite3.Connection, pk: int, time: str, author: Author, now: datetime
) -> UndoResult:
    """Undo import *pk* within the transaction under way.

    *time* is that of the import, in the vault's text form. The outbox gets one commit
    by *author* if any file changes.
    """
    values = {"pk": pk, "time": time, "now": to_text(now)}
    reader = Reader(connection)
    for table, query in _TREATMENTS.items():
        connection.execute(f"DROP TABLE IF EXISTS temp.{table}")
        connection.execute(f"CREATE TEMP TABLE {table} AS {query}", values)
    kept = tuple(name for (name,) in connection.execute(_KEPT, values))
    removed = _prompts(reader, "removed")
    for statement in _REMOVE + _REVERT:
        connection.execute(statement, values)
    rewritten = _prompts(reader, "rewritten")
    if removed or rewritten:
        commit = outbox.insert_commit(connection, author, f"Undo import {pk}", now)
        files: list[_File] = [(commit, history_path(p), None, None) for p in removed]
        files += [_file(connection, reader, commit, prompt) for prompt in rewritten]
        connection.executemany(outbox.INSERT_FILE, files)
    return UndoResult(len(removed), len(rewritten), kept)


_File = tuple[int, str, str | None, int | None]


def _prompts(reader: Reader, table: str) -> list[Prompt]:
    ids = [row[0] for row in reader.rows(_IDS.format(table=table))]
    return [reader.by_id(id_) for id_ in ids]


def _file(
    connection: sqlite3.Connection, reader: Reader, commit: int, prompt: Prompt
) -> _File:
    head = header(prompt, reader.current(prompt), reader.origins(prompt))
    row = connection.execute(
        "SELECT version_pk FROM prompts WHERE id = ?", (prompt.id,)
    )
    return commit, history_path(prompt), head, row.fetchone()[0]

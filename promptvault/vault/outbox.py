"""The outbox: commits that are still to be written to git, and their files.

A change is saved in one SQLite transaction with its outbox rows. They are deleted when
git has the commit, so no change is lost if the process is killed in between.
"""

import sqlite3
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from promptvault.domain.prompt import Author, Prompt
from promptvault.domain.timestamp import from_text, to_text
from promptvault.front_matter import header
from promptvault.vault.database import bulk_transaction, translated_errors
from promptvault.vault.reader import Reader


@dataclass(frozen=True, slots=True)
class PendingCommit:
    """One commit to write; `id` is globally unique."""

    key: int
    id: str
    author: Author
    message: str
    created_at: datetime


class PendingFile(NamedTuple):
    """One file of a commit; without content, the commit removes it."""

    key: int
    path: str
    has_content: bool
    text: str | None
    """Its content, None if it was sent to git before."""


INSERT_FILE = """INSERT INTO outbox_files (outbox_pk, path, header, version_pk)
    VALUES (?, ?, ?, ?)"""


def insert_commit(
    connection: sqlite3.Connection,
    author: Author,
    message: str,
    time: datetime,
    key: int | None = None,
) -> int:
    """Add a commit to the outbox, under *key* or the next one; return its key."""
    cursor = connection.execute(
        """INSERT INTO outbox (pk, id, author_name, author_email, message, created_at)
        VALUES (?, ?, ?, ?, ?, ?)""",
        (key, str(uuid.uuid4()), *author, message, to_text(time)),
    )
    return int(cursor.lastrowid or 0)


def read_pending(connection: sqlite3.Connection) -> list[PendingCommit]:
    """Return the pending commits, oldest first; raises VaultError."""
    with translated_errors():
        rows = connection.execute(
            """SELECT pk, id, author_name, author_email, message, created_at
            FROM outbox ORDER BY pk"""
        ).fetchall()
    return [
        PendingCommit(pk, id_, Author(name, email), message, from_text(created_at))
        for pk, id_, name, email, message, created_at in rows
    ]


def read_files(
    connection: sqlite3.Connection, commit: PendingCommit, sent: int = 0
) -> Iterator[PendingFile]:
    """Yield the files of *commit*, without content up to the key *sent*.

    Raises VaultError.
    """
    with translated_errors():
        rows = connection.execute(
            """SELECT f.pk, f.path, f.version_pk,
                CASE WHEN f.pk > ? THEN f.header || v.body END
            FROM outbox_files f LEFT JOIN versions v ON v.pk = f.version_pk
            WHERE f.outbox_pk = ? ORDER BY f.pk""",
            (sent, commit.key),
        )
        for key, path, version_pk, text in rows:
            if text is None and version_pk is not None and key > sent:
                text = _current_text(connection, version_pk)
            yield PendingFile(key, path, version_pk is not None, text)


def _current_text(connection: sqlite3.Connection, version_pk: int) -> str:
    """Return the file of a version, built now: imports store no front matter."""
    reader = Reader(connection)
    prompt, version = reader.by_version(version_pk)
    return header(prompt, version, reader.origins(prompt)) + version.body


def complete(connection: sqlite3.Connection, commits: Mapping[int, str]) -> None:
    """Set the commit ids of versions, and delete the outbox rows.

    *commits* maps the key of an outbox row to its commit id. A version keeps the id of
    the first commit that holds it. Raises VaultError.
    """
    with bulk_transaction(connection):
        _complete(connection, [(commit, key) for key, commit in commits.items()])


def _complete(connection: sqlite3.Connection, ids: Sequence[tuple[str, int]]) -> None:
    connection.executemany(
        """UPDATE versions SET commit_id = ? WHERE commit_id IS NULL AND pk IN
            (SELECT version_pk FROM outbox_files WHERE outbox_pk = ?)""",
        ids,
    )
    keys = [(key,) for _, key in ids]
    connection.executemany("DELETE FROM outbox_files WHERE outbox_pk = ?", keys)
    connection.executemany("DELETE FROM outbox WHERE pk = ?", keys)


TRASH_FOLDER = ".trash"
"""No prompt name begins with a dot, so the folder holds nothing else."""


def history_path(prompt: Prompt) -> str:
    """Return the path of the Markdown file of *prompt* in the history."""
    return path_of(prompt.id, prompt.name, is_deleted=prompt.deleted_at is not None)


def path_of(prompt_id: str, name: str, *, is_deleted: bool) -> str:
    """Return the path of the file of a prompt with this id and name."""
    return f"{TRASH_FOLDER}/{prompt_id}.md" if is_deleted else f"{name}.md"

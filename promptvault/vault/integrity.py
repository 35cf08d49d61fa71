"""The checks and repairs of the database that `doctor` needs."""

import hashlib
import sqlite3
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from promptvault.domain.digest import digest
from promptvault.vault.database import bulk_transaction, translated_errors
from promptvault.vault.tables import VaultTable


class StoredVersion(NamedTuple):
    """A version in the database."""

    pk: int
    id: str
    prompt_id: str
    name: str
    number: int
    text_hash: bytes
    sound: bool
    """Whether the text matches its digest."""
    commit: str | None


def text_hash(text: str) -> bytes:
    """Return a 16-byte hash of *text*, to compare large vaults in memory."""
    return hashlib.blake2b(text.encode(), digest_size=16).digest()


def find_damage(connection: sqlite3.Connection) -> list[str]:
    """Return the errors in the database's pages, rows and schema."""
    try:
        found = [row[0] for row in connection.execute("PRAGMA integrity_check(5)")]
        broken = connection.execute("PRAGMA foreign_key_check").fetchall()
    except sqlite3.DatabaseError as error:
        return [str(error)]
    missing = [f"a row of {row[0]} refers to a missing row" for row in broken[:5]]
    found = [line for line in found if line != "ok"]
    return found + missing + list(_missing_columns(connection))


def _missing_columns(connection: sqlite3.Connection) -> Iterator[str]:
    """Yield the tables and columns that the schema lacks."""
    for table in VaultTable.metadata.tables.values():
        rows = connection.execute(f"PRAGMA table_info({table.name})")
        columns = {row[1] for row in rows}
        if not columns:
            yield f"the table {table.name} is missing"
            continue
        for column in table.columns:
            if column.name not in columns:
                yield f"the table {table.name} has no column {column.name}"


def is_index_intact(connection: sqlite3.Connection) -> bool:
    """Return True if the search index matches the texts."""
    try:
        connection.execute(
            "INSERT INTO search (search, rank) VALUES ('integrity-check', 1)"
        )
    except sqlite3.DatabaseError:
        return False
    return True


def rebuild_index(connection: sqlite3.Connection) -> None:
    """Rebuild the search index from the texts; raises VaultError."""
    with bulk_transaction(connection):
        connection.execute("INSERT INTO search (search) VALUES ('rebuild')")


def read_stored_versions(connection: sqlite3.Connection) -> Iterator[StoredVersion]:
    """Yield all versions in the order of their keys; raises VaultError."""
    with translated_errors():
        rows = connection.execute(
            """SELECT v.pk, v.id, p.id, p.name, v.number, v.body, v.digest, v.commit_id
            FROM versions v JOIN prompts p ON p.pk = v.prompt_pk ORDER BY v.pk"""
        )
        for pk, id_, prompt_id, name, number, body, key, commit in rows:
            sound = isinstance(body, str) and digest(body) == key
            hashed = text_hash(body) if isinstance(body, str) else b""
            yield StoredVersion(pk, id_, prompt_id, name, number, hashed, sound, commit)


def restore_text(
    connection: sqlite3.Connection, version: StoredVersion, text: str
) -> None:
    """Replace the damaged text of a version; raises VaultError."""
    with bulk_transaction(connection):
        row = (text, digest(text), version.pk)
        connection.execute("UPDATE versions SET body = ?, digest = ? WHERE pk = ?", row)


def set_commits(connection: sqlite3.Connection, commits: Mapping[str, str]) -> None:
    """Set the commit ids of versions, within the current transaction."""
    ids = [(commit, version) for version, commit in commits.items()]
    connection.executemany("UPDATE versions SET commit_id = ? WHERE id = ?", ids)


def clear_outbox(connection: sqlite3.Connection) -> None:
    """Delete all pending commits, because the history has them."""
    connection.execute("DELETE FROM outbox_files")
    connection.execute("DELETE FROM outbox")


def has_commits(connection: sqlite3.Connection) -> bool:
    """Return True if any version has a commit id; raises VaultError."""
    with translated_errors():
        sql = "SELECT 1 FROM versions WHERE commit_id IS NOT NULL LIMIT 1"
        return connection.execute(sql).fetchone() is not None

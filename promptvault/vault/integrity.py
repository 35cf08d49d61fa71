"""Questions of the doctor to the database: is it whole, and what does it say?"""

import hashlib
import sqlite3
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from promptvault.domain.digest import digest
from promptvault.vault.database import bulk_transaction, translated_errors
from promptvault.vault.tables import VaultTable


class StoredVersion(NamedTuple):
    """A version as the database has it; `sound` tells if its text fits its digest."""

    pk: int
    id: str
    prompt_id: str
    name: str
    number: int
    text_hash: bytes
    sound: bool
    commit: str | None


def text_hash(text: str) -> bytes:
    """Return a hash of a text to the byte, for comparing large vaults in memory."""
    return hashlib.blake2b(text.encode(), digest_size=16).digest()


def find_damage(connection: sqlite3.Connection) -> list[str]:
    """Return what is wrong with the database's pages, rows and schema."""
    try:
        found = [row[0] for row in connection.execute("PRAGMA integrity_check(5)")]
        broken = connection.execute("PRAGMA foreign_key_check").fetchall()
    except sqlite3.DatabaseError as error:
        return [str(error)]
    missing = [f"a row of {row[0]} names a row that is not there" for row in broken[:5]]
    found = [line for line in found if line != "ok"]
    return found + missing + list(_missing_columns(connection))


def _missing_columns(connection: sqlite3.Connection) -> Iterator[str]:
    """Yield what the schema lacks of the tables as they are declared."""
    for table in VaultTable.metadata.tables.values():
        rows = connection.execute(f"PRAGMA table_info({table.name})")
        columns = {row[1] for row in rows}
        if not columns:
            yield f"there is no table {table.name}"
            continue
        for column in table.columns:
            if column.name not in columns:
                yield f"the table {table.name} has no column {column.name}"


def is_index_intact(connection: sqlite3.Connection) -> bool:
    """Tell whether the search index says what the texts say."""
    try:
        connection.execute(
            "INSERT INTO search (search, rank) VALUES ('integrity-check', 1)"
        )
    except sqlite3.DatabaseError:
        return False
    return True


def rebuild_index(connection: sqlite3.Connection) -> None:
    """Make the search index anew from the texts."""
    with bulk_transaction(connection):
        connection.execute("INSERT INTO search (search) VALUES ('rebuild')")


def read_stored_versions(connection: sqlite3.Connection) -> Iterator[StoredVersion]:
    """Yield every version there is, in the order they were saved."""
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
    """Put back the text of a version that no longer fits its digest."""
    with bulk_transaction(connection):
        row = (text, digest(text), version.pk)
        connection.execute("UPDATE versions SET body = ?, digest = ? WHERE pk = ?", row)


def set_commits(connection: sqlite3.Connection, commits: Mapping[str, str]) -> None:
    """Write down the commits of versions, within the transaction under way."""
    ids = [(commit, version) for version, commit in commits.items()]
    connection.executemany("UPDATE versions SET commit_id = ? WHERE id = ?", ids)


def clear_outbox(connection: sqlite3.Connection) -> None:
    """Drop all commits that wait: the history has them."""
    connection.execute("DELETE FROM outbox_files")
    connection.execute("DELETE FROM outbox")


def has_commits(connection: sqlite3.Connection) -> bool:
    """Tell whether any version names a commit."""
    with translated_errors():
        sql = "SELECT 1 FROM versions WHERE commit_id IS NOT NULL LIMIT 1"
        return connection.execute(sql).fetchone() is not None

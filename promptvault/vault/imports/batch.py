"""Inserts the rows of an import in batches."""

import sqlite3
from functools import lru_cache
from itertools import chain
from typing import Any

from promptvault.domain.imported_prompt import ImportedPrompt
from promptvault.vault.prompt_row import INSERT_LABEL, INSERT_PROMPT, INSERT_VERSION

_SIZE = 500
_ROWS_OF_A_STATEMENT = 64
"""SQLite saves the pages that a statement changes, if triggers are on the table. One
statement for each row takes twice as long. 64 rows have fewer than 999 values, the most
that older versions of SQLite accept."""
_MAX_KEYS = 100_000
"""Keys kept in memory: about three for each prompt, of some 150 bytes each."""
_STATEMENTS = {
    # The order of the foreign keys and of the search index: see `VersionValues`.
    "versions": INSERT_VERSION,
    "prompts": INSERT_PROMPT,
    "labels": INSERT_LABEL,
    "origins": """INSERT INTO origins (prompt_pk, version_pk, import_pk, source,
        conversation_id, conversation_title, message_id, model, created_at, url)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)""",
    "files": """INSERT INTO outbox_files (pk, outbox_pk, path, version_pk)
        VALUES (?, ?, ?, ?)""",
}


class Batch:
    """Collects rows, and says which queries must wait until they are written."""

    def __init__(self, connection: sqlite3.Connection, *, is_first: bool) -> None:
        """*is_first* says that the vault holds no prompt yet."""
        self._connection = connection
        self._rows: dict[str, list[tuple[Any, ...]]] = {t: [] for t in _STATEMENTS}
        self.knows_all = is_first
        """True if `keys` and `names` hold all that is in the vault.

        Then nothing need be queried, which saves a third of a first import's time.
        """
        self.keys: set[str | bytes] = set()
        """Ids, message ids and digests, at least of the rows not written yet."""
        self.names: set[str] = set()
        """Names of prompts, at least of those not written yet."""

    def add(self, table: str, row: tuple[Any, ...]) -> None:
        """Add a row."""
        self._rows[table].append(row)

    def may_match(self, prompt: ImportedPrompt, digest: bytes) -> bool:
        """Return True if a row not written yet may be a duplicate of *prompt*."""
        if prompt.id or digest in self.keys:
            return True
        origins = [version.origin for version in prompt.versions if version.origin]
        return any(origin.message_id in self.keys for origin in origins)

    def write_if_full(self) -> None:
        """Write the rows if there are enough for a batch."""
        if len(self._rows["versions"]) >= _SIZE or len(self._rows["origins"]) >= _SIZE:
            self.write()

    def write(self) -> None:
        """Write all rows, and forget keys if there are too many."""
        for table, rows in self._rows.items():
            if rows:
                self._insert(table, rows)
                rows.clear()
        if not self.knows_all or len(self.keys) > _MAX_KEYS:
            self.knows_all = False
            self.keys.clear()
            self.names.clear()

    def _insert(self, table: str, rows: list[tuple[Any, ...]]) -> None:
        for start in range(0, len(rows), _ROWS_OF_A_STATEMENT):
            part = rows[start : start + _ROWS_OF_A_STATEMENT]
            values = tuple(chain.from_iterable(part))
            self._connection.execute(_statement(table, len(part)), values)


@lru_cache
def _statement(table: str, rows: int) -> str:
    """Return the statement that inserts so many rows."""
    insert = _STATEMENTS[table]
    places = insert[insert.rindex("(") :]
    return insert + f", {places}" * (rows - 1)

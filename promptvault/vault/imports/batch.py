"""Rows of an import on their way into the tables, many at a time."""

import sqlite3
from typing import Any

from promptvault.domain.offer import Offer
from promptvault.vault.prompt_row import INSERT_LABEL, INSERT_PROMPT, INSERT_VERSION

_SIZE = 500
_REMEMBERED = 100_000
"""Keys, of some 150 bytes each, of which a prompt has about three."""
_STATEMENTS = {
    # A version goes before its prompt, and a prompt before what is said of it.
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
    """Collects rows, and knows which questions they would change the answer to."""

    def __init__(self, connection: sqlite3.Connection, *, is_first: bool) -> None:
        """Begin; *is_first* tells that the vault holds no prompt yet."""
        self._connection = connection
        self._rows: dict[str, list[tuple[Any, ...]]] = {t: [] for t in _STATEMENTS}
        self.knows_all = is_first
        """Whether what is neither in `keys` nor in `names` is not in the vault: then
        it need not be asked, which a third of a first import's time would go to."""
        self.keys: set[str | bytes] = set()
        """Ids, message ids and digests of the rows that wait, at least."""
        self.names: set[str] = set()

    def add(self, table: str, row: tuple[Any, ...]) -> None:
        """Take a row in."""
        self._rows[table].append(row)

    def matters_to(self, prompt: Offer, digest: bytes) -> bool:
        """Tell whether *prompt* might be found among the rows that wait."""
        if prompt.id or digest in self.keys:
            return True
        origins = [version.origin for version in prompt.versions if version.origin]
        return any(origin.message_id in self.keys for origin in origins)

    def write_if_full(self) -> None:
        """Write the rows when they are many."""
        if len(self._rows["versions"]) >= _SIZE or len(self._rows["origins"]) >= _SIZE:
            self.write()

    def write(self) -> None:
        """Write the rows."""
        for table, rows in self._rows.items():
            if rows:
                self._connection.executemany(_STATEMENTS[table], rows)
                rows.clear()
        if not self.knows_all or len(self.keys) > _REMEMBERED:
            self.knows_all = False
            self.keys.clear()
            self.names.clear()

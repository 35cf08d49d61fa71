"""The server's revision of each prompt, and the digest of all of them."""

import sqlite3
from dataclasses import dataclass, field
from uuid import UUID

from promptvault.domain.vault_digest import SIZE, head_digest, vault_digest
from promptvault.vault.sync.item import Item, save_item

_DELETE_RESTORED = "DELETE FROM sync_restored WHERE item = ?"


@dataclass(slots=True)
class ServerState:
    """Tracks which revision of each prompt the server has."""

    connection: sqlite3.Connection
    digest: int
    """Digest of the live prompts as an integer; see `domain.vault_digest`."""
    changed_live: set[str] = field(default_factory=set)
    """Ids of prompts that were added to the server, or deleted there."""

    def set(self, item: Item, rev: str | None, *, live: bool) -> None:
        """Store the server's revision of *item*, and whether it is live there.

        *rev* is None if the server does not have the prompt, or if it is not known
        whether the local revision descends from the server's.
        """
        self._toggle(item)
        if live != item.base_live:
            self.changed_live.add(item.id)
        item.base_rev, item.base_live = rev, live and rev is not None
        self._toggle(item)
        if item.is_clean:
            item.hold = None
            self.connection.execute(_DELETE_RESTORED, (item.id,))
        save_item(self.connection, item)

    def drop(self, item: Item) -> None:
        """Remove *item* from the digest, before it is deleted."""
        self._toggle(item)

    def recompute_digest(self) -> None:
        """Compute the digest again from the stored revisions."""
        rows = self.connection.execute(
            "SELECT item, base_rev FROM sync_items WHERE base_live"
        )
        pairs = ((UUID(item), UUID(rev)) for item, rev in rows if rev)
        self.digest = int.from_bytes(vault_digest(pairs))

    def _toggle(self, item: Item) -> None:
        # XOR: adds the prompt to the digest, or removes it.
        if item.base_live and item.base_rev:
            self.digest ^= head_digest(UUID(item.id), UUID(item.base_rev))

    def is_complete(self) -> bool:
        """Return True if the server's revision of every prompt is known."""
        sql = "SELECT 1 FROM sync_items WHERE base_rev IS NULL AND base_live LIMIT 1"
        return self.connection.execute(sql).fetchone() is None

    @property
    def digest_bytes(self) -> bytes:
        """The digest as `SIZE` bytes."""
        return self.digest.to_bytes(SIZE)

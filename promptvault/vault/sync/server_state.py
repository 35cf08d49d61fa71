"""What the server is known to have of each prompt, and the digest of it all."""

import sqlite3
from dataclasses import dataclass, field
from uuid import UUID

from promptvault.domain.vault_digest import SIZE, entry, vault_digest
from promptvault.vault.sync.item import Item, save_item

_AGREED = "DELETE FROM sync_restored WHERE item = ?"


@dataclass(slots=True)
class Bases:
    """Moves prompts from one known revision to the next."""

    connection: sqlite3.Connection
    digest: int
    turned: set[str] = field(default_factory=set)
    """Prompts that began to live on the server, or ceased to."""

    def set(self, item: Item, rev: str | None, *, live: bool) -> None:
        """Note that the server has *item* at *rev*, and whether it lives there."""
        self._turn(item)
        if live != item.base_live:
            self.turned.add(item.id)
        item.base_rev, item.base_live = rev, live and rev is not None
        self._turn(item)
        if item.is_clean:
            item.hold = None
            self.connection.execute(_AGREED, (item.id,))
        save_item(self.connection, item)

    def drop(self, item: Item) -> None:
        """Take *item* out of the digest: it is about to be forgotten."""
        self._turn(item)

    def count(self) -> None:
        """Work the digest out anew, from all that is known of the server."""
        rows = self.connection.execute(
            "SELECT item, base_rev FROM sync_items WHERE base_live"
        )
        pairs = ((UUID(item), UUID(rev)) for item, rev in rows if rev)
        self.digest = int.from_bytes(vault_digest(pairs))

    def _turn(self, item: Item) -> None:
        if item.base_live and item.base_rev:
            self.digest ^= entry(UUID(item.id), UUID(item.base_rev))

    def are_known(self) -> bool:
        """Tell whether of no prompt it is only known that the server has it."""
        sql = "SELECT 1 FROM sync_items WHERE base_rev IS NULL AND base_live LIMIT 1"
        return self.connection.execute(sql).fetchone() is None

    @property
    def digest_bytes(self) -> bytes:
        """The digest as it is stored."""
        return self.digest.to_bytes(SIZE)

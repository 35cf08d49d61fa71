"""Vaults in the database, for what devices push; every query names the vault."""

from collections.abc import Collection, Iterable
from typing import Any, NamedTuple
from uuid import UUID

from psycopg.rows import args_row

from promptvault.server.database import Connection
from promptvault.server.sync.batch import Named
from promptvault.server.sync.ledger import (
    Account,
    Head,
    Known,
    Revision,
    Side,
    Version,
)


class VaultState(NamedTuple):
    """A vault under its lock, and what the asking user is in it."""

    id: UUID
    account_id: UUID
    role: str
    epoch: UUID
    head_seq: int
    gc_horizon: int
    digest: bytes


class LockRepository:
    """Locks vaults, then accounts, each in the order of their ids.

    In that order nobody can wait for somebody who waits for him.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def vaults(
        self, user_id: UUID, vault_ids: list[UUID]
    ) -> dict[UUID, VaultState]:
        """Lock those of *vault_ids* that the user is a member of."""
        await self._connection.execute(
            """
            SELECT 1 FROM vaults
             WHERE id = ANY(%b::uuid[]) AND id IN (
                   SELECT vault_id FROM vault_members WHERE user_id = %s)
             ORDER BY id FOR NO KEY UPDATE OF vaults
            """,
            (vault_ids, user_id),
        )
        # Read anew: whoever held the lock may have changed the members.
        cursor = self._connection.cursor(row_factory=args_row(VaultState))
        await cursor.execute(
            """
            SELECT id, account_id, role, epoch, head_seq, gc_horizon, digest
              FROM vaults JOIN vault_members ON vault_id = id
             WHERE id = ANY(%b::uuid[]) AND user_id = %s
            """,
            (vault_ids, user_id),
        )
        return {vault.id: vault for vault in await cursor.fetchall()}

    async def accounts(self, account_ids: list[UUID]) -> dict[UUID, Account]:
        """Lock accounts."""
        cursor = await self._connection.execute(
            """
            SELECT id, prompt_limit, prompt_count FROM accounts
             WHERE id = ANY(%b::uuid[]) ORDER BY id FOR NO KEY UPDATE
            """,
            (account_ids,),
        )
        return {id: Account(*rest) for id, *rest in await cursor.fetchall()}

    async def set_count(self, account_id: UUID, count: int) -> None:
        """Write down how many prompts an account has."""
        await self._connection.execute(
            "UPDATE accounts SET prompt_count = %s WHERE id = %s", (count, account_id)
        )


class LedgerRepository:
    """Reads what a vault knows, and writes what it accepted, in sets."""

    def __init__(self, connection: Connection, vault_id: UUID) -> None:
        self._connection, self._vault_id = connection, vault_id

    async def known(self, named: Named) -> Known:
        """Return what is known of *named*."""
        return Known(
            heads={
                id: Head(*rest)
                for id, *rest in await self._find(
                    "SELECT item_id, head_rev, deleted, seq FROM items"
                    " WHERE vault_id = %s AND item_id = ANY(%b::uuid[])",
                    named.items,
                )
            },
            revisions={
                id: Revision(*rest)
                for id, *rest in await self._find(
                    "SELECT rev, item_id, base_rev, kind, seq, payload_hash"
                    " FROM revisions WHERE vault_id = %s AND rev = ANY(%b::uuid[])",
                    named.revisions,
                )
            },
            sides={
                id: Side(*rest)
                for id, *rest in await self._find(
                    "SELECT rev, item_id, resolved, seq FROM sides"
                    " WHERE vault_id = %s AND rev = ANY(%b::uuid[])",
                    named.sides,
                )
            },
            versions={
                id: Version(*rest)
                for id, *rest in await self._find(
                    "SELECT version_id, item_id, seq, position FROM versions"
                    " WHERE vault_id = %s AND version_id = ANY(%b::uuid[])",
                    named.versions,
                )
            },
        )

    async def _find(
        self, query: str, ids: Collection[UUID]
    ) -> Iterable[tuple[Any, ...]]:
        if not ids:
            return ()
        cursor = await self._connection.execute(query, (self._vault_id, [*ids]))
        return await cursor.fetchall()

    async def write(self, written: Known, author: UUID, device: UUID) -> None:
        """Store everything that was accepted."""
        await self._write_heads(written.heads)
        await self._write_revisions(written.revisions, author, device)
        await self._write_sides(written.sides)
        await self._write_versions(written.versions)

    async def _write_heads(self, heads: dict[UUID, Head]) -> None:
        await self._insert(
            """
            INSERT INTO items
                   (vault_id, item_id, head_rev, deleted, seq, payload)
            SELECT %s, * FROM unnest(
                   %b::uuid[], %b::uuid[], %b::bool[], %b::bigint[], %b::bytea[])
                ON CONFLICT (vault_id, item_id) DO UPDATE
               SET head_rev = excluded.head_rev, deleted = excluded.deleted,
                   seq = excluded.seq, payload = excluded.payload
            """,
            [(id, *head) for id, head in heads.items()],
        )

    async def _write_revisions(
        self, revisions: dict[UUID, Revision], author: UUID, device: UUID
    ) -> None:
        await self._insert(
            """
            INSERT INTO revisions
                   (vault_id, author_user, device,
                    rev, item_id, base_rev, kind, seq, payload_hash)
            SELECT %s, %s, %s, * FROM unnest(
                   %b::uuid[], %b::uuid[], %b::uuid[], %b::text[], %b::bigint[],
                   %b::bytea[])
            """,
            [(id, *revision) for id, revision in revisions.items()],
            author,
            device,
        )

    async def _write_sides(self, sides: dict[UUID, Side]) -> None:
        await self._insert(
            """
            INSERT INTO sides (vault_id, rev, item_id, resolved, seq, payload)
            SELECT %s, * FROM unnest(
                   %b::uuid[], %b::uuid[], %b::bool[], %b::bigint[], %b::bytea[])
                ON CONFLICT (vault_id, rev) DO UPDATE
               SET resolved = excluded.resolved, seq = excluded.seq,
                   payload = excluded.payload
            """,
            [(id, *side) for id, side in sides.items()],
        )

    async def _write_versions(self, versions: dict[UUID, Version]) -> None:
        await self._insert(
            """
            INSERT INTO versions
                   (vault_id, version_id, item_id, seq, position, payload)
            SELECT %s, * FROM unnest(
                   %b::uuid[], %b::uuid[], %b::bigint[], %b::int[], %b::bytea[])
            """,
            [(id, *version) for id, version in versions.items()],
        )

    async def _insert(
        self, query: str, rows: list[tuple[object, ...]], *before: object
    ) -> None:
        if rows:
            columns = (list(column) for column in zip(*rows, strict=True))
            await self._connection.execute(query, (self._vault_id, *before, *columns))

    async def advance(self, seq: int, digest: bytes) -> None:
        """Write down how far the vault has come."""
        await self._connection.execute(
            "UPDATE vaults SET head_seq = %s, digest = %s WHERE id = %s",
            (seq, digest, self._vault_id),
        )

    async def purge(self, below: int) -> None:
        """Forget tombstones and settled sides up to *below*, under the vault's lock.

        A device that has not read so far begins anew.
        """
        await self._connection.execute(
            "UPDATE vaults SET gc_horizon = greatest(gc_horizon, %s) WHERE id = %s",
            (below, self._vault_id),
        )
        await self._connection.execute(
            """
            WITH gone AS (
                DELETE FROM items WHERE vault_id = %(vault)s AND deleted
                   AND seq <= %(below)s RETURNING item_id)
            DELETE FROM versions USING gone
             WHERE vault_id = %(vault)s AND versions.item_id = gone.item_id
            """,
            {"vault": self._vault_id, "below": below},
        )
        await self._connection.execute(
            "DELETE FROM sides WHERE vault_id = %s AND resolved AND seq <= %s",
            (self._vault_id, below),
        )

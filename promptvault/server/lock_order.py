"""The order in which transactions lock rows, and the locks of accounts.

A transaction that locks rows of several tables takes them in this order, and the rows
of one table in the order of their ids. So no two transactions wait for each other.

1. customers at Stripe; they alone are locked while another service is asked
2. identities of a sign-in provider
3. vaults
4. accounts
5. invitations, shares, codes of devices
6. users, all in one statement: `team.repository.RosterRepository.raise_versions`
7. what belongs to one user: tokens, devices, sessions, links
8. requests to the server's model, the months of accounts, and those of the instance;
   who reserves or settles money locks nothing else, and an account only against its
   erasure

Sync and shares lock vaults and accounts in statements of their own, for their speed
(`sync.repository`, `share.repository`).
"""

from collections.abc import Awaitable, Callable, Collection
from uuid import UUID

from psycopg.rows import scalar_row

from promptvault.server.database import Connection
from promptvault.server.pg_array import uuids

_LOCK_VAULTS = """
SELECT id FROM vaults WHERE account_id = ANY(%(accounts)s::uuid[])
 ORDER BY id FOR NO KEY UPDATE
"""
_LOCK_ACCOUNTS = """
SELECT 1 FROM accounts WHERE id = ANY(%(accounts)s::uuid[])
 ORDER BY id FOR NO KEY UPDATE
"""
_VAULTS = "SELECT id FROM vaults WHERE account_id = ANY(%(accounts)s::uuid[])"


async def lock_account(connection: Connection, account_id: UUID) -> None:
    """Lock all vaults of an account, and then the account.

    All of them, because a change of one team may free the seats that others lack.
    """

    async def find() -> set[UUID]:
        return {account_id}

    await lock_accounts(connection, find)


async def lock_accounts(
    connection: Connection, find: Callable[[], Awaitable[Collection[UUID]]]
) -> None:
    """Lock all vaults of the accounts that *find* returns, and then the accounts.

    If there are more of either by the time they are locked, they are released, and
    locked again in their order. The connection must not commit each statement.
    """
    while True:
        await connection.execute("SAVEPOINT unlocked")
        if await _lock(connection, find):
            return
        await connection.execute("ROLLBACK TO SAVEPOINT unlocked")


async def _lock(
    connection: Connection, find: Callable[[], Awaitable[Collection[UUID]]]
) -> bool:
    """Lock, and return whether that was all there is to lock."""
    accounts = {*await find()}
    values = {"accounts": uuids(accounts)}
    cursor = connection.cursor(row_factory=scalar_row)
    await cursor.execute(_LOCK_VAULTS, values)
    vaults = {*await cursor.fetchall()}
    await cursor.execute(_LOCK_ACCOUNTS, values)
    await cursor.execute(_VAULTS, values)
    return {*await cursor.fetchall()} <= vaults and {*await find()} <= accounts

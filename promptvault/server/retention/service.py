"""Purging: vault by vault, each in a transaction of its own, so that nobody waits."""

from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from promptvault.server.account.erasure import erase_due
from promptvault.server.database import Connection
from promptvault.server.retention.repository import (
    BEFORE_ALL,
    DELETION_LIFE,
    RetentionRepository,
)
from promptvault.server.settings import Settings
from promptvault.server.sync.repository import LedgerRepository


class Purged(NamedTuple):
    """How much was forgotten."""

    vaults: int
    deletions: int
    """Prompts that were deleted, and conflicts that were settled."""
    users: int
    """Users who were deleted, and whose time to come back is over."""
    expired: int
    """Sessions, links, sign-ups, codes, limits; what else is long over."""


async def purge(connection: Connection, settings: Settings, now: datetime) -> Purged:
    """Forget what is old at *now* and known to every device; commits as it goes.

    An account that stores nearly as much as it may is not kept waiting for a deletion
    to be old: there it is enough that every device knows of it.

    A revision's id is kept: whoever sends it again, at any distance in time, is told
    that it was accepted.
    """
    retention = RetentionRepository(connection, now)
    users = await erase_due(connection, now)
    expired = await retention.forget_expired()
    counts, vault = [], await retention.next_vault(BEFORE_ALL)
    while vault is not None:
        life = DELETION_LIFE
        if await retention.is_crowded(vault, settings.storage_limit):
            life = timedelta()
        counts.append(await _purge_vault(connection, retention, vault, life))
        vault = await retention.next_vault(vault)
    await connection.commit()
    return Purged(sum(map(bool, counts)), sum(counts), users, expired)


async def purge_daily(
    connection: Connection, settings: Settings, now: datetime
) -> Purged | None:
    """Purge unless that was done within a day, by whatever instance of the server."""
    is_ours = await RetentionRepository(connection, now).claim()
    await connection.commit()
    return await purge(connection, settings, now) if is_ours else None


async def _purge_vault(
    connection: Connection,
    retention: RetentionRepository,
    vault_id: UUID,
    life: timedelta,
) -> int:
    ledger, count = LedgerRepository(connection, vault_id), 0
    await retention.forget_devices(vault_id)
    await retention.forget_marks(vault_id)
    while True:
        await retention.lock(vault_id)
        last = await retention.last(vault_id, life)
        if last is not None:
            count += await ledger.purge(last)
        await connection.commit()
        if last is None:
            return count

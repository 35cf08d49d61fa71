"""Purging old data, vault by vault, each in a transaction of its own."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import NamedTuple
from uuid import UUID

import structlog

from promptvault.server.account.erasure import erase_due
from promptvault.server.database import Connection, Database
from promptvault.server.retention.repository import (
    BEFORE_ALL,
    DELETION_LIFE,
    RetentionRepository,
)
from promptvault.server.settings import Settings
from promptvault.server.sync.repository import VaultRepository

_PAUSE_SECONDS = 3600.0

_log = structlog.get_logger("promptvault.server")


class Purged(NamedTuple):
    """The numbers of what a purge has deleted."""

    vaults: int
    """Vaults in which anything was deleted."""
    deletions: int
    """Tombstones of prompts, and settled conflict copies."""
    users: int
    """Users whose grace period has ended."""
    expired: int
    """Sessions, links, sign-ups, codes, rate limits and other expired rows."""


async def purge(connection: Connection, settings: Settings, now: datetime) -> Purged:
    """Delete what is old at *now* and known to every device; commits as it goes.

    A deletion is kept for 30 days. In an account that is nearly full it is enough that
    every device has read it.

    The ids of revisions are kept for good, so that a device that sends one again after
    any time still learns that it was accepted.
    """
    retention = RetentionRepository(connection, now)
    users = await erase_due(connection, now)
    expired = await retention.forget_expired()
    counts, vault = [], await retention.next_vault(BEFORE_ALL)
    while vault is not None:
        life = DELETION_LIFE
        if await retention.is_nearly_full(vault, settings.storage_limit):
            life = timedelta()
        counts.append(await _purge_vault(connection, retention, vault, life))
        vault = await retention.next_vault(vault)
    await connection.commit()
    return Purged(sum(map(bool, counts)), sum(counts), users, expired)


async def purge_once_a_day(
    connection: Connection, settings: Settings, now: datetime
) -> Purged | None:
    """Purge, unless some instance of the server has done so within a day."""
    is_ours = await RetentionRepository(connection, now).claim()
    await connection.commit()
    return await purge(connection, settings, now) if is_ours else None


@contextlib.asynccontextmanager
async def purging_daily(database: Database, settings: Settings) -> AsyncIterator[None]:
    """Check every hour, while the block runs, whether a purge is due."""
    task = asyncio.create_task(_purge_daily(database, settings))
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def _purge_daily(database: Database, settings: Settings) -> None:
    while True:
        try:
            async with database.long_connection() as connection:
                now = datetime.now(UTC)
                purged = await purge_once_a_day(connection, settings, now)
            if purged is not None:
                _log.info("purged", **purged._asdict())
        except Exception as error:  # the task must not end
            _log.warning("could not purge", exc_info=error)
        await asyncio.sleep(_PAUSE_SECONDS)


async def _purge_vault(
    connection: Connection,
    retention: RetentionRepository,
    vault_id: UUID,
    life: timedelta,
) -> int:
    vaults, count = VaultRepository(connection, vault_id), 0
    await retention.forget_devices(vault_id)
    await retention.forget_marks(vault_id)
    while True:
        await retention.lock(vault_id)
        last = await retention.last(vault_id, life)
        if last is not None:
            count += await vaults.purge(last)
        await connection.commit()
        if last is None:
            return count

"""Purging old data, vault by vault, each in a transaction of its own."""

import math
import time
from datetime import UTC, datetime, timedelta
from typing import NamedTuple
from uuid import UUID

import structlog

from promptvault.server.account.erasure import erase_due
from promptvault.server.database import Connection
from promptvault.server.job.queue import Kind, enqueue
from promptvault.server.job.work import Work
from promptvault.server.retention.repository import (
    BEFORE_ALL,
    DELETION_LIFE,
    RetentionRepository,
)
from promptvault.server.settings import Settings
from promptvault.server.sync.repository import VaultRepository
from promptvault.server.team import deletion as team_deletion

_PART_SECONDS = 20.0
"""How long a job purges vaults, so that other jobs do not wait."""

_log = structlog.get_logger("promptvault.server")


class Purged(NamedTuple):
    """The numbers of what a purge has deleted."""

    vaults: int
    """Vaults in which anything was deleted."""
    deletions: int
    """Tombstones of prompts, and settled conflict copies."""
    teams: int
    """Deleted teams whose grace period has ended."""
    users: int
    """Users whose grace period has ended."""
    expired: int
    """Sessions, links, sign-ups, codes, rate limits, dead jobs and so on."""


async def purge(connection: Connection, settings: Settings, now: datetime) -> Purged:
    """Delete what is old at *now* and known to every device; commits as it goes.

    A deletion is kept for 30 days. In an account that is nearly full it is enough that
    every device has read it. The ids of revisions are kept permanently, so that a
    device that sends one again after any time still learns that it was accepted.
    """
    retention = RetentionRepository(connection, now)
    teams = await team_deletion.erase_due(connection, now, settings.grace)
    users = await erase_due(connection, now)
    expired = await retention.forget_expired()
    counts, _ = await _purge_vaults(connection, settings, retention, BEFORE_ALL)
    return Purged(sum(map(bool, counts)), sum(counts), teams, users, expired)


async def purge_part(work: Work) -> None:
    """Purge for a while as `purge` does, and leave the other vaults to another job."""
    after = work.ids.get("after")
    async with work.database.long_connection() as connection:
        now = datetime.now(UTC)
        retention = RetentionRepository(connection, now)
        teams = users = expired = 0
        if after is None:
            teams = await team_deletion.erase_due(connection, now, work.settings.grace)
            users = await erase_due(connection, now)
            expired = await retention.forget_expired()
        counts, last = await _purge_vaults(
            connection,
            work.settings,
            retention,
            UUID(after) if after else BEFORE_ALL,
            time.monotonic() + _PART_SECONDS,
        )
    if last is not None:
        await enqueue(work.connection, Kind.PURGE, after=last)
    purged = Purged(sum(map(bool, counts)), sum(counts), teams, users, expired)
    _log.info("purged", **purged._asdict())


async def _purge_vaults(
    connection: Connection,
    settings: Settings,
    retention: RetentionRepository,
    after: UUID,
    until: float = math.inf,
) -> tuple[list[int], UUID | None]:
    """Purge the vaults that follow an id, and return the number of deletions of each.

    If it is later than *until*, a time of `time.monotonic`, return the last vault also.
    """
    counts, vault = [], await retention.next_vault(after)
    while vault is not None:
        life = DELETION_LIFE
        if await retention.is_nearly_full(vault, settings.storage_limit):
            life = timedelta()
        counts.append(await _purge_vault(connection, retention, vault, life))
        if time.monotonic() > until:
            return counts, vault
        vault = await retention.next_vault(vault)
    await connection.commit()
    return counts, None


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

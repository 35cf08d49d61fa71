"""The requests of devices: to sync vaults, and to read the versions of a prompt."""

from uuid import UUID

from promptvault.errors import NotFoundError, TooLargeError
from promptvault.server.database import Connection
from promptvault.server.settings import Settings
from promptvault.server.sync.exchange import Exchange, StorageLimit
from promptvault.server.sync.feed import PAGE_BYTES, FeedRepository, version_read
from promptvault.server.sync.history import HistoryRepository, HistorySize, Start
from promptvault.server.token.repository import Bearer
from promptvault.wire.sync import (
    MAX_VERSIONS,
    PROTO,
    Limits,
    SyncAnswer,
    SyncRequest,
    VersionsRead,
)

PAYLOAD_LIMIT = 256 * 1024
"""Bytes of a head, a side or a version."""


def limits_of(settings: Settings) -> Limits:
    """Return the limits that devices keep in their requests."""
    return Limits(
        items=settings.items_limit,
        bytes=settings.body_limit,
        inflated=settings.inflated_limit,
        payload=PAYLOAD_LIMIT,
        versions=MAX_VERSIONS,
        page_versions=settings.versions_limit,
        history=settings.history_limit,
    )


async def synchronise(
    connection: Connection,
    bearer: Bearer,
    request: SyncRequest,
    limits: Limits,
    storage_limit: StorageLimit,
) -> tuple[SyncAnswer, dict[UUID, int]]:
    """Apply the pushes of *request*, and return the changes its device has not read.

    Also returns the vaults that were changed, with their new sequence numbers. All of
    it happens in the caller's transaction. Raises TooLargeError if the request has more
    pushes or versions than *limits* allow.
    """
    _require_limits(request, limits)
    exchange = Exchange(connection, bearer, request.device, limits, storage_limit)
    vaults = await exchange.run(request)
    answer = SyncAnswer(
        proto=PROTO,
        vaults=vaults,
        limits=limits,
        roster=exchange.roster,
        pay_by=exchange.pay_by,
        end=True,
    )
    return answer, exchange.moved


def _require_limits(request: SyncRequest, limits: Limits) -> None:
    pushes = [push for vault in request.vaults for push in vault.push]
    if len(pushes) > limits.items:
        raise TooLargeError(f"A request may push {limits.items} changes at the most.")
    if sum(len(p.versions) for p in pushes if p.kind != "resolve") > limits.versions:
        raise TooLargeError(
            f"A request may push {limits.versions} versions at the most."
        )


async def versions_of(
    connection: Connection,
    bearer: Bearer,
    vault_id: UUID,
    item_id: UUID,
    after: tuple[int, int],
    most: int,
) -> VersionsRead:
    """Return up to *most* versions of a prompt after the position *after*.

    A position is a sequence number and an index. Raises NotFoundError if there are
    none, or if the bearer is not a member of the vault.
    """
    is_member = await FeedRepository(connection, vault_id, bearer.user_id).is_member()
    history = HistoryRepository(connection, vault_id)
    starts = [Start(item_id, *after)] if is_member else []
    found = await history.read_versions(starts, HistorySize(most, PAGE_BYTES))
    if not found.versions:
        raise NotFoundError("There is no such prompt.")
    last = found.versions[-1]
    return VersionsRead(
        versions=[version_read(each) for each in found.versions],
        next=None if found.complete else f"{last.seq}.{last.position}",
    )

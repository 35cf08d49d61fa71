"""What devices ask for: to change and to be told, or every version of a prompt."""

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


def limits_of(settings: Settings) -> Limits:
    """Return by what devices cut their requests."""
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
    """Take what *request* pushes and return what its device has not read.

    Also returns the vaults that have moved, and their new numbers. Everything is done
    or nothing: the caller's transaction holds all of it. Raises TooLargeError where
    there are more pushes, or versions in them, than the limits say.
    """
    _require_measure(request, limits)
    exchange = Exchange(connection, bearer, request.device, limits, storage_limit)
    vaults = await exchange.run(request)
    answer = SyncAnswer(proto=PROTO, vaults=vaults, limits=limits, end=True)
    return answer, exchange.moved


def _require_measure(request: SyncRequest, limits: Limits) -> None:
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
    """Return up to *most* versions of a prompt that follow the place *after*.

    Raises NotFoundError for a prompt without any there, and for a stranger.
    """
    is_member = await FeedRepository(connection, vault_id, bearer.user_id).is_member()
    history = HistoryRepository(connection, vault_id)
    starts = [Start(item_id, *after)] if is_member else []
    found = await history.read(starts, HistorySize(most, PAGE_BYTES))
    if not found.versions:
        raise NotFoundError("There is no such prompt.")
    last = found.versions[-1]
    return VersionsRead(
        versions=[version_read(each) for each in found.versions],
        next=None if found.complete else f"{last.seq}.{last.position}",
    )

"""What devices ask for: to change and to be told, or every version of a prompt."""

from uuid import UUID

from promptvault.errors import NotFoundError, TooLargeError
from promptvault.server.database import Connection
from promptvault.server.settings import Settings
from promptvault.server.sync.exchange import Exchange
from promptvault.server.sync.feed import FeedRepository, version_read
from promptvault.server.token.repository import Bearer
from promptvault.wire.sync import (
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
    )


async def synchronise(
    connection: Connection, bearer: Bearer, request: SyncRequest, limits: Limits
) -> tuple[SyncAnswer, dict[UUID, int]]:
    """Take what *request* pushes and return what its device has not read.

    Also returns the vaults that have moved, and their new numbers. Everything is done
    or nothing: the caller's transaction holds all of it. Raises TooLargeError where
    there are more pushes than the limits say.
    """
    if sum(len(vault.push) for vault in request.vaults) > limits.items:
        raise TooLargeError(f"A request may push {limits.items} changes at the most.")
    exchange = Exchange(connection, bearer, request.device, limits)
    vaults = await exchange.run(request)
    answer = SyncAnswer(proto=PROTO, vaults=vaults, limits=limits, end=True)
    return answer, exchange.moved


async def versions_of(
    connection: Connection, bearer: Bearer, vault_id: UUID, item_id: UUID
) -> VersionsRead:
    """Return every version of a prompt; raises NotFoundError, also for a stranger.

    All of them are in memory at once, as where a page holds a single long change: what
    a prompt's history may be is bounded by what its devices have sent, and not here.
    """
    feed = FeedRepository(connection, vault_id, bearer.user_id)
    rows = await feed.versions({item_id}, 0) if await feed.is_member() else []
    if not rows:
        raise NotFoundError("There is no such prompt.")
    return VersionsRead(versions=[version_read(row) for row in rows])

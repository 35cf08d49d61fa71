"""The stream of events: what a device is told as long as it listens."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from uuid import UUID

from promptvault.server.database import Database
from promptvault.server.event.hub import Hub, Subscription
from promptvault.server.event.repository import HeadRepository
from promptvault.server.token.repository import Bearer
from promptvault.wire.event import VAULT_EVENT, VaultEvent

_HEARTBEAT = b": still here\n\n"


@dataclass
class Stream:
    """What one device hears; it holds no connection to the database while it waits.

    Every so often it reads where the vaults stand: so it also notices that its token
    has ended, and whatever the hub was not told of.
    """

    hub: Hub
    database: Database
    bearer: Bearer
    heartbeat_seconds: float
    _told: dict[UUID, int] = field(default_factory=dict)

    async def parts(self) -> AsyncIterator[bytes]:
        """Yield what is sent, until the token ends or the server stops."""
        with self.hub.subscription(self.bearer.user_id) as subscription:
            while (heads := await self._heads(subscription)) is not None:
                yield self._news(heads) or _HEARTBEAT
                until = asyncio.get_running_loop().time() + self.heartbeat_seconds
                while moved := await subscription.wait(until):
                    if news := self._news(self._newer(moved)):
                        yield news

    async def _heads(self, subscription: Subscription) -> dict[UUID, int] | None:
        """Return where vaults stand, once nothing that moves them goes unheard."""
        while not self.hub.is_closed:
            async with self.database.transaction() as connection:
                heads = await HeadRepository(connection).heads(
                    self.bearer.token_id, self.bearer.user_id
                )
            if heads is None or heads.keys() == subscription.vaults:
                return heads
            self.hub.watch(subscription, heads.keys())
        return None

    def _newer(self, moved: Mapping[UUID, int]) -> dict[UUID, int]:
        """Return what is news; only the database says that a vault went back in time.

        What was heard while it was read may be older than what it said.
        """
        told = self._told
        return {id: seq for id, seq in moved.items() if seq > told.get(id, -1)}

    def _news(self, heads: Mapping[UUID, int]) -> bytes:
        """Return an event for each vault that is not where it was said to be."""
        news = {id: seq for id, seq in heads.items() if self._told.get(id) != seq}
        self._told |= news
        return b"".join(_event(vault, seq) for vault, seq in news.items())


def _event(vault: UUID, seq: int) -> bytes:
    data = VaultEvent(vault=vault, seq=seq).model_dump_json()
    return f"event: {VAULT_EVENT}\ndata: {data}\n\n".encode()

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
    """What one device hears; it costs the database nothing while nothing happens.

    It reads where the vaults are when it begins, when its user's tokens or vaults have
    changed, when its token expires, and when the hub may have missed something. Only if
    the hub hears nothing, it does so at each heartbeat.
    """

    hub: Hub
    database: Database
    bearer: Bearer
    heartbeat_seconds: float
    _told: dict[UUID, int] = field(default_factory=dict)
    _expires_at: float = 0.0
    """By the clock of the event loop."""

    async def parts(self) -> AsyncIterator[bytes]:
        """Yield what is sent, until the token ends or the server stops."""
        with self.hub.subscription(self.bearer.user_id, self._told) as subscription:
            while (seqs := await self._read(subscription)) is not None:
                yield self._news(seqs) or _HEARTBEAT
                async for part in self._heard(subscription):
                    yield part

    async def _heard(self, subscription: Subscription) -> AsyncIterator[bytes]:
        """Yield what needs no look, until one is due."""
        loop = asyncio.get_running_loop()
        while loop.time() < self._expires_at:
            until = min(loop.time() + self.heartbeat_seconds, self._expires_at)
            moved = await subscription.wait(until)
            if moved is None or not (moved or self.hub.is_hearing):
                return
            if not moved:
                yield _HEARTBEAT
            elif news := self._news(self._newer(moved)):
                yield news

    async def _read(self, subscription: Subscription) -> dict[UUID, int] | None:
        """Return where vaults are, once nothing that moves them goes unheard."""
        while not self.hub.is_closed:
            async with self.database.statements() as connection:
                heads = await HeadRepository(connection).heads(
                    self.bearer.token_id, self.bearer.user_id
                )
            if heads is None:
                return None
            now = asyncio.get_running_loop().time()
            self._expires_at = now + heads.seconds_left
            if heads.seqs.keys() == subscription.vaults:
                return heads.seqs
            self.hub.watch(subscription, heads.seqs.keys())
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

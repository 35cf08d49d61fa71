"""Events over HTTP, as server-sent events: the stream that one device receives."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, NamedTuple
from uuid import UUID

from fastapi import APIRouter, Depends, Request
from fastapi.responses import StreamingResponse
from pydantic import BaseModel

from promptvault.server.database import Connection, Database
from promptvault.server.dependencies import AppDatabase, AppSettings
from promptvault.server.event.hub import Hub, Subscription
from promptvault.server.guard import Authenticated
from promptvault.server.token.repository import Bearer
from promptvault.wire.event import ROSTER_EVENT, VAULT_EVENT, RosterEvent, VaultEvent

router = APIRouter(tags=["event"])

_HEARTBEAT = b": still here\n\n"

_HEADS = """
SELECT v.id, v.head_seq, u.roster_version,
       extract(epoch FROM t.expires_at - now())::float8
  FROM tokens t
  JOIN users u ON u.id = t.user_id AND u.deleted_at IS NULL
  JOIN accounts a ON a.id = u.account_id AND a.deleted_at IS NULL
  LEFT JOIN vault_members m ON m.user_id = t.user_id
  LEFT JOIN vaults v
    ON v.id = m.vault_id AND v.frozen_why IS DISTINCT FROM 'deleted'
 WHERE t.id = %s AND t.user_id = %s AND t.revoked_at IS NULL AND t.expires_at > now()
"""
_HEADERS = {"X-Accel-Buffering": "no"}  # nginx would hold events back
_RESPONSES: dict[int | str, dict[str, Any]] = {
    200: {
        "content": {"text/event-stream": {"schema": {"type": "string"}}},
        "description": "`event: vault` whenever a vault of the user has changed, and"
        " `event: roster` whenever `GET /v1/vaults` has.",
    }
}


async def _hub_of(request: Request) -> Hub:
    hub: Hub = request.app.state.hub
    return hub


@router.get("/events", response_class=StreamingResponse, responses=_RESPONSES)
async def events(
    bearer: Authenticated,
    database: AppDatabase,
    settings: AppSettings,
    hub: Annotated[Hub, Depends(_hub_of)],
) -> StreamingResponse:
    """Send the sequence number of each vault now, and then whenever one changes."""
    hub.refuse_too_many(bearer.user_id)
    stream = Stream(hub, database, bearer, settings.heartbeat_seconds)
    return StreamingResponse(
        stream.parts(), headers=_HEADERS, media_type="text/event-stream"
    )


@dataclass
class Stream:
    """The events for one device. While nothing happens it needs no query.

    It reads the vaults' sequence numbers when it starts, when the user's tokens or
    vaults have changed, when the token expires, and when the hub may have missed a
    notification. Only while the hub receives nothing does it also read them at each
    heartbeat.
    """

    hub: Hub
    database: Database
    bearer: Bearer
    heartbeat_seconds: float
    _sent: dict[UUID, int] = field(default_factory=dict)
    """The sequence number of each vault in the last event about it."""
    _sent_roster: int | None = None
    """The number of the roster in the last event about it."""
    _expires_at: float = 0.0
    """On the clock of the event loop."""

    async def parts(self) -> AsyncIterator[bytes]:
        """Yield events and heartbeats until the token ends or the server stops."""
        with self.hub.subscription(self.bearer.user_id, self._sent) as subscription:
            while (heads := await self._read(subscription)) is not None:
                news = self._roster_event(heads.roster) + self._events(heads.seqs)
                yield news or _HEARTBEAT
                async for part in self._notified(subscription):
                    yield part

    async def _notified(self, subscription: Subscription) -> AsyncIterator[bytes]:
        """Yield what follows from notifications, until the database must be read."""
        loop = asyncio.get_running_loop()
        while loop.time() < self._expires_at:
            until = min(loop.time() + self.heartbeat_seconds, self._expires_at)
            moved = await subscription.wait(until)
            if moved is None or not (moved or self.hub.is_hearing):
                return
            if not moved:
                yield _HEARTBEAT
            elif events := self._events(self._newer(moved)):
                yield events

    async def _read(self, subscription: Subscription) -> "_Heads | None":
        """Return the state of the user's vaults; None if the stream must end.

        They are read after the hub watches these vaults, so no later change is missed.
        """
        while not self.hub.is_closed:
            async with self.database.statements() as connection:
                heads = await _read_heads(connection, self.bearer)
            if heads is None:
                return None
            now = asyncio.get_running_loop().time()
            self._expires_at = now + heads.seconds_left
            if heads.seqs.keys() == subscription.vaults:
                return heads
            self.hub.watch(subscription, heads.seqs.keys())
        return None

    def _newer(self, moved: Mapping[UUID, int]) -> dict[UUID, int]:
        """Return the vaults of *moved* whose number is above the one that was sent.

        A notification may be older than the last read. A lower number, after a restored
        backup, is therefore believed only from the database.
        """
        sent = self._sent
        return {id: seq for id, seq in moved.items() if seq > sent.get(id, -1)}

    def _roster_event(self, roster: int) -> bytes:
        """Return an event if the number of the roster differs from the one sent."""
        if roster == self._sent_roster:
            return b""
        self._sent_roster = roster
        return _event(ROSTER_EVENT, RosterEvent(roster=roster))

    def _events(self, seqs: Mapping[UUID, int]) -> bytes:
        """Return an event for each vault whose number differs from the one sent."""
        news = {id: seq for id, seq in seqs.items() if self._sent.get(id) != seq}
        self._sent |= news
        return b"".join(
            _event(VAULT_EVENT, VaultEvent(vault=vault, seq=seq))
            for vault, seq in news.items()
        )


class _Heads(NamedTuple):
    """The vaults of a token's user."""

    seqs: dict[UUID, int]
    """The newest sequence number of each."""
    roster: int
    seconds_left: float
    """Until the token expires."""


async def _read_heads(connection: Connection, bearer: Bearer) -> _Heads | None:
    """Return the vaults of the bearer's user; None if the token has ended."""
    cursor = await connection.execute(_HEADS, (bearer.token_id, bearer.user_id))
    rows = await cursor.fetchall()
    if not rows:
        return None
    return _Heads({row[0]: row[1] for row in rows if row[0]}, *rows[0][2:])


def _event(type: str, data: BaseModel) -> bytes:
    return f"event: {type}\ndata: {data.model_dump_json()}\n\n".encode()

"""A visitor's way to a shared prompt: limits, password, views, and likely secrets."""

import asyncio
import re
from dataclasses import dataclass
from typing import Annotated, NamedTuple
from uuid import UUID

from fastapi import Depends, Request

from promptvault.errors import (
    AuthenticationError,
    ConflictError,
    GoneError,
    NotFoundError,
)
from promptvault.secret_scan import may_hold_secrets
from promptvault.server.database import Database
from promptvault.server.job.queue import Kind, enqueue
from promptvault.server.limit.concurrency import ConcurrencyLimit
from promptvault.server.limit.rule import (
    SHARE_PASSWORD,
    SHARE_PASSWORD_BY_NETWORK,
    SHARE_READS,
    UNKNOWN_SHARES,
)
from promptvault.server.limit.service import (
    enforce_limit,
    network_of_request,
    raise_if_exhausted,
)
from promptvault.server.password import SHARES, verify_password
from promptvault.server.settings import Settings
from promptvault.server.share import reading
from promptvault.server.share.content import (
    SharedDetails,
    SharedText,
    details_of,
    secrets_in_details,
    text_of,
    version_to_show,
)
from promptvault.server.share.passing import COOKIE, has_passed
from promptvault.server.share.reading import StoredShare, StoredVersion
from promptvault.server.share.view_count import ViewCount

_TOKEN = re.compile(r"[0-9A-Za-z]{22}")

_UNKNOWN = "There is no such share: the link is mistyped, or was deleted long ago."
_ENDED = "This share has ended."
_PAUSED = "This share is not available until its owner has looked at it."
WRONG_PASSWORD = "This is not the password of the share."
NO_PASSWORD = "This share has a password."


class Shown(NamedTuple):
    """A version of a prompt that a visitor may see."""

    version_id: UUID
    number: int
    details: SharedDetails
    text: SharedText

    def author(self, share: StoredShare) -> str | None:
        """Return the author's name if the share shows it."""
        return self.text.author or None if share.show_author else None


@dataclass(frozen=True, slots=True)
class Visit:
    """A request for a share, from one network and perhaps with a cookie."""

    settings: Settings
    database: Database
    passwords: ConcurrencyLimit
    views: ViewCount
    network: str
    cookie: str

    async def find(self, token: str) -> StoredShare:
        """Return the share with a token, if it has not ended.

        Raises NotFoundError, GoneError, RateLimitedError.
        """
        if not _TOKEN.fullmatch(token):
            raise NotFoundError(_UNKNOWN)
        key = f"share:{self.network}"
        async with self.database.statements() as connection:
            found = await reading.find_share(connection, token, SHARE_READS, key)
            raise_if_exhausted(found.requests_left, SHARE_READS)
            if found.share is None:
                key = f"unknown share:{self.network}"
                await enforce_limit(connection, UNKNOWN_SHARES, key)
                raise NotFoundError(_UNKNOWN)
        share = found.share
        is_used_up = share.is_used_up and not self.has_passed(share)
        if share.is_revoked or share.is_expired or is_used_up:
            raise GoneError(_ENDED)
        if _version_of(share) is None:
            raise GoneError(_ENDED)
        return share

    def has_passed(self, share: StoredShare) -> bool:
        """Return True if the browser has given the password, or used a view, before."""
        return has_passed(self.settings.key, share, self.cookie)

    async def check_password(self, share: StoredShare, password: str) -> None:
        """Raise AuthenticationError unless it is the share's password.

        A share without one takes any, after the same time. Raises RateLimitedError
        before anything is hashed.
        """
        key = f"share password:{share.id}"
        async with self.database.statements() as connection:
            by_network = f"{key}:{self.network}"
            await enforce_limit(connection, SHARE_PASSWORD_BY_NETWORK, by_network)
            await enforce_limit(connection, SHARE_PASSWORD, key)
        async with self.passwords.slot("share"):
            is_right = await verify_password(share.password_hash, password, SHARES)
        if share.password_hash is not None and not is_right:
            raise AuthenticationError(WRONG_PASSWORD)

    async def show(self, share: StoredShare) -> Shown:
        """Return what the share shows.

        Raises GoneError, and ConflictError if the share is paused.
        """
        version_id = _version_of(share)
        if version_id is None or share.payload is None:
            raise GoneError(_ENDED)
        async with self.database.statements() as connection:
            version = await reading.find_version(connection, share, version_id)
        text = text_of(version.payload) if version else None
        if version is None or text is None:
            raise GoneError(_ENDED)
        details = details_of(share.payload)
        if not share.allow_secrets:
            kinds = await self._kinds(share, version_id, version, text)
            await self._pause_for(share, [*kinds, *await _kinds_in(details)])
        return Shown(version_id, version.number, details, text)

    async def count(self, share: StoredShare) -> None:
        """Count a view; raises GoneError if none is left."""
        if share.max_views is None:
            self.views.add(share.id)
            return
        async with self.database.transaction() as connection:
            if not await reading.count_view(connection, share):
                raise GoneError(_ENDED)

    async def _kinds(
        self,
        share: StoredShare,
        version_id: UUID,
        version: StoredVersion,
        text: SharedText,
    ) -> list[str]:
        """Return the kinds of likely secrets in a version, looked at once."""
        if version.kinds is not None:
            return version.kinds
        kinds = await asyncio.to_thread(lambda: text.secret_kinds)
        async with self.database.transaction() as connection:
            await reading.note_scan(connection, share.vault_id, version_id, kinds)
        return kinds

    async def _pause_for(self, share: StoredShare, kinds: list[str]) -> None:
        if not kinds and not share.is_paused:
            return
        async with self.database.transaction() as connection:
            if not kinds:
                await reading.unpause(connection, share)
            elif await reading.pause(connection, share) and self.settings.smtp_host:
                await enqueue(connection, Kind.MAIL_SHARE_PAUSED, share=share.id)
        if kinds:
            raise ConflictError(_PAUSED)


def _version_of(share: StoredShare) -> UUID | None:
    return version_to_show(share.payload, share.mode, share.version_id, share.label)


async def _kinds_in(details: SharedDetails) -> tuple[str, ...]:
    if not may_hold_secrets(f"{details.title}\n{details.description}"):
        return ()
    return await asyncio.to_thread(secrets_in_details, details)


async def visit_of(request: Request) -> Visit:
    """Return the visit that a request is."""
    state = request.app.state
    return Visit(
        state.settings,
        state.database,
        state.share_password_slots,
        state.share_views,
        network_of_request(request),
        request.cookies.get(COOKIE, ""),
    )


CurrentVisit = Annotated[Visit, Depends(visit_of)]

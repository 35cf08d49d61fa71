"""The rules by which users make, change and end shares."""

import asyncio
import base64
import binascii
import secrets
import string
from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from promptvault.domain.team import Frozen, may_share
from promptvault.domain.tier import ALLOWANCES, Tier
from promptvault.errors import (
    ConflictError,
    InvalidInputError,
    NotFoundError,
    PermissionDeniedError,
    TierLimitError,
)
from promptvault.secret_scan import RULES
from promptvault.server.database import Connection, Database
from promptvault.server.limit.rule import SHARES_BY_ACCOUNT
from promptvault.server.limit.service import enforce_limit
from promptvault.server.password import SHARES, hash_password
from promptvault.server.share import reading
from promptvault.server.share.content import (
    details_of,
    name_of,
    secrets_in_details,
    text_of,
    version_to_show,
)
from promptvault.server.share.repository import (
    ManagedShare,
    Membership,
    NewShare,
    ShareRepository,
    VersionOf,
)
from promptvault.server.token.repository import Bearer
from promptvault.wire.share import (
    ShareCreate,
    ShareMode,
    ShareRead,
    SharesRead,
    ShareState,
    ShareUpdate,
)

_TOKEN_LENGTH = 22
_TOKEN_CHARACTERS = string.digits + string.ascii_letters
_NEW_ACCOUNT_SHARES = 3
"""Of an account on the free plan on its first day."""

_NO_PROMPT = "The server does not have this prompt: sync first."


async def create_share(
    database: Database, bearer: Bearer, origin: str, wanted: ShareCreate
) -> ShareRead:
    """Make a share, and return it.

    No connection is held while the text is searched for secrets and the password is
    hashed. Raises NotFoundError, PermissionDeniedError, ConflictError for a likely
    secret, TierLimitError, RateLimitedError.
    """
    async with database.statements() as connection:
        key = f"shares:{bearer.account_id}"
        await enforce_limit(connection, SHARES_BY_ACCOUNT, key)
    version_id, kinds = await _look_at(database, bearer, wanted)
    if kinds and not wanted.allow_secrets:
        raise ConflictError(
            f"The prompt seems to hold a secret: {', '.join(kinds)}. Remove it, or"
            " share it with --allow-secrets."
        )
    hashed = await _hashed(wanted.password)
    async with database.transaction() as connection:
        member = await _require_right(connection, bearer, wanted.vault)
        await _require_room(connection, bearer, member)
        share_id = await _add(connection, bearer, wanted, hashed)
        if not wanted.allow_secrets:
            await reading.note_scan(connection, wanted.vault, version_id, kinds)
        shares = ShareRepository(connection, bearer.user_id)
        share = await _find(connection, bearer, share_id)
        await _note(shares, share, "share.created")
        (read,) = await _described(connection, bearer, origin, [share])
        return read


async def _look_at(
    database: Database, bearer: Bearer, wanted: ShareCreate
) -> tuple[UUID, list[str]]:
    """Return the version that the share shows now, and the kinds of secrets in it."""
    async with database.transaction() as connection:
        shares = ShareRepository(connection, bearer.user_id)
        target = await shares.target(wanted.vault, wanted.item)
        if target is None or target.deleted or target.payload is None:
            raise NotFoundError(_NO_PROMPT)
        version_id = version_to_show(
            target.payload, wanted.mode, wanted.version, wanted.label
        )
        if version_id is None:
            raise NotFoundError("No version of the prompt has this label: sync first.")
        payload = await shares.version(wanted.vault, wanted.item, version_id)
    text = text_of(payload) if payload else None
    if text is None:
        raise NotFoundError("The server does not have this version: sync first.")
    details = details_of(target.payload)
    return version_id, await asyncio.to_thread(
        lambda: [*text.secret_kinds, *secrets_in_details(details)]
    )


async def _hashed(password: str | None) -> str | None:
    return None if password is None else await hash_password(password, SHARES)


async def _require_right(
    connection: Connection, bearer: Bearer, vault_id: UUID
) -> Membership:
    """Lock the vault and its account, and raise unless the user may share there."""
    shares = ShareRepository(connection, bearer.user_id)
    member = await shares.membership(vault_id)
    if member is None:
        raise NotFoundError(_NO_PROMPT)
    if member.is_blocked:
        raise PermissionDeniedError("The operator of this server allows you no shares.")
    if member.frozen_why == Frozen.DELETED:
        raise NotFoundError(_NO_PROMPT)
    if not may_share(member.role, member.shares_by):
        raise PermissionDeniedError("Your role in this vault does not allow shares.")
    return member


async def _require_room(
    connection: Connection, bearer: Bearer, member: Membership
) -> None:
    """Raise TierLimitError if the plan has no room for another live share."""
    limit = _limit_of(member)
    shares = ShareRepository(connection, bearer.user_id)
    if limit is not None and await shares.count_live(member.account_id) >= limit:
        raise TierLimitError(
            f"The account shares {limit} prompts already, which is the limit of its"
            " plan: end one with 'promptvault shares revoke'."
        )


def _limit_of(member: Membership) -> int | None:
    tier = Tier(member.plan)
    if tier is Tier.FREE and member.is_new_account:
        return _NEW_ACCOUNT_SHARES
    return ALLOWANCES[tier].shares


async def _add(
    connection: Connection, bearer: Bearer, wanted: ShareCreate, hashed: str | None
) -> UUID:
    share = NewShare(
        vault_id=wanted.vault,
        item_id=wanted.item,
        mode=wanted.mode,
        version_id=wanted.version,
        label=wanted.label,
        token=_make_token(),
        password_hash=hashed,
        life=_life(wanted.expires_in),
        max_views=wanted.max_views,
        allow_secrets=wanted.allow_secrets,
        show_author=wanted.show_author,
        created_by=bearer.user_id,
    )
    return await ShareRepository(connection, bearer.user_id).add(share)


def _make_token() -> str:
    """Return a new token, with 131 random bits."""
    return "".join(secrets.choice(_TOKEN_CHARACTERS) for _ in range(_TOKEN_LENGTH))


def _life(seconds: int | None) -> timedelta | None:
    return None if seconds is None else timedelta(seconds=seconds)


async def list_shares(
    connection: Connection,
    bearer: Bearer,
    origin: str,
    *,
    vault: UUID | None,
    item: UUID | None,
    ended: bool,
    before: str,
    limit: int,
) -> SharesRead:
    """Return a page of the shares that the user manages, the newest first.

    Raises InvalidInputError if *before* is not the `next` of a page.
    """
    found = await ShareRepository(connection, bearer.user_id).page(
        vault_id=vault,
        item_id=item,
        ended=ended,
        before=_read_cursor(before) if before else None,
        limit=limit + 1,
    )
    shown = found[:limit]
    after = _cursor(shown[-1]) if len(found) > limit else None
    items = await _described(connection, bearer, origin, shown)
    return SharesRead(items=items, next=after)


async def update_share(
    database: Database,
    bearer: Bearer,
    origin: str,
    share_id: UUID,
    wanted: ShareUpdate,
) -> ShareRead:
    """Change a share, and return it.

    It takes the same right as making one; and room in the plan, if the share had ended.
    Raises NotFoundError, PermissionDeniedError, ConflictError, TierLimitError.
    """
    fields = wanted.model_fields_set
    hashed = await _hashed(wanted.password)
    async with database.transaction() as connection:
        shares = ShareRepository(connection, bearer.user_id)
        vault_id = (await _find(connection, bearer, share_id)).vault_id
        member = await _require_right(connection, bearer, vault_id)
        share = await _find(connection, bearer, share_id)
        if share.is_revoked:
            raise ConflictError("This share is revoked: make a new one.")
        if share.is_expired or share.is_used_up:
            await _require_room(connection, bearer, member)
        if "expires_in" in fields:
            await shares.set_life(share, _life(wanted.expires_in))
        if "password" in fields:
            await shares.set_password(share, hashed)
        if "max_views" in fields:
            await shares.set_max_views(share, wanted.max_views)
        await _note(shares, share, "share.changed")
        changed = await _find(connection, bearer, share_id)
        (read,) = await _described(connection, bearer, origin, [changed])
        return read


async def revoke_share(connection: Connection, bearer: Bearer, share_id: UUID) -> None:
    """End a share for good; a second time nothing happens. Raises NotFoundError."""
    share = await _find(connection, bearer, share_id)
    shares = ShareRepository(connection, bearer.user_id)
    if await shares.revoke(share):
        await _note(shares, share, "share.revoked")


async def _note(shares: ShareRepository, share: ManagedShare, action: str) -> None:
    name = name_of(share.payload) if share.payload else ""
    await shares.note(share.vault_id, action, name, share.id)


async def _find(connection: Connection, bearer: Bearer, share_id: UUID) -> ManagedShare:
    share = await ShareRepository(connection, bearer.user_id).find(share_id)
    if share is None:
        raise NotFoundError("There is no such share.")
    return share


async def _described(
    connection: Connection, bearer: Bearer, origin: str, shares: Sequence[ManagedShare]
) -> list[ShareRead]:
    shown = {share.id: _version_of(share) for share in shares}
    wanted = [(each.vault_id, id) for each in shares if (id := shown[each.id])]
    repository = ShareRepository(connection, bearer.user_id)
    versions = await repository.versions(wanted, RULES) if wanted else {}
    return [
        _read(share, versions.get(shown[share.id] or share.id), origin)
        for share in shares
    ]


def _version_of(share: ManagedShare) -> UUID | None:
    return version_to_show(share.payload, share.mode, share.version_id, share.label)


def _read(share: ManagedShare, version: VersionOf | None, origin: str) -> ShareRead:
    kinds = [] if share.allow_secrets or version is None else version.kinds or []
    details = details_of(share.payload) if share.payload else None
    if details and not share.allow_secrets:
        kinds = [*kinds, *secrets_in_details(details)]
    state = _state_of(share, version, kinds)
    url = f"{origin}/s/{share.token}"
    return ShareRead(
        id=share.id,
        url=url,
        raw_url=f"{url}/raw",
        vault=share.vault_id,
        item=share.item_id,
        name=name_of(share.payload) if share.payload else "",
        mode=ShareMode(share.mode),
        version=version.number if version and share.version_id else None,
        label=share.label,
        state=state,
        why=", ".join(kinds) if state is ShareState.PAUSED else None,
        has_password=share.has_password,
        expires_at=share.expires_at,
        max_views=share.max_views,
        views=share.views,
        show_author=share.show_author,
        created_by=share.created_by,
        created_at=share.created_at,
        last_view_at=share.last_view_at,
    )


def _state_of(
    share: ManagedShare, version: VersionOf | None, kinds: Sequence[str]
) -> ShareState:
    if share.is_revoked:
        return ShareState.REVOKED
    if share.is_expired:
        return ShareState.EXPIRED
    if share.is_used_up:
        return ShareState.USED_UP
    if version is None:
        return ShareState.ORPHANED
    return ShareState.PAUSED if kinds else ShareState.LIVE


def _cursor(share: ManagedShare) -> str:
    text = f"{share.created_at.isoformat()} {share.id}"
    return base64.urlsafe_b64encode(text.encode()).decode()


def _read_cursor(text: str) -> tuple[datetime, UUID]:
    try:
        time, _, id = base64.urlsafe_b64decode(text).decode().partition(" ")
        moment = datetime.fromisoformat(time)
        if moment.tzinfo is None:
            raise ValueError
        return moment, UUID(id)
    except (ValueError, binascii.Error):
        raise InvalidInputError("`before` is not the `next` of a page.") from None

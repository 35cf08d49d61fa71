"""What is done when Clerk tells of a user: in whatever order, with the same end.

A user is as the newest event says, by Clerk's clock; and once deleted, deleted for
good, also for an event that was late.
"""

import structlog

from promptvault.errors import AlreadyExistsError, PromptVaultError
from promptvault.server.account.erasure import delete_user
from promptvault.server.account.repository import AccountRepository
from promptvault.server.database import Connection
from promptvault.server.oidc.account import find_linked, link
from promptvault.server.oidc.repository import Identity, IdentityRepository
from promptvault.server.settings import Settings
from promptvault.server.webhook.clerk_event import ClerkEvent, ClerkUser, read
from promptvault.server.webhook.repository import ExternalEventRepository

SOURCE = "clerk"
_DELETED = "user.deleted"
_KINDS = {"user.created", "user.updated", _DELETED}
_log = structlog.get_logger("promptvault.server")


async def handle(
    connection: Connection, settings: Settings, event_id: str, event: ClerkEvent
) -> None:
    """Do what an event asks for, unless it was done before."""
    events = ExternalEventRepository(connection)
    if event.type not in _KINDS:
        return
    user = read(ClerkUser, event.data)
    if not await events.is_new(SOURCE, event_id, event.type):
        return
    assert settings.oidc_issuer is not None
    identities = IdentityRepository(connection)
    identity = await identities.lock(settings.oidc_issuer, user.id)
    if event.type == _DELETED:
        await _delete(connection, settings, identity)
    elif identity.deleted_at is None and identity.changed_at < user.updated_at:
        await identities.mark_changed(identity, user.updated_at)
        await _bring_up_to_date(connection, settings, identity, user.verified_email)


async def _delete(
    connection: Connection, settings: Settings, identity: Identity
) -> None:
    await IdentityRepository(connection).mark_deleted(identity)
    user_id = await find_linked(connection, identity)
    if user_id is not None:
        await delete_user(connection, user_id, settings.grace)


async def _bring_up_to_date(
    connection: Connection, settings: Settings, identity: Identity, email: str | None
) -> None:
    """Give the user an address that was verified; without one, wait for it."""
    if email is None:
        return
    try:
        async with connection.transaction():  # what is refused leaves nothing behind
            await _set_email(connection, settings, identity, email)
    except PromptVaultError as error:
        # To be told again would not help. A user without an account is told at the next
        # sign-in; one who has one signs in as before, under the old address.
        _log.warning("clerk", reason=error.code)


async def _set_email(
    connection: Connection,
    settings: Settings,
    identity: Identity,
    email: str,
) -> None:
    user_id = await find_linked(connection, identity)
    if user_id is None:
        await link(connection, settings, identity, email)
    elif not await AccountRepository(connection).set_verified_email(user_id, email):
        raise AlreadyExistsError("Somebody else has this address.")

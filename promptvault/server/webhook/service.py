"""Applying Clerk's events to users. Events may come in any order, and twice.

The newest event on Clerk's clock decides, whatever the order. A deletion is final:
later events about the same user change nothing.

The format is that of Clerk's webhooks: https://clerk.com/docs/webhooks/overview
"""

from typing import Annotated, Any, TypeVar

import structlog
from pydantic import BaseModel, Field, ValidationError

from promptvault.errors import AlreadyExistsError, InvalidInputError, PromptVaultError
from promptvault.server.account.erasure import delete_user
from promptvault.server.account.repository import AccountRepository
from promptvault.server.database import Connection
from promptvault.server.oidc.account import find_linked, link
from promptvault.server.oidc.repository import Identity, IdentityRepository
from promptvault.server.ownership.service import give_up_teams
from promptvault.server.settings import Settings

SOURCE = "clerk"
_DELETED = "user.deleted"
_TYPES = {"user.created", "user.updated", _DELETED}
_log = structlog.get_logger("promptvault.server")
_T = TypeVar("_T", bound=BaseModel)


class _Verification(BaseModel):
    status: str = ""


class _Address(BaseModel):
    id: str
    email_address: str
    verification: _Verification | None = None


class ClerkUser(BaseModel):
    """A user at the time of the event."""

    id: Annotated[str, Field(min_length=1, max_length=255, pattern=r"^[!-~]+$")]
    updated_at: Annotated[int, Field(ge=0, lt=2**63)] = 0
    """On Clerk's clock, in milliseconds."""
    primary_email_address_id: str | None = None
    email_addresses: list[_Address] = []

    @property
    def verified_email(self) -> str | None:
        """The primary address, if it is verified."""
        for address in self.email_addresses:
            if address.id == self.primary_email_address_id:
                status = address.verification and address.verification.status
                return address.email_address if status == "verified" else None
        return None


class ClerkEvent(BaseModel):
    """An event; *data* is a user in all events that are handled."""

    type: Annotated[str, Field(max_length=100, pattern=r"^[!-~]+$")]
    data: dict[str, Any]


def parse_clerk(model: type[_T], value: dict[str, Any]) -> _T:
    """Return *value* as an instance of *model*; raises InvalidInputError."""
    try:
        return model.model_validate(value)
    except ValidationError as error:
        raise InvalidInputError("This is no event of Clerk's.") from error


async def handle_event(
    connection: Connection, settings: Settings, event_id: str, event: ClerkEvent
) -> None:
    """Apply an event, unless it was applied before or is of no use here.

    Raises InvalidInputError if it does not describe a user.
    """
    if event.type not in _TYPES:
        return
    user = parse_clerk(ClerkUser, event.data)
    if not await _is_new(connection, event_id, event.type):
        return
    assert settings.oidc_issuer is not None
    identities = IdentityRepository(connection)
    identity = await identities.lock(settings.oidc_issuer, user.id)
    if event.type == _DELETED:
        await _delete(connection, settings, identity)
    elif identity.deleted_at is None and identity.changed_at < user.updated_at:
        await identities.mark_changed(identity, user.updated_at)
        await _update_email(connection, settings, identity, user.verified_email)


async def _is_new(connection: Connection, event_id: str, type: str) -> bool:
    """Store the id of an event, and return True if it was not stored before.

    A second request with the same event waits for the first. The event itself is not
    stored, because it is about a person.
    """
    cursor = await connection.execute(
        "INSERT INTO external_events (source, external_id, kind)"
        " VALUES (%s, %s, %s) ON CONFLICT DO NOTHING",
        (SOURCE, event_id, type),
    )
    return cursor.rowcount > 0


async def _delete(
    connection: Connection, settings: Settings, identity: Identity
) -> None:
    await IdentityRepository(connection).mark_deleted(identity)
    user_id = await find_linked(connection, identity)
    if user_id is not None:
        await give_up_teams(connection, settings, user_id)
        await delete_user(connection, user_id, settings.grace)


async def _update_email(
    connection: Connection, settings: Settings, identity: Identity, email: str | None
) -> None:
    """Set the user's address, or make the user; without a verified address, wait."""
    if email is None:
        return
    try:
        async with connection.transaction():  # a refused change is rolled back
            await _set_email(connection, settings, identity, email)
    except PromptVaultError as error:
        # An error would make Clerk send the event again, which would fail again. A user
        # without an account gets the reason at the next sign-in. A user with an account
        # still signs in, with the old address.
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
        raise AlreadyExistsError("Another account has this address.")

"""Which user somebody is whom a provider knows: linked, found by address, or new."""

from dataclasses import dataclass
from uuid import UUID

from promptvault.errors import AlreadyExistsError, PermissionDeniedError
from promptvault.server.account.repository import AccountRepository, User
from promptvault.server.account.service import checked_email, create_account
from promptvault.server.database import Connection
from promptvault.server.oidc.repository import Identity, IdentityRepository
from promptvault.server.settings import Settings
from promptvault.server.sign_up.service import require_open


@dataclass(frozen=True, slots=True)
class Person:
    """What a provider says of somebody."""

    subject: str
    email: str | None
    """The address, if the provider has verified it."""


async def user_of(connection: Connection, settings: Settings, person: Person) -> UUID:
    """Return whom to sign in; raises PermissionDeniedError, AlreadyExistsError."""
    assert settings.oidc_issuer is not None
    identities = IdentityRepository(connection)
    identity = await identities.lock(settings.oidc_issuer, person.subject)
    if identity.deleted_at is not None:
        raise PermissionDeniedError("This account was deleted.")
    user_id = await find_linked(connection, identity)
    return user_id or await link(connection, settings, identity, person.email)


async def find_linked(connection: Connection, identity: Identity) -> UUID | None:
    """Return the user whom the provider signs in, if there is one who still is."""
    if identity.user_id is None:
        return None
    is_live = await AccountRepository(connection).is_live(identity.user_id)
    return identity.user_id if is_live else None


async def link(
    connection: Connection, settings: Settings, identity: Identity, email: str | None
) -> UUID:
    """Link somebody to the account with their address, or to a new one.

    Raises PermissionDeniedError, AlreadyExistsError, InvalidInputError.
    """
    if email is None:
        raise PermissionDeniedError(
            "The sign-in provider tells no e-mail address of yours that it has"
            " verified: verify one there, then try again."
        )
    email = checked_email(email)
    user = await AccountRepository(connection).find_user(email)
    if user is None:
        require_open(settings)
        user = await create_account(connection, email)
    elif not await _is_theirs(connection, user):
        raise AlreadyExistsError(
            "There is an account with your e-mail address, but it was never verified"
            " here that it is yours, or somebody else signs in to it."
        )
    await AccountRepository(connection).set_verified_email(user.id, email)
    await IdentityRepository(connection).link(identity, user.id)
    return user.id


async def _is_theirs(connection: Connection, user: User) -> bool:
    """Whether who has the address now is who made the account.

    An account that has neither a password nor a provider was made by the operator.
    """
    if await IdentityRepository(connection).is_linked(user.id):
        return False
    return user.email_verified_at is not None or user.password_hash is None

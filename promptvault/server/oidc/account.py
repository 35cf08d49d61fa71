"""The user of a person that a provider signs in: linked, found by address, or new."""

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
    """A person as the provider describes them."""

    subject: str
    email: str | None
    """The address if the provider has verified it, else None."""
    is_recent: bool = True
    """False if the provider says that the person signed in there a while ago."""


async def find_or_create_user(
    connection: Connection, settings: Settings, person: Person
) -> UUID:
    """Return the user of a person, and make one if needed.

    Raises PermissionDeniedError, AlreadyExistsError, InvalidInputError.
    """
    assert settings.oidc_issuer is not None
    identities = IdentityRepository(connection)
    identity = await identities.lock(settings.oidc_issuer, person.subject)
    if identity.deleted_at is not None:
        raise PermissionDeniedError("This account was deleted.")
    user_id = await find_linked(connection, identity)
    return user_id or await link(connection, settings, identity, person.email)


async def find_linked(connection: Connection, identity: Identity) -> UUID | None:
    """Return the user that an identity is linked to, if that user is not deleted."""
    if identity.user_id is None:
        return None
    is_live = await AccountRepository(connection).is_live(identity.user_id)
    return identity.user_id if is_live else None


async def link(
    connection: Connection, settings: Settings, identity: Identity, email: str | None
) -> UUID:
    """Link an identity to the user with its address, or to a new user.

    Returns the user's id. Raises PermissionDeniedError, AlreadyExistsError,
    InvalidInputError.
    """
    if email is None:
        raise PermissionDeniedError(
            "The sign-in provider has not verified an e-mail address of yours: verify"
            " one there, then try again."
        )
    email = checked_email(email)
    user = await AccountRepository(connection).find_user(email)
    if user is None:
        require_open(settings)
        user = await create_account(connection, email)
    elif not await _is_theirs(connection, user):
        raise AlreadyExistsError(
            "There is an account with your e-mail address, but the address was never"
            " verified here, or the account belongs to another sign-in."
        )
    await AccountRepository(connection).set_verified_email(user.id, email)
    await IdentityRepository(connection).link(identity, user.id)
    return user.id


async def _is_theirs(connection: Connection, user: User) -> bool:
    """Return True if the owner of the address is surely the owner of the account.

    Anyone can sign up with an address of another person, until it is verified. An
    account without a password and without a provider was made by the operator.
    """
    if await IdentityRepository(connection).is_linked(user.id):
        return False
    return user.email_verified_at is not None or user.password_hash is None

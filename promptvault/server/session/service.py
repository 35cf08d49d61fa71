"""What is done with sessions: begin one by password, and end it."""

import secrets
from datetime import timedelta
from uuid import UUID

from promptvault.errors import AuthenticationError
from promptvault.server.account.repository import AccountRepository, User
from promptvault.server.database import Connection, Database
from promptvault.server.limit.rule import (
    PASSWORD_BY_USER,
    SIGN_IN_BY_EMAIL,
    SIGN_IN_BY_NETWORK,
)
from promptvault.server.limit.service import take
from promptvault.server.password import verify_password
from promptvault.server.session.network_repository import NetworkRepository
from promptvault.server.session.repository import SessionRepository, SignedIn
from promptvault.server.session.visitor import Visitor
from promptvault.server.settings import Settings
from promptvault.server.token.secret import hash_secret

LIFE = timedelta(days=1)
"""Pages are for letting devices in, so a browser need not stay signed in for long."""


def make_session_secret() -> str:
    """Return what may lie in a cookie, of 256 random bits."""
    return secrets.token_urlsafe(32)


async def find_user_id(
    database: Database, settings: Settings, visitor: Visitor, email: str, password: str
) -> UUID | None:
    """Return whose address and password these are; None where they are nobody's.

    An address that nobody has takes as long as a wrong password. No connection is
    held while the password is hashed. Raises RateLimitedError.
    """
    email = email.strip().replace("\0", "")  # which no address in the database holds
    async with database.transaction() as connection:
        user = await AccountRepository(connection).find_user(email)
        await _count_attempt(connection, settings, visitor, email, user)
    is_right = await verify_password(user.password_hash if user else None, password)
    return user.id if user and is_right else None


async def _count_attempt(
    connection: Connection,
    settings: Settings,
    visitor: Visitor,
    email: str,
    user: User | None,
) -> None:
    """Count an attempt against its network, and against the address itself.

    The second does not count from a network that the user has signed in from: whoever
    guesses elsewhere must not keep the user out there.
    """
    key = f"sign_in:{hash_secret(settings.key, email.lower())}"
    await take(connection, SIGN_IN_BY_NETWORK, f"{key}:{visitor.network}")
    network_hash = _network_hash(settings, visitor)
    user_id = user.id if user else None
    if not await NetworkRepository(connection).is_known(user_id, network_hash):
        await take(connection, SIGN_IN_BY_EMAIL, key)


async def check_password(database: Database, user: SignedIn, password: str) -> None:
    """Raise AuthenticationError unless it is the password of who is signed in.

    Raises RateLimitedError, too.
    """
    async with database.transaction() as connection:
        await take(connection, PASSWORD_BY_USER, f"password:{user.user_id}")
        found = await AccountRepository(connection).password_hash(user.user_id)
    if not await verify_password(found, password):
        raise AuthenticationError("This is not your password.")


async def begin(
    connection: Connection,
    settings: Settings,
    user_id: UUID,
    visitor: Visitor,
    *,
    before: str,
) -> str:
    """Begin a session and return its secret, a new one: *before* is good no more."""
    secret = make_session_secret()
    sessions = SessionRepository(connection)
    await sessions.delete(hash_secret(settings.key, before))
    await sessions.add(hash_secret(settings.key, secret), user_id, visitor, LIFE)
    await NetworkRepository(connection).note(user_id, _network_hash(settings, visitor))
    return secret


async def end(connection: Connection, settings: Settings, secret: str) -> None:
    """End a session, if there is one."""
    await SessionRepository(connection).delete(hash_secret(settings.key, secret))


def _network_hash(settings: Settings, visitor: Visitor) -> str:
    return hash_secret(settings.key, f"network {visitor.network}")

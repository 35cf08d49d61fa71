"""Sessions: begun with a password or by a provider, and ended."""

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
from promptvault.server.limit.service import enforce_limit
from promptvault.server.password import verify_password
from promptvault.server.session.repository import (
    NetworkRepository,
    SessionRepository,
    SignedIn,
)
from promptvault.server.session.visitor import Visitor
from promptvault.server.settings import Settings
from promptvault.server.token.secret import hash_secret

LIFE = timedelta(days=1)
"""Browsers mostly approve devices, so they need not stay signed in for long."""


def make_session_secret() -> str:
    """Return a new secret for a cookie, with 256 random bits."""
    return secrets.token_urlsafe(32)


async def find_user_id(
    database: Database, settings: Settings, visitor: Visitor, email: str, password: str
) -> UUID | None:
    """Return the user with this address and password; None if there is none.

    An unknown address takes as long as a wrong password. No database connection is held
    while the password is hashed. Raises RateLimitedError.
    """
    email = email.strip().replace("\0", "")  # PostgreSQL takes no NUL in a text
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
    """Count an attempt for its network, and for the address itself.

    An attempt from a network that the user has signed in from does not count for the
    address. Otherwise guesses from elsewhere could keep the user out.
    """
    key = f"sign_in:{hash_secret(settings.key, email.lower())}"
    await enforce_limit(connection, SIGN_IN_BY_NETWORK, f"{key}:{visitor.network}")
    network_hash = _network_hash(settings, visitor)
    user_id = user.id if user else None
    if not await NetworkRepository(connection).is_known(user_id, network_hash):
        await enforce_limit(connection, SIGN_IN_BY_EMAIL, key)


async def check_password(database: Database, user: SignedIn, password: str) -> None:
    """Raise AuthenticationError unless it is the password of the signed-in user.

    Also raises RateLimitedError.
    """
    async with database.transaction() as connection:
        await enforce_limit(connection, PASSWORD_BY_USER, f"password:{user.user_id}")
        found = await AccountRepository(connection).password_hash(user.user_id)
    if not await verify_password(found, password):
        raise AuthenticationError("This is not your password.")


async def begin_session(
    connection: Connection,
    settings: Settings,
    user_id: UUID,
    visitor: Visitor,
    *,
    before: str,
    is_confirmed: bool = True,
) -> str:
    """Begin a session and return its new secret.

    *is_confirmed* is False if a provider signed the user in without asking for proof.
    The session of *before*, the browser's earlier secret, ends: a secret that others
    may have set there before the sign-in must not become a session.
    """
    secret = make_session_secret()
    sessions = SessionRepository(connection)
    await sessions.delete(hash_secret(settings.key, before))
    await sessions.add(
        hash_secret(settings.key, secret),
        user_id,
        visitor,
        LIFE,
        is_confirmed=is_confirmed,
    )
    await NetworkRepository(connection).note(user_id, _network_hash(settings, visitor))
    return secret


async def end_session(connection: Connection, settings: Settings, secret: str) -> None:
    """End the session with a secret, if there is one."""
    await SessionRepository(connection).delete(hash_secret(settings.key, secret))


def _network_hash(settings: Settings, visitor: Visitor) -> str:
    return hash_secret(settings.key, f"network {visitor.network}")

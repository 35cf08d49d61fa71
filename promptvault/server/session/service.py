"""What is done with sessions: begin one by password, and end it."""

import secrets
from datetime import timedelta
from uuid import UUID

from promptvault.server.account.repository import AccountRepository
from promptvault.server.database import Connection, Database
from promptvault.server.limit.rule import SIGN_IN_BY_EMAIL
from promptvault.server.limit.service import take
from promptvault.server.password import verify_password
from promptvault.server.session.repository import SessionRepository
from promptvault.server.settings import Settings
from promptvault.server.token.secret import hash_secret

LIFE = timedelta(days=1)
"""Pages are for letting devices in, so a browser need not stay signed in for long."""


def make_session_secret() -> str:
    """Return what may lie in a cookie, of 256 random bits."""
    return secrets.token_urlsafe(32)


async def find_user_id(
    database: Database, settings: Settings, email: str, password: str
) -> UUID | None:
    """Return whose address and password these are; None where they are nobody's.

    An address that nobody has takes as long as a wrong password. No connection is
    held while the password is hashed.
    """
    email = email.strip().replace("\0", "")  # which no address in the database holds
    key = hash_secret(settings.key, email.lower())
    async with database.transaction() as connection:
        await take(connection, SIGN_IN_BY_EMAIL, f"sign_in:{key}")
        user = await AccountRepository(connection).find_user(email)
    is_right = await verify_password(user.password_hash if user else None, password)
    return user.id if user and is_right else None


async def begin(
    connection: Connection, settings: Settings, user_id: UUID, *, before: str
) -> str:
    """Begin a session and return its secret, a new one: *before* is good no more."""
    secret = make_session_secret()
    sessions = SessionRepository(connection)
    await sessions.delete(hash_secret(settings.key, before))
    await sessions.add(hash_secret(settings.key, secret), user_id, LIFE)
    return secret


async def end(connection: Connection, settings: Settings, secret: str) -> None:
    """End a session, if there is one."""
    await SessionRepository(connection).delete(hash_secret(settings.key, secret))

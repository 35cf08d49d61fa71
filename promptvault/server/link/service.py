"""What is done with one-time links: issue one, look at it, use it."""

import secrets
from datetime import timedelta
from enum import StrEnum
from uuid import UUID

from promptvault.errors import InvalidInputError
from promptvault.server.database import Connection
from promptvault.server.link.repository import Link, LinkRepository
from promptvault.server.settings import Settings
from promptvault.server.token.secret import hash_secret


class Purpose(StrEnum):
    """What a link is good for; its value is the path of its page."""

    PASSWORD = "/reset/password"
    KEEP = "/account/keep"


async def issue(
    connection: Connection,
    settings: Settings,
    user_id: UUID,
    purpose: Purpose,
    *,
    life: timedelta,
    is_mailed: bool = False,
) -> str:
    """Make a link and return its address, which is stored only as a hash.

    It names the server as its operator does, never as a request did.
    """
    token = secrets.token_urlsafe(32)
    await LinkRepository(connection).add(
        _hash(settings, token), user_id, purpose, is_mailed=is_mailed, life=life
    )
    return f"{settings.public_url}{purpose}?token={token}"


async def find(
    connection: Connection, settings: Settings, token: str, purpose: Purpose
) -> Link:
    """Return the link of *token* and leave it usable.

    Raises InvalidInputError if it is unknown, too old or was used before.
    """
    found = await LinkRepository(connection).find(_hash(settings, token), purpose)
    return _required(found)


async def use(
    connection: Connection, settings: Settings, token: str, purpose: Purpose
) -> Link:
    """Use the link of *token* up and return it; raises as `find` does."""
    used = await LinkRepository(connection).use(_hash(settings, token), purpose)
    return _required(used)


def _hash(settings: Settings, token: str) -> str:
    return hash_secret(settings.key, f"link {token}")


def _required(link: Link | None) -> Link:
    if link is None:
        raise InvalidInputError("This link is too old, or was used before.")
    return link

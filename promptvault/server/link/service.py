"""One-time links: issued, looked up, used up."""

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
    """The purpose of a link; its value is the path of the page."""

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
    """Make a link, and return its URL. Only a hash of the token is stored.

    The URL starts with ``public_url``, never with a host name of a request.
    """
    token = secrets.token_urlsafe(32)
    await LinkRepository(connection).add(
        _hash(settings, token), user_id, purpose, is_mailed=is_mailed, life=life
    )
    return f"{settings.public_url}{purpose}?token={token}"


async def find(
    connection: Connection, settings: Settings, token: str, purpose: Purpose
) -> Link:
    """Return the link with *token* without using it up.

    Raises InvalidInputError if it is unknown, has expired or was used before.
    """
    found = await LinkRepository(connection).find(_hash(settings, token), purpose)
    return _required(found)


async def use(
    connection: Connection, settings: Settings, token: str, purpose: Purpose
) -> Link:
    """Use up the link with *token* and return it; raises as `find` does."""
    used = await LinkRepository(connection).use(_hash(settings, token), purpose)
    return _required(used)


def _hash(settings: Settings, token: str) -> str:
    return hash_secret(settings.key, f"link {token}")


def _required(link: Link | None) -> Link:
    if link is None:
        raise InvalidInputError("This link is too old, or was used before.")
    return link

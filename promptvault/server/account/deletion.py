"""Deleting one's own account, and undoing that by a one-time link."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import NamedTuple
from uuid import UUID

from promptvault.server.account.erasure import delete_user, restore_user
from promptvault.server.account.erasure_repository import ErasureRepository
from promptvault.server.database import Connection
from promptvault.server.job.queue import Kind, enqueue
from promptvault.server.link import service as link
from promptvault.server.link.repository import Link, LinkRepository
from promptvault.server.link.service import Purpose
from promptvault.server.lock_order import lock_account
from promptvault.server.mail import Letter
from promptvault.server.ownership.service import leave_teams
from promptvault.server.session.repository import SignedIn
from promptvault.server.settings import Settings

_SUBJECT = "Your PromptVault account will be erased"
_TEXT = """\
You deleted your PromptVault account. Everything in it will be erased on {date}.
Until then this page brings it back:

{url}

If it was not you, open the page, and then choose a new password.
"""


class Deletion(NamedTuple):
    """What the user is shown after deleting the account."""

    email: str
    erase_on: str
    """The day in UTC, as `format_day` writes it."""
    keep_url: str | None
    """The link that undoes the deletion; None if there is no grace period."""


async def delete_account(
    connection: Connection, settings: Settings, user: SignedIn
) -> Deletion:
    """Sign a user out everywhere, and erase the data after the grace period.

    A job mails the link that undoes it as well, if mail is configured. Raises
    ConflictError if the user owns a team with other members.
    """
    await leave_teams(connection, user.user_id)
    await delete_user(connection, user.user_id, settings.grace)
    url = None
    if settings.grace_days:
        url = await link.issue(
            connection, settings, user.user_id, Purpose.KEEP, life=settings.grace
        )
        if settings.smtp_host:
            await enqueue(connection, Kind.MAIL_DELETION, user=user.user_id)
    return Deletion(user.email, format_day(datetime.now(UTC) + settings.grace), url)


async def write_mail(
    connection: Connection, settings: Settings, ids: Mapping[str, str]
) -> Letter | None:
    """Write the mail with a link that undoes a deletion; None if it is undone."""
    user_id = UUID(ids["user"])
    found = await ErasureRepository(connection).find_deleted(user_id)
    if found is None:
        return None
    email, erase_at = found
    url = await link.issue(
        connection,
        settings,
        user_id,
        Purpose.KEEP,
        life=erase_at - datetime.now(UTC),
    )
    text = _TEXT.format(date=format_day(erase_at), url=url)
    return Letter(email, _SUBJECT, text)


async def keep_account(connection: Connection, settings: Settings, token: str) -> Link:
    """Undo a deletion by one of its links, and return the link with its user.

    Raises InvalidInputError if the link has expired or was used before, and
    AlreadyExistsError if another account has the address now.
    """
    found = await link.find(connection, settings, token, Purpose.KEEP)
    await lock_account(connection, found.account_id)
    used = await link.use(connection, settings, token, Purpose.KEEP)
    await restore_user(connection, used)
    await LinkRepository(connection).delete_all(used.user_id, Purpose.KEEP)
    return used


def format_day(time: datetime) -> str:
    """Return the day in UTC as pages and mails write it: "5 March 2026"."""
    time = time.astimezone(UTC)
    return f"{time.day} {time:%B %Y}"

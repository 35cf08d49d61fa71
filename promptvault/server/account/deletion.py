"""Deleting one's own account, and undoing that by a one-time link."""

import contextlib
from datetime import UTC, datetime
from typing import NamedTuple

from promptvault.errors import InvalidInputError, UnavailableError
from promptvault.server.account.erasure import delete_user, restore_user
from promptvault.server.database import Connection
from promptvault.server.link import service as link
from promptvault.server.link.repository import Link
from promptvault.server.link.service import Purpose
from promptvault.server.mail import send_mail
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
    """Sign a user out everywhere, and erase the data after the grace period."""
    await delete_user(connection, user.user_id, settings.grace)
    url = None
    if settings.grace_days:
        url = await link.issue(
            connection, settings, user.user_id, Purpose.KEEP, life=settings.grace
        )
    return Deletion(user.email, format_day(datetime.now(UTC) + settings.grace), url)


async def mail_deletion(settings: Settings, deletion: Deletion) -> None:
    """Mail the link that undoes a deletion, if there is one and mail is configured."""
    if not settings.smtp_host or deletion.keep_url is None:
        return
    text = _TEXT.format(date=deletion.erase_on, url=deletion.keep_url)
    with contextlib.suppress(InvalidInputError, UnavailableError):  # already logged
        await send_mail(settings, deletion.email, _SUBJECT, text)


async def keep_account(connection: Connection, settings: Settings, token: str) -> Link:
    """Undo a deletion by its link, and return the link with its user.

    Raises InvalidInputError if the link has expired or was used before, and
    AlreadyExistsError if another account has the address now.
    """
    used = await link.use(connection, settings, token, Purpose.KEEP)
    await restore_user(connection, used)
    return used


def format_day(time: datetime) -> str:
    """Return the day in UTC as pages and mails write it: "5 March 2026"."""
    time = time.astimezone(UTC)
    return f"{time.day} {time:%B %Y}"

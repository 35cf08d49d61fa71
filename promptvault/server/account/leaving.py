"""What is done when somebody deletes their own account, and when they think again."""

import contextlib
from datetime import UTC, datetime
from typing import NamedTuple

from promptvault.errors import InvalidInputError, UnavailableError
from promptvault.server.account.erasure import delete_user, keep_user
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


class Farewell(NamedTuple):
    """What somebody is told who has deleted their account."""

    email: str
    erase_on: str
    """The day, in UTC."""
    keep_url: str | None
    """What brings the account back until then; None if nothing can."""


async def leave(connection: Connection, settings: Settings, user: SignedIn) -> Farewell:
    """Delete an account: signed out everywhere now, erased when its grace is over."""
    await delete_user(connection, user.user_id, settings.grace)
    url = None
    if settings.grace_days:
        url = await link.issue(
            connection, settings, user.user_id, Purpose.KEEP, life=settings.grace
        )
    return Farewell(user.email, day(datetime.now(UTC) + settings.grace), url)


async def mail_farewell(settings: Settings, farewell: Farewell) -> None:
    """Mail the link that brings an account back, if there is one and mail goes out."""
    if not settings.smtp_host or farewell.keep_url is None:
        return
    text = _TEXT.format(date=farewell.erase_on, url=farewell.keep_url)
    with contextlib.suppress(InvalidInputError, UnavailableError):  # is logged there
        await send_mail(settings, farewell.email, _SUBJECT, text)


async def keep(connection: Connection, settings: Settings, token: str) -> Link:
    """Bring an account back by its link, and return whose it is.

    Raises InvalidInputError if the link is too old or was used before, and
    AlreadyExistsError if somebody else has the address by now.
    """
    used = await link.use(connection, settings, token, Purpose.KEEP)
    await keep_user(connection, used)
    return used


def day(time: datetime) -> str:
    """Return the day in UTC, as pages and mails write it."""
    time = time.astimezone(UTC)
    return f"{time.day} {time:%B %Y}"

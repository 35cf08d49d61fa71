"""Replacing a password: by a one-time link, or by a signed-in user."""

import contextlib
from datetime import timedelta
from uuid import UUID

from promptvault.errors import InvalidInputError, UnavailableError
from promptvault.server.account.erasure import sign_out_browsers, sign_out_everywhere
from promptvault.server.account.repository import AccountRepository
from promptvault.server.database import Connection, Database
from promptvault.server.limit.rule import RESET_BY_EMAIL, RESET_BY_NETWORK
from promptvault.server.limit.service import take
from promptvault.server.link import service as link
from promptvault.server.link.service import Purpose
from promptvault.server.mail import send_mail
from promptvault.server.settings import Settings
from promptvault.server.token.secret import hash_secret

MAILED_LIFE = timedelta(hours=2)
GIVEN_LIFE = timedelta(days=7)
"""Of a link that the operator hands over by whatever way there is."""

_SUBJECT = "Choose a new password for PromptVault"
_TEXT = """\
Somebody, most likely you, wants to choose a new password for PromptVault.
To do so, open this page within two hours:

{url}

After that, every browser and device has to sign in again.
If it was not you, do nothing: your password stays as it is.
"""


async def make_link(connection: Connection, settings: Settings, user_id: UUID) -> str:
    """Return a one-time link for an operator to hand to a user."""
    return await link.issue(
        connection, settings, user_id, Purpose.PASSWORD, life=GIVEN_LIFE
    )


async def count_request(
    database: Database, settings: Settings, network: str, email: str
) -> None:
    """Count one request for a mailed link; raises RateLimitedError.

    It does the same for an address without an account.
    """
    key = f"reset:{hash_secret(settings.key, email.strip().lower())}"
    async with database.transaction() as connection:
        await take(connection, RESET_BY_NETWORK, f"{key}:{network}")
        await take(connection, RESET_BY_EMAIL, key)


async def mail_link(database: Database, settings: Settings, email: str) -> None:
    """Mail a one-time link to the user with that address, if there is one.

    No answer may wait for it: how long it takes says whether there is an account.
    """
    async with database.transaction() as connection:
        email = email.strip().replace("\0", "")
        user = await AccountRepository(connection).find_user(email)
        if user is None:
            return
        url = await link.issue(
            connection,
            settings,
            user.id,
            Purpose.PASSWORD,
            life=MAILED_LIFE,
            is_mailed=True,
        )
    with contextlib.suppress(InvalidInputError, UnavailableError):  # is logged there
        await send_mail(settings, user.email, _SUBJECT, _TEXT.format(url=url))


async def set_by_link(
    connection: Connection, settings: Settings, token: str, password_hash: str
) -> UUID:
    """Use a link: give its user the password, and return who it is.

    Raises InvalidInputError if the link is too old or was used before.
    """
    used = await link.use(connection, settings, token, Purpose.PASSWORD)
    await replace(connection, used.user_id, password_hash)
    if used.is_mailed:
        accounts = AccountRepository(connection)
        await accounts.set_verified_email(used.user_id, used.email)
    return used.user_id


async def replace(connection: Connection, user_id: UUID, password_hash: str) -> None:
    """Give a user a password without asking for the one before.

    If there was one, somebody else may know it: nothing stays signed in. Else tokens
    of machines stay, which the operator may have issued with the account.
    """
    accounts = AccountRepository(connection)
    is_first = await accounts.password_hash(user_id) is None
    await accounts.set_password(user_id, password_hash)
    await (sign_out_browsers if is_first else sign_out_everywhere)(connection, user_id)


async def change(connection: Connection, user_id: UUID, password_hash: str) -> None:
    """Give a user another password, and end their sessions; devices stay signed in."""
    await AccountRepository(connection).set_password(user_id, password_hash)
    await sign_out_browsers(connection, user_id)

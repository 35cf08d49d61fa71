"""Setting a new password: by a one-time link, or as a signed-in user."""

import contextlib
from datetime import timedelta
from uuid import UUID

from promptvault.errors import InvalidInputError, UnavailableError
from promptvault.server.account.erasure import sign_out_browsers, sign_out_everywhere
from promptvault.server.account.repository import AccountRepository
from promptvault.server.database import Connection, Database
from promptvault.server.limit.rule import RESET_BY_EMAIL, RESET_BY_NETWORK
from promptvault.server.limit.service import enforce_limit
from promptvault.server.link import service as link
from promptvault.server.link.service import Purpose
from promptvault.server.mail import send_mail
from promptvault.server.settings import Settings
from promptvault.server.token.secret import hash_secret

MAILED_LIFE = timedelta(hours=2)
"""For a link that the server mails."""
PRINTED_LIFE = timedelta(days=7)
"""For a link that the operator gets and hands over."""

_SUBJECT = "Choose a new password for PromptVault"
_TEXT = """\
Someone, probably you, asked to choose a new password for PromptVault.
To do so, open this page within two hours:

{url}

After that, every browser and device has to sign in again.
If it was not you, do nothing: your password stays as it is.
"""


async def issue_link(connection: Connection, settings: Settings, user_id: UUID) -> str:
    """Return the URL of a one-time link that the operator hands to a user."""
    return await link.issue(
        connection, settings, user_id, Purpose.PASSWORD, life=PRINTED_LIFE
    )


async def count_mail_request(
    database: Database, settings: Settings, network: str, email: str
) -> None:
    """Count a request for a mailed link; raises RateLimitedError.

    An address without an account counts in the same way, so the limit does not reveal
    which addresses have one.
    """
    key = f"reset:{hash_secret(settings.key, email.strip().lower())}"
    async with database.transaction() as connection:
        await enforce_limit(connection, RESET_BY_NETWORK, f"{key}:{network}")
        await enforce_limit(connection, RESET_BY_EMAIL, key)


async def mail_link(database: Database, settings: Settings, email: str) -> None:
    """Mail a one-time link to the user with an address, if there is one.

    Run it in the background: its duration reveals whether there is an account.
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
    with contextlib.suppress(InvalidInputError, UnavailableError):  # already logged
        await send_mail(settings, user.email, _SUBJECT, _TEXT.format(url=url))


async def set_by_link(
    connection: Connection, settings: Settings, token: str, password_hash: str
) -> UUID:
    """Use up a link, set its user's password, and return the user's id.

    A mailed link also verifies the address. Raises InvalidInputError if the link has
    expired or was used before.
    """
    used = await link.use(connection, settings, token, Purpose.PASSWORD)
    await replace_password(connection, used.user_id, password_hash)
    if used.is_mailed:
        accounts = AccountRepository(connection)
        await accounts.set_verified_email(used.user_id, used.email)
    return used.user_id


async def replace_password(
    connection: Connection, user_id: UUID, password_hash: str
) -> None:
    """Set a user's password without asking for the old one.

    An old password may be known to others, so the user is signed out everywhere. If
    there is none, tokens stay: the operator may have issued them with the account.
    """
    accounts = AccountRepository(connection)
    is_first = await accounts.password_hash(user_id) is None
    await accounts.set_password(user_id, password_hash)
    await (sign_out_browsers if is_first else sign_out_everywhere)(connection, user_id)


async def change_password(
    connection: Connection, user_id: UUID, password_hash: str
) -> None:
    """Set the password of a signed-in user, and end all sessions; devices stay."""
    await AccountRepository(connection).set_password(user_id, password_hash)
    await sign_out_browsers(connection, user_id)

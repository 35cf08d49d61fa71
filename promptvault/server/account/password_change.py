"""Setting a new password: by a one-time link, or as a signed-in user."""

from collections.abc import Mapping
from datetime import timedelta
from uuid import UUID

from promptvault.server.account.erasure import sign_out_browsers, sign_out_everywhere
from promptvault.server.account.repository import AccountRepository
from promptvault.server.database import Connection, Database
from promptvault.server.job.queue import Kind, enqueue
from promptvault.server.limit.rule import RESET_BY_EMAIL, RESET_BY_NETWORK
from promptvault.server.limit.service import enforce_limit
from promptvault.server.link import service as link
from promptvault.server.link.service import Purpose
from promptvault.server.mail import Letter
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


async def request_mail(
    database: Database, settings: Settings, network: str, email: str
) -> None:
    """Let a job mail a one-time link to the user with an address, if there is one.

    An address without an account counts in the same way and adds a job, too: neither
    the limit nor the time that this takes reveals which addresses have an account.
    Raises RateLimitedError.
    """
    email = email.strip().replace("\0", "")
    key = f"reset:{hash_secret(settings.key, email.lower())}"
    async with database.transaction() as connection:
        await enforce_limit(connection, RESET_BY_NETWORK, f"{key}:{network}")
        await enforce_limit(connection, RESET_BY_EMAIL, key)
        user = await AccountRepository(connection).find_user(email)
        await enqueue(connection, Kind.MAIL_PASSWORD, user=user.id if user else None)


async def write_mail(
    connection: Connection, settings: Settings, ids: Mapping[str, str]
) -> Letter | None:
    """Write the mail with a one-time link; None if there is no such user."""
    if "user" not in ids:
        return None
    user_id = UUID(ids["user"])
    email = await AccountRepository(connection).find_email(user_id)
    if email is None:
        return None
    url = await link.issue(
        connection,
        settings,
        user_id,
        Purpose.PASSWORD,
        life=MAILED_LIFE,
        is_mailed=True,
    )
    return Letter(email, _SUBJECT, _TEXT.format(url=url))


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

"""Signing up: at once, or after the address was confirmed by mail.

With mail, a sign-up with the address of an account sets that account's new password. So
the answer is the same for each address, and reveals nothing. Nothing changes before the
reader of the mail has entered the password of the sign-up: reading the mail alone, or
choosing a password alone, gives no access.
"""

import secrets
from collections.abc import Mapping
from datetime import timedelta
from uuid import UUID

from promptvault.errors import InvalidInputError, PermissionDeniedError
from promptvault.server.account.erasure import sign_out_everywhere
from promptvault.server.account.repository import AccountRepository
from promptvault.server.account.service import checked_email, create_account
from promptvault.server.database import Connection, Database
from promptvault.server.device_code.code import find_user_code
from promptvault.server.job.queue import Kind, enqueue
from promptvault.server.limit.rule import SIGN_UP_BY_EMAIL
from promptvault.server.limit.service import enforce_limit
from promptvault.server.mail import Letter, checked_address
from promptvault.server.password import (
    checked_password,
    hash_password,
    verify_password,
)
from promptvault.server.settings import Settings
from promptvault.server.sign_up.repository import SignUp, SignUpRepository
from promptvault.server.token.secret import hash_secret

_LIFE = timedelta(hours=2)
"""Of a link, from when it is mailed."""
_LIFE_UNSENT = timedelta(hours=12)
"""Of a sign-up whose mail cannot be sent; longer than the attempts of a job."""

_SUBJECT = "Confirm your address for PromptVault"
_TEXT = """\
Someone, probably you, signed up for PromptVault with this address.
To confirm it, open this page within two hours and enter the password that you chose:

{url}

If you have an account already, this sets its password, and each device has to sign
in again.
If it was not you, do nothing: your address and your account stay as they are.
"""


def require_open(settings: Settings) -> None:
    """Raise PermissionDeniedError if only the operator may make accounts."""
    if settings.sign_up == "closed":
        raise PermissionDeniedError(
            "This server takes no new accounts: ask its operator for one."
        )


async def prepare(email: str, password: str) -> SignUp:
    """Return a sign-up with the hashed password; raises InvalidInputError."""
    email = checked_email(email)
    return SignUp(email, await hash_password(checked_password(password, email)))


async def sign_up_at_once(
    connection: Connection, settings: Settings, sign_up: SignUp
) -> UUID:
    """Make an account, and return its user's id; for servers without mail.

    Raises AlreadyExistsError, PermissionDeniedError.
    """
    require_open(settings)
    user = await create_account(connection, sign_up.email)
    accounts = AccountRepository(connection)
    await accounts.set_password(user.id, sign_up.password_hash)
    return user.id


async def sign_up_by_mail(
    database: Database, settings: Settings, sign_up: SignUp, user_code: str
) -> None:
    """Store a sign-up, and let a job mail the link that confirms it.

    It does the same for an address with an account. Raises RateLimitedError,
    InvalidInputError.
    """
    checked_address(sign_up.email)
    key = hash_secret(settings.key, sign_up.email.lower())
    async with database.transaction() as connection:
        await enforce_limit(connection, SIGN_UP_BY_EMAIL, f"sign_up:{key}")
        sign_up_id = await SignUpRepository(connection).add(
            hash_secret(settings.key, secrets.token_urlsafe(32)), sign_up, _LIFE_UNSENT
        )
        # The mail contains no text of the person who asked for it, only a checked code.
        code = find_user_code(user_code)
        await enqueue(connection, Kind.MAIL_SIGN_UP, sign_up=sign_up_id, code=code)


async def write_mail(
    connection: Connection, settings: Settings, ids: Mapping[str, str]
) -> Letter | None:
    """Write the mail with a link that confirms a sign-up; None if it has expired."""
    token = secrets.token_urlsafe(32)
    email = await SignUpRepository(connection).copy(
        UUID(ids["sign_up"]), hash_secret(settings.key, token), _LIFE
    )
    if email is None:
        return None
    url = f"{settings.public_url}/verify?token={token}"
    if "code" in ids:
        url += f"&user_code={ids['code']}"
    return Letter(email, _SUBJECT, _TEXT.format(url=url))


async def is_right(
    database: Database, settings: Settings, token: str, password: str
) -> bool:
    """Return True if *password* is that of the sign-up; *token* is in the mail.

    Raises InvalidInputError if the link has expired or was used before.
    """
    async with database.transaction() as connection:
        repository = SignUpRepository(connection)
        sign_up = await repository.find(hash_secret(settings.key, token))
    return await verify_password(_required(sign_up).password_hash, password)


async def confirm(connection: Connection, settings: Settings, token: str) -> UUID:
    """Use up a sign-up: make the account, or set its new password.

    Returns the user's id. The user is signed out everywhere, because the person who
    made the account may not be the owner of the address. Raises InvalidInputError if
    the link has expired or was used before, and PermissionDeniedError if there is no
    account and the server takes none. An earlier check would reveal which addresses
    have an account.
    """
    sign_ups = SignUpRepository(connection)
    sign_up = _required(await sign_ups.use(hash_secret(settings.key, token)))
    accounts = AccountRepository(connection)
    user = await accounts.find_user(sign_up.email)
    if user is None:
        require_open(settings)
        user = await create_account(connection, sign_up.email)
    await accounts.set_password(user.id, sign_up.password_hash)
    await accounts.set_verified_email(user.id, user.email)
    await sign_out_everywhere(connection, user.id)
    return user.id


def _required(sign_up: SignUp | None) -> SignUp:
    if sign_up is None:
        raise InvalidInputError(
            "This link is too old, or was used before: sign up again."
        )
    return sign_up

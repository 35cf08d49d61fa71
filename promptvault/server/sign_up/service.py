"""What is done when somebody signs up: at once, or after a mail was answered.

With mail, signing up again with an address that has an account gives it the new
password: what is told and done is the same for every address. Nothing happens to any
account before the one who reads the mail has entered the very password
that was chosen: neither who only reads the mail nor who only chose can get in.
"""

import secrets
from datetime import timedelta
from uuid import UUID

from promptvault.errors import InvalidInputError, PermissionDeniedError
from promptvault.server.account.erasure import sign_out_everywhere
from promptvault.server.account.repository import AccountRepository
from promptvault.server.account.service import checked_email, create_account
from promptvault.server.database import Connection, Database
from promptvault.server.device_code.code import find_user_code
from promptvault.server.limit.rule import SIGN_UP_BY_EMAIL
from promptvault.server.limit.service import take
from promptvault.server.mail import send_mail
from promptvault.server.password import (
    checked_password,
    hash_password,
    verify_password,
)
from promptvault.server.settings import Settings
from promptvault.server.sign_up.repository import SignUp, SignUpRepository
from promptvault.server.token.secret import hash_secret

LIFE = timedelta(hours=2)

_SUBJECT = "Confirm your address for PromptVault"
_TEXT = """\
Somebody, most likely you, chose a password for PromptVault with this address.
To make it yours, open this page within two hours and enter that password:

{url}

If you have an account already, each of its devices has to sign in again after that.
If it was not you, do nothing: your address and your account stay as they are.
"""


def require_open(settings: Settings) -> None:
    """Raise PermissionDeniedError where nobody may make an account by themselves."""
    if settings.sign_up == "closed":
        raise PermissionDeniedError(
            "This server takes no new accounts: ask who runs it for one."
        )


async def prepare(email: str, password: str) -> SignUp:
    """Return a sign-up to be stored; raises InvalidInputError."""
    email = checked_email(email)
    return SignUp(email, await hash_password(checked_password(password, email)))


async def sign_up_at_once(
    connection: Connection, settings: Settings, sign_up: SignUp
) -> UUID:
    """Make an account, where no mail can be sent.

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
    """Send a mail that makes the account once it is answered.

    For an address that has one it does the same: nobody learns which have.
    """
    token = secrets.token_urlsafe(32)
    key = hash_secret(settings.key, sign_up.email.lower())
    async with database.transaction() as connection:
        await take(connection, SIGN_UP_BY_EMAIL, f"sign_up:{key}")
        await SignUpRepository(connection).add(
            hash_secret(settings.key, token), sign_up, LIFE
        )
    url = f"{settings.public_url}/verify?token={token}"
    # Whoever asks for the mail writes nothing into it: a code is letters that we know.
    if code := find_user_code(user_code):
        url += f"&user_code={code}"
    await send_mail(settings, sign_up.email, _SUBJECT, _TEXT.format(url=url))


async def is_right(
    database: Database, settings: Settings, token: str, password: str
) -> bool:
    """Tell whether that password was chosen in the sign-up of the mail.

    Raises InvalidInputError where the mail is too old, or was used before.
    """
    async with database.transaction() as connection:
        repository = SignUpRepository(connection)
        sign_up = await repository.find(hash_secret(settings.key, token))
    return await verify_password(_required(sign_up).password_hash, password)


async def confirm(connection: Connection, settings: Settings, token: str) -> UUID:
    """Use the sign-up of a mail: make the account, or give it its new password.

    Nobody else stays signed in to an account, or lets a device in: whoever made it may
    never have had the address. Raises InvalidInputError where the mail is too old, or
    was used before, and PermissionDeniedError where there is no account and none may be
    made: before that nobody learns which addresses have one.
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

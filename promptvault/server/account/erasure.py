"""What is done when a user goes: signed out everywhere at once, erased later.

Rows are locked in the order in which sync locks them: tokens, vaults, the account.
"""

from datetime import datetime, timedelta
from uuid import UUID

from promptvault.errors import AlreadyExistsError, NotFoundError
from promptvault.server.account.erasure_repository import ErasureRepository, Leaver
from promptvault.server.database import Connection
from promptvault.server.link.repository import Link, LinkRepository
from promptvault.server.link.service import Purpose
from promptvault.server.session.network_repository import NetworkRepository
from promptvault.server.session.repository import SessionRepository
from promptvault.server.token.repository import TokenRepository

_LATEST_EVENT = timedelta(days=30)
"""No event about a user comes so long after the one that tells of the end."""


async def get_leaver(connection: Connection, email: str) -> Leaver:
    """Return who has that address, else who had it last; raises NotFoundError."""
    leaver = await ErasureRepository(connection).find(email.strip())
    if leaver is None:
        raise NotFoundError("There is no account with this address.")
    return leaver


async def sign_out_browsers(connection: Connection, user_id: UUID) -> None:
    """End a user's sessions, and void the links by which one could be begun."""
    await SessionRepository(connection).delete_all(user_id)
    await LinkRepository(connection).delete_all(user_id, Purpose.PASSWORD)


async def sign_out_everywhere(connection: Connection, user_id: UUID) -> None:
    """End what a user is signed in by: browsers, devices, machines, and devices that
    were let in and have not yet come for their token."""
    await ErasureRepository(connection).delete_codes(user_id)
    await sign_out_browsers(connection, user_id)
    await NetworkRepository(connection).forget_all(user_id)
    await TokenRepository(connection).revoke_every(user_id)


async def delete_user(connection: Connection, user_id: UUID, grace: timedelta) -> None:
    """Sign a user out everywhere and free the address; the data stay for *grace*."""
    users = ErasureRepository(connection)
    await sign_out_everywhere(connection, user_id)
    account_id = await users.mark(user_id, grace)
    if account_id is not None:
        await users.mark_account(account_id)


async def keep_user(connection: Connection, leaver: Link) -> None:
    """Undo the deletion of a user whose data are still there.

    What was signed in stays signed out. Raises AlreadyExistsError if somebody else has
    the address by now.
    """
    users = ErasureRepository(connection)
    if not await users.unmark(leaver.user_id):
        raise AlreadyExistsError(
            "Somebody has made another account with your address in the meantime: ask"
            " who runs this server."
        )
    await users.unmark_account(leaver.account_id)


async def erase(connection: Connection, leaver: Leaver) -> None:
    """Erase a user, deleted before or not, and the account unless others use it."""
    users = ErasureRepository(connection)
    await TokenRepository(connection).revoke_every(leaver.id)
    await users.lock_vaults(leaver.account_id)
    await users.erase_user(leaver)
    await users.erase_account(leaver.account_id)


async def erase_due(connection: Connection, now: datetime) -> int:
    """Erase every deleted user whose time has come, and return how many there were.

    It commits after each.
    """
    users, count = ErasureRepository(connection), 0
    while leaver := await users.next_due(now):
        await erase(connection, leaver)
        await connection.commit()
        count += 1
    await users.forget_strangers(now - _LATEST_EVENT)
    await connection.commit()
    return count

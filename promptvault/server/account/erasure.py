"""Deleting users: signed out everywhere at once, erased when their grace period ends.

Callers that lock rows do so in the order of `server.lock_order`.
"""

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from uuid import UUID

import structlog

from promptvault.errors import AlreadyExistsError, NotFoundError
from promptvault.server.account.erasure_repository import ErasureRepository, StoredUser
from promptvault.server.activity.service import FORMER_MEMBER
from promptvault.server.ai.repository import AiRepository
from promptvault.server.billing.repository import BillingRepository, end_subscriptions
from promptvault.server.database import Connection
from promptvault.server.link.repository import Link, LinkRepository
from promptvault.server.link.service import Purpose
from promptvault.server.ownership.repository import OwnershipRepository
from promptvault.server.ownership.service import bequeath_teams, leave_teams
from promptvault.server.session.repository import NetworkRepository, SessionRepository
from promptvault.server.token.repository import TokenRepository

_STILL_PAYS = "a deleted account is erased, and its subscription is not ended"
_LATEST_EVENT = timedelta(days=30)
"""A provider sends no event about a user later than this after the deletion."""

_log = structlog.get_logger("promptvault.server")


async def get_stored_user(connection: Connection, email: str) -> StoredUser:
    """Return the user with an address, or else the last deleted one who had it.

    Raises NotFoundError.
    """
    user = await ErasureRepository(connection).find(email.strip())
    if user is None:
        raise NotFoundError("There is no account with this address.")
    return user


async def sign_out_browsers(connection: Connection, user_id: UUID) -> None:
    """End a user's sessions, and void the links that would begin one."""
    await SessionRepository(connection).delete_all(user_id)
    await LinkRepository(connection).delete_all(user_id, Purpose.PASSWORD)


async def sign_out_everywhere(connection: Connection, user_id: UUID) -> None:
    """Sign a user out of browsers, devices and machines.

    That includes devices that are approved and have not fetched their token yet.
    """
    await ErasureRepository(connection).delete_codes(user_id)
    await sign_out_browsers(connection, user_id)
    await NetworkRepository(connection).forget_all(user_id)
    await TokenRepository(connection).revoke_every(user_id)


async def delete_user(connection: Connection, user_id: UUID, grace: timedelta) -> None:
    """Sign a user out everywhere and free the address; erase the data after *grace*.

    Call it when the user's account is locked.
    """
    users = ErasureRepository(connection)
    await users.delete_codes(user_id)
    account_id = await users.mark(user_id, grace)
    await sign_out_everywhere(connection, user_id)
    if account_id is not None and await users.mark_account(account_id):
        if customer := await BillingRepository(connection).find(account_id):
            await end_subscriptions(connection, customer.customer)


async def restore_user(connection: Connection, link: Link) -> None:
    """Undo the deletion of the link's user, whose data are still stored.

    Call it when the account is locked. Sessions and tokens stay ended. Raises
    AlreadyExistsError if another account has the address now.
    """
    users = ErasureRepository(connection)
    if not await users.unmark(link.user_id):
        raise AlreadyExistsError(
            "Another account was made with your address in the meantime: ask the"
            " operator of this server."
        )
    await users.unmark_account(link.account_id)


async def erase(connection: Connection, user: StoredUser) -> None:
    """Erase a user, deleted or not, and the account if no other user is left in it.

    Raises ConflictError if the user owns a team with other members.
    """
    await _lock(connection, user)
    await _erase(connection, user, leave_teams)


async def erase_due(connection: Connection, now: datetime) -> int:
    """Erase all deleted users whose grace period has ended, and return their number.

    The last user of an account that still pays has to wait, up to three days. Commits
    after each user.
    """
    users, count = ErasureRepository(connection), 0
    while user := await users.next_due(now):
        await _lock(connection, user)
        if await users.next_due(now, user.id):  # no other process was faster
            if await users.pays(user.id):
                account = str(user.account_id)
                _log.error("billing", reason=_STILL_PAYS, account=account)
            await _erase(connection, user, bequeath_teams)
            count += 1
        await connection.commit()
    await users.forget_identities(now - _LATEST_EVENT)
    await connection.commit()
    return count


async def _lock(connection: Connection, user: StoredUser) -> None:
    users = ErasureRepository(connection)
    # Before vaults and accounts, as a job does that looks at the customer.
    await BillingRepository(connection).lock_account(user.account_id)
    await users.lock_identities(user.id)
    await OwnershipRepository(connection).lock(user.id)
    await users.lock_vaults(user.account_id)


async def _erase(
    connection: Connection,
    user: StoredUser,
    leave: Callable[[Connection, UUID], Awaitable[None]],
) -> None:
    """Erase a user; *leave* takes the user out of all teams."""
    users = ErasureRepository(connection)
    await users.delete_codes(user.id)
    await users.erase_invitations(user)
    await leave(connection, user.id)
    await TokenRepository(connection).revoke_every(user.id)
    await users.erase_user(user)
    await users.forget_name(user, FORMER_MEMBER)
    await OwnershipRepository(connection).erase_without_owner(user.account_id)
    customer = await BillingRepository(connection).find(user.account_id)
    await AiRepository(connection).settle_without_users(user.account_id)
    await AiRepository(connection).forget_user(user.account_id, user.id)
    if await users.erase_account(user.account_id) and customer:
        await end_subscriptions(connection, customer.customer)

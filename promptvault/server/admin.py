"""The operator's tasks: manage users, tiers and tokens, export, erase and purge."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple, TypeVar
from uuid import UUID

import psycopg

from promptvault.domain.entitlement import Entitlement
from promptvault.domain.tier import Tier
from promptvault.errors import NotFoundError
from promptvault.server.account import erasure, export, password_change
from promptvault.server.account import service as account
from promptvault.server.account.erasure_repository import ErasureRepository
from promptvault.server.account.repository import AccountRepository, Membership, User
from promptvault.server.activity.actor import OPERATOR
from promptvault.server.ai.operator import AccountUse, AiUseList
from promptvault.server.billing import operator as billing
from promptvault.server.billing.operator import Checked
from promptvault.server.billing.plan import grant
from promptvault.server.database import Connection, connection_failure
from promptvault.server.job.operator import JobList, JobRead
from promptvault.server.password import checked_password, hash_password
from promptvault.server.retention import service as retention
from promptvault.server.retention.service import Purged
from promptvault.server.settings import Settings
from promptvault.server.share.operator import OperatorShare, ShareList
from promptvault.server.team.deletion import restore_team
from promptvault.server.team.repository import ListedTeam, TeamRepository
from promptvault.server.token.service import DEVICE_SCOPES, MANAGING_SCOPES, issue

_T = TypeVar("_T")


class AddedUser(NamedTuple):
    """A new user, and the link to choose a password if none was given."""

    user: User
    password_url: str | None


@dataclass(frozen=True, slots=True)
class Admin:
    """Runs each task in a transaction of its own.

    All methods raise UnavailableError if the database cannot be reached.
    """

    settings: Settings

    def add_user(
        self, email: str, tier: Tier, password: str | None = None
    ) -> AddedUser:
        """Make an account with *password*, or with a link to choose one.

        Raises AlreadyExistsError, InvalidInputError.
        """

        async def add(connection: Connection) -> AddedUser:
            user = await account.create_account(connection, email, tier)
            return AddedUser(user, await self._set_password(connection, user, password))

        return self._run(add)

    def reset_password(self, email: str, password: str | None = None) -> str | None:
        """Set a user's password; without *password*, return a link to choose one.

        Raises NotFoundError, InvalidInputError.
        """

        async def reset(connection: Connection) -> str | None:
            user = await account.get_user(connection, email)
            return await self._set_password(connection, user, password)

        return self._run(reset)

    async def _set_password(
        self, connection: Connection, user: User, password: str | None
    ) -> str | None:
        if password is None:
            return await password_change.issue_link(connection, self.settings, user.id)
        hashed = await hash_password(checked_password(password, user.email))
        await password_change.replace_password(connection, user.id, hashed)
        return None

    def users(self) -> list[Membership]:
        """Return all users, the oldest first."""
        return self._run(lambda connection: AccountRepository(connection).memberships())

    def set_tier(
        self, email: str, tier: Tier, until: datetime | None = None
    ) -> Entitlement:
        """Give a user's account a tier, and return the plan that it has by then.

        It is another one if the account pays for a better one. Raises NotFoundError.
        """

        async def change(connection: Connection) -> Entitlement:
            user = await account.get_user(connection, email)
            found = await grant(
                connection, self.settings, user.account_id, OPERATOR, tier, until
            )
            assert found is not None
            return found

        return self._run(change)

    def check_billing(self) -> Checked:
        """Compare the settings with what is at Stripe.

        Raises NotFoundError if the server sells nothing, UnavailableError if Stripe
        does not answer.
        """
        return asyncio.run(billing.check(self.settings))

    def link_customer(self, email: str, customer: str) -> Entitlement:
        """Make a customer at Stripe that of a user's account, and return the plan.

        Raises NotFoundError, ConflictError, UnavailableError.
        """

        async def link(connection: Connection) -> Entitlement:
            user = await account.get_user(connection, email)
            return await billing.link(connection, self.settings, user, customer)

        return self._run(link)

    def reconcile(self, email: str) -> Entitlement:
        """Look at a user's customer at Stripe, and return the plan.

        Raises NotFoundError, UnavailableError.
        """

        async def look(connection: Connection) -> Entitlement:
            user = await account.get_user(connection, email)
            return await billing.reconcile_now(connection, self.settings, user)

        return self._run(look)

    def reconcile_all(self) -> int:
        """Add jobs that look at every customer, and return their number.

        Raises NotFoundError if the server sells nothing.
        """
        return self._run(
            lambda connection: billing.reconcile_soon(connection, self.settings)
        )

    def teams(self) -> list[ListedTeam]:
        """Return all teams by their short names, deleted ones as well."""
        return self._run(lambda connection: TeamRepository(connection).all())

    def restore_team(self, slug: str) -> None:
        """Undo the deletion of a team; raises NotFoundError, ConflictError."""
        return self._run(lambda connection: restore_team(connection, slug))

    def issue_token(self, email: str, name: str, *, manage: bool = False) -> str:
        """Return a new token for a machine; raises NotFoundError.

        With *manage* it may manage teams too.
        """

        async def make(connection: Connection) -> str:
            user = await account.get_user(connection, email)
            return await issue(
                connection,
                self.settings,
                user_id=user.id,
                name=name,
                scopes=MANAGING_SCOPES if manage else DEVICE_SCOPES,
            )

        return self._run(make)

    def export(self, email: str, write: Callable[[str], object]) -> None:
        """Write all prompts of a user, deleted or not, as JSON in pieces.

        Raises NotFoundError before the first piece.
        """

        async def read(connection: Connection) -> None:
            user = await erasure.get_stored_user(connection, email)
            pieces = export.stream(
                lambda: nullcontext(connection), user.id, user.account_id
            )
            async for piece in pieces:
                write(piece)

        self._run(read)

    def prompt_count(self, email: str) -> int:
        """Return how many prompts a user has, deleted or not; raises NotFoundError."""

        async def count(connection: Connection) -> int:
            user = await erasure.get_stored_user(connection, email)
            return await ErasureRepository(connection).prompt_count(user.account_id)

        return self._run(count)

    def erase(self, email: str) -> None:
        """Erase a user, deleted or not, with all data.

        Raises NotFoundError, ConflictError if the user owns a team with other members.
        """

        async def clear(connection: Connection) -> None:
            user = await erasure.get_stored_user(connection, email)
            await erasure.erase(connection, user)

        self._run(clear)

    def renew_epochs(self) -> int:
        """Void the cursors of all devices, and return the number of vaults.

        Each device then reads its vaults again, and sends what the server lacks.
        """
        return self._run(
            lambda connection: AccountRepository(connection).renew_epochs()
        )

    def purge(self, now: datetime) -> Purged:
        """Delete what is old at *now* and known to every device."""
        return self._run(
            lambda connection: retention.purge(connection, self.settings, now)
        )

    def jobs(self) -> list[JobRead]:
        """Return all jobs, those that are due first and dead ones last."""
        return self._run(lambda connection: JobList(connection).all())

    def retry_jobs(self, ids: list[UUID] | None) -> list[UUID]:
        """Make jobs due now and return their ids; None means all dead ones.

        Raises NotFoundError if a worker does one of them, or if there is none.
        """

        async def retry(connection: Connection) -> list[UUID]:
            return _complete(await JobList(connection).retry(ids), ids)

        return self._run(retry)

    def drop_jobs(self, ids: list[UUID] | None) -> list[UUID]:
        """Delete jobs and return their ids; chosen and raises as in `retry_jobs`."""

        async def drop(connection: Connection) -> list[UUID]:
            return _complete(await JobList(connection).drop(ids), ids)

        return self._run(drop)

    def shares(self, email: str | None) -> list[OperatorShare]:
        """Return the shares that have not ended, of all users or of one."""
        return self._run(lambda connection: ShareList(connection).live(email))

    def revoke_share(self, share_id: UUID) -> None:
        """End a share; raises NotFoundError if there is none, or it has ended."""

        async def revoke(connection: Connection) -> None:
            if not await ShareList(connection).revoke(share_id):
                raise NotFoundError("There is no share with this id that is live.")

        self._run(revoke)

    def block_shares(self, email: str) -> int:
        """End all shares of a user, who can make no others; return their number.

        Raises NotFoundError.
        """

        async def block(connection: Connection) -> int:
            user = await erasure.get_stored_user(connection, email)
            return await ShareList(connection).block(user.id)

        return self._run(block)

    def unblock_shares(self, email: str) -> int:
        """Let a user make shares again, and return 0; raises NotFoundError."""

        async def unblock(connection: Connection) -> int:
            user = await erasure.get_stored_user(connection, email)
            await ShareList(connection).unblock(user.id)
            return 0

        return self._run(unblock)

    def ai_usage(self, email: str | None) -> tuple[list[AccountUse], int]:
        """Return what accounts have used of the model this month, and the sum of all.

        With *email*, only the account of that user; raises NotFoundError. Amounts are
        in micro-USD.
        """

        async def read(connection: Connection) -> tuple[list[AccountUse], int]:
            account_id = None
            if email is not None:
                user = await erasure.get_stored_user(connection, email)
                account_id = user.account_id
            uses = AiUseList(connection)
            return await uses.all(account_id), await uses.spent()

        return self._run(read)

    def block_ai(self, email: str, *, undo: bool = False) -> None:
        """Refuse the model to the account of a user, or undo it; NotFoundError."""

        async def block(connection: Connection) -> None:
            user = await erasure.get_stored_user(connection, email)
            uses = AiUseList(connection)
            await (uses.unblock if undo else uses.block)(user.account_id)

        self._run(block)

    def _run(self, task: Callable[[Connection], Awaitable[_T]]) -> _T:
        return asyncio.run(self._in_transaction(task))

    async def _in_transaction(self, task: Callable[[Connection], Awaitable[_T]]) -> _T:
        try:
            connection = await Connection.connect(
                self.settings.address, connect_timeout=10
            )
        except psycopg.Error as error:
            raise connection_failure(error) from None
        async with connection:
            return await task(connection)


def _complete(found: list[UUID], ids: list[UUID] | None) -> list[UUID]:
    """Return *found*; raise NotFoundError, which rolls back, if one of *ids* lacks."""
    for each in ids or ():
        if each not in found:
            raise NotFoundError(f"Job {each} does not exist, or is being done now.")
    return found

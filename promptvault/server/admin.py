"""What an operator does beside the server: make users, set tiers, issue tokens."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple, TypeVar

import psycopg

from promptvault.domain.tier import Tier
from promptvault.server.account import credential, erasure, export
from promptvault.server.account import service as account
from promptvault.server.account.erasure_repository import ErasureRepository
from promptvault.server.account.repository import AccountRepository, Membership, User
from promptvault.server.database import Connection, connection_failure
from promptvault.server.password import checked_password, hash_password
from promptvault.server.retention import service as retention
from promptvault.server.retention.service import Purged
from promptvault.server.settings import Settings
from promptvault.server.token.service import Scope, issue

_T = TypeVar("_T")


class Added(NamedTuple):
    """A user who was made, and the link to choose a password if none was given."""

    user: User
    password_url: str | None


@dataclass(frozen=True, slots=True)
class Admin:
    """Runs each task in a transaction of its own."""

    settings: Settings

    def add_user(self, email: str, tier: Tier, password: str | None = None) -> Added:
        """Make an account, with *password* or else a link to choose one.

        Raises AlreadyExistsError, InvalidInputError.
        """

        async def add(connection: Connection) -> Added:
            user = await account.create_account(connection, email, tier)
            return Added(user, await self._let_in(connection, user, password))

        return self._run(add)

    def reset_password(self, email: str, password: str | None = None) -> str | None:
        """Give a user another password; without one, return a link to choose it.

        Raises NotFoundError, InvalidInputError.
        """

        async def reset(connection: Connection) -> str | None:
            user = await account.get_user(connection, email)
            return await self._let_in(connection, user, password)

        return self._run(reset)

    async def _let_in(
        self, connection: Connection, user: User, password: str | None
    ) -> str | None:
        if password is None:
            return await credential.make_link(connection, self.settings, user.id)
        hashed = await hash_password(checked_password(password, user.email))
        await credential.replace(connection, user.id, hashed)
        return None

    def users(self) -> list[Membership]:
        """Return every user."""
        return self._run(lambda connection: AccountRepository(connection).memberships())

    def set_tier(self, email: str, tier: Tier) -> None:
        """Put a user's account on another tier; raises NotFoundError."""

        async def change(connection: Connection) -> None:
            user = await account.get_user(connection, email)
            await account.set_tier(connection, user.account_id, tier)

        self._run(change)

    def issue_token(self, email: str, name: str) -> str:
        """Return a new token of a user's, for a machine; raises NotFoundError."""

        async def make(connection: Connection) -> str:
            user = await account.get_user(connection, email)
            return await issue(
                connection,
                self.settings,
                user_id=user.id,
                name=name,
                scopes=[*Scope],
            )

        return self._run(make)

    def export(self, email: str, write: Callable[[str], object]) -> None:
        """Write all prompts of a user, deleted or not, as JSON.

        Raises NotFoundError before anything is written.
        """

        async def read(connection: Connection) -> None:
            leaver = await erasure.get_leaver(connection, email)
            pieces = export.stream(
                lambda: nullcontext(connection), leaver.id, leaver.account_id
            )
            async for piece in pieces:
                write(piece)

        self._run(read)

    def prompt_count(self, email: str) -> int:
        """Return how many prompts a user has, deleted or not; raises NotFoundError."""

        async def count(connection: Connection) -> int:
            leaver = await erasure.get_leaver(connection, email)
            return await ErasureRepository(connection).prompt_count(leaver.account_id)

        return self._run(count)

    def erase(self, email: str) -> None:
        """Erase a user, deleted or not, with everything; raises NotFoundError."""

        async def clear(connection: Connection) -> None:
            leaver = await erasure.get_leaver(connection, email)
            await erasure.erase(connection, leaver)

        self._run(clear)

    def renew_epochs(self) -> int:
        """Void what devices remember of every vault; return how many vaults there are.

        They then compare everything anew, and bring what the server lacks.
        """
        return self._run(
            lambda connection: AccountRepository(connection).renew_epochs()
        )

    def purge(self, now: datetime) -> Purged:
        """Forget what is old at *now*, and known to every device."""
        return self._run(
            lambda connection: retention.purge(connection, self.settings, now)
        )

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

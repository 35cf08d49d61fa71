"""One change of a team: the locks before it, and what follows from it."""

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from promptvault.domain.team import Right, has_right
from promptvault.errors import ConflictError, NotFoundError, PermissionDeniedError
from promptvault.server.activity.actor import Actor
from promptvault.server.activity.repository import Action, ActivityRepository
from promptvault.server.database import Connection
from promptvault.server.lock_order import lock_account
from promptvault.server.team.repository import (
    Found,
    RosterRepository,
    Team,
    TeamRepository,
)
from promptvault.server.team.seats import settle_seats

_QUIET = {Action.MEMBER_INVITED, Action.INVITATION_REVOKED}
"""What changes no vault of any user."""


@dataclass(slots=True)
class AccountChange:
    """A change of the teams of an account that is locked.

    What is recorded also says whether anything has changed: then seats are counted
    again, vaults are frozen or thawed, and the roster of each user concerned is raised.
    """

    connection: Connection
    actor: Actor
    account_id: UUID
    vaults: set[UUID] = field(default_factory=set)
    """Those that are changed."""
    concerned: set[UUID] = field(default_factory=set)
    """Their members before the change."""
    is_seen: bool = False

    async def record(
        self,
        action: Action,
        subject: str = "",
        *,
        vault_id: UUID | None = None,
        **details: Any,
    ) -> None:
        """Write a line into the activity log."""
        self.is_seen = self.is_seen or action not in _QUIET
        await ActivityRepository(self.connection).add(
            self.actor,
            action,
            account_id=self.account_id,
            vault_id=vault_id,
            subject=subject,
            details=details,
        )

    async def finish(self) -> None:
        """Do what follows from the change."""
        if not self.is_seen:
            return
        settled = await settle_seats(self.connection, self.actor, self.account_id)
        rosters = RosterRepository(self.connection)
        changed = self.vaults | settled.vaults
        await rosters.raise_versions(self.concerned | await rosters.members(changed))


@dataclass(slots=True)
class TeamChange:
    """A change of one team, whose account is locked."""

    team: Team
    account: AccountChange

    @property
    def connection(self) -> Connection:
        """The connection with the locks."""
        return self.account.connection

    async def record(self, action: Action, subject: str = "", **details: Any) -> None:
        """Write a line into the activity log."""
        vault_id = self.team.vault_id
        await self.account.record(action, subject, vault_id=vault_id, **details)


@contextlib.asynccontextmanager
async def changing_account(
    connection: Connection, actor: Actor, account_id: UUID
) -> AsyncIterator[AccountChange]:
    """Lock an account and its teams for a change; at the end, do what follows."""
    await lock_account(connection, account_id)
    change = AccountChange(connection, actor, account_id)
    yield change
    await change.finish()


@contextlib.asynccontextmanager
async def changing_found(
    connection: Connection, actor: Actor, found: Found
) -> AsyncIterator[TeamChange]:
    """Lock a team that was found, and its account; at the end, do what follows.

    Raises NotFoundError if the team is deleted, ConflictError if it has another owner
    by now.
    """
    await lock_account(connection, found.account_id)
    team = await TeamRepository(connection).get(found.vault_id, actor.user_id)
    if team is None:
        raise no_such_team()
    if team.account_id != found.account_id:
        raise ConflictError("The team has just changed hands: try again.")
    members = await RosterRepository(connection).members([team.vault_id])
    account = AccountChange(
        connection, actor, team.account_id, {team.vault_id}, members
    )
    yield TeamChange(team, account)
    await account.finish()


@contextlib.asynccontextmanager
async def changing_team(
    connection: Connection, actor: Actor, team: str, right: Right
) -> AsyncIterator[TeamChange]:
    """Lock a team for a change by a member; *team* is its id or short name.

    The role is read under the lock. Raises NotFoundError if the actor is no member,
    PermissionDeniedError without *right*.
    """
    found = await find_team(connection, actor.user_id, team)
    async with changing_found(connection, actor, found) as change:
        require(change.team.role, right)
        yield change


async def find_team(connection: Connection, user_id: UUID | None, team: str) -> Found:
    """Return a team of a user by its id or short name; raise NotFoundError."""
    found = None
    if user_id is not None and "\0" not in team:  # PostgreSQL takes none in a text
        found = await TeamRepository(connection).find(user_id, team)
    if found is None:
        raise no_such_team()
    return found


def require(role: str | None, right: Right) -> None:
    """Raise NotFoundError without a role, PermissionDeniedError without *right*."""
    if role is None:
        raise no_such_team()
    if not has_right(role, right):
        raise PermissionDeniedError(
            f"Your role in this team is {role}, which does not allow this."
        )


def no_such_team() -> NotFoundError:
    """Return the error for a team that is not there, or not the user's."""
    return NotFoundError("You are in no team with this name.")

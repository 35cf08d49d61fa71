"""Teams and their members: created, listed, changed, removed."""

from uuid import UUID

from promptvault.domain.team import DEFAULT_RULES, Right, Role, slug_of
from promptvault.errors import (
    AlreadyExistsError,
    ConflictError,
    InvalidInputError,
    NotFoundError,
    TierLimitError,
)
from promptvault.server.activity import service as activity
from promptvault.server.activity.actor import Actor
from promptvault.server.activity.repository import Action
from promptvault.server.database import Connection
from promptvault.server.limit.rule import TEAMS_BY_ACCOUNT
from promptvault.server.limit.service import enforce_limit
from promptvault.server.paging import read_place, write_place
from promptvault.server.team.change import (
    TeamChange,
    changing_account,
    changing_team,
    find_team,
    no_such_team,
    require,
)
from promptvault.server.team.deletion_repository import DeletionRepository
from promptvault.server.team.member_repository import Member, MemberRepository
from promptvault.server.team.repository import TeamRepository
from promptvault.wire.team import (
    ActivitiesRead,
    MemberRead,
    MembersRead,
    TeamCreate,
    TeamRead,
    TeamsRead,
    TeamUpdate,
)

MAX_TEAMS = 50
"""Of one account. A device syncs so many vaults in one request, and others besides."""
MAX_RULES = 50
"""Protected labels of one team."""


async def create_team(
    connection: Connection, actor: Actor, wish: TeamCreate
) -> TeamRead:
    """Make a team that the user owns, with its vault.

    Raises AlreadyExistsError if its short name is taken, TierLimitError if the account
    has too many teams.
    """
    assert actor.user_id is not None
    assert actor.account_id is not None
    await enforce_limit(connection, TEAMS_BY_ACCOUNT, f"teams:{actor.account_id}")
    slug = wish.slug or slug_of(wish.name)
    teams = TeamRepository(connection)
    async with changing_account(connection, actor, actor.account_id) as change:
        if await teams.count(actor.account_id) >= MAX_TEAMS:
            raise TierLimitError(f"An account has {MAX_TEAMS} teams at most.")
        vault = await teams.add(actor.account_id, actor.user_id, wish.name, slug)
        if vault is None:
            raise _is_taken(slug)
        for label in DEFAULT_RULES:
            await teams.add_rule(vault, label, actor.user_id)
        change.vaults.add(vault)
        await change.record(Action.TEAM_CREATED, slug, vault_id=vault)
    return await read_team(connection, actor.user_id, slug)


async def read_team(connection: Connection, user_id: UUID, team: str) -> TeamRead:
    """Return a team of a user by its id or short name; raises NotFoundError."""
    found = await find_team(connection, user_id, team)
    row = await TeamRepository(connection).row(user_id, found.vault_id)
    if row is None:
        raise no_such_team()
    return TeamRead(**row._asdict())


async def list_teams(
    connection: Connection, user_id: UUID, before: str | None, limit: int
) -> TeamsRead:
    """Return teams of a user by their short names; *before* is the last one shown."""
    rows = await TeamRepository(connection).rows(user_id, before or "", limit)
    return TeamsRead(
        items=[TeamRead(**row._asdict()) for row in rows],
        next=rows[-1].slug if len(rows) == limit else None,
    )


async def update_team(
    connection: Connection, actor: Actor, team: str, wish: TeamUpdate
) -> TeamRead:
    """Change the names and settings of a team.

    Raises AlreadyExistsError if the new short name is taken, PermissionDeniedError.
    """
    assert actor.user_id is not None
    wished = wish.model_dump(exclude_none=True)
    async with changing_team(connection, actor, team, Right.READ) as change:
        for field in wished:
            require(change.team.role, _RIGHTS[field])
        old = change.team
        new = old._replace(**wished)
        if not await TeamRepository(connection).change(new):
            raise _is_taken(new.slug)
        if (old.name, old.slug) != (new.name, new.slug):
            await change.record(
                Action.TEAM_RENAMED, new.slug, before=old.slug, name=new.name
            )
        if (old.on_leave, old.shares_by) != (new.on_leave, new.shares_by):
            await change.record(
                Action.TEAM_CHANGED,
                new.slug,
                on_leave=new.on_leave,
                shares_by=new.shares_by,
            )
    return await read_team(connection, actor.user_id, str(old.id))


_RIGHTS = {
    "name": Right.RENAME,
    "slug": Right.RENAME,
    "on_leave": Right.SET_ON_LEAVE,
    "shares_by": Right.SET_RULES,
}


async def delete_team(
    connection: Connection, actor: Actor, team: str, confirm: str
) -> None:
    """Delete a team: its vault is gone for all members, and erased later.

    Raises InvalidInputError unless *confirm* is its short name.
    """
    async with changing_team(connection, actor, team, Right.DELETE) as change:
        if confirm != change.team.slug:
            raise InvalidInputError("This is not the short name of the team.")
        await DeletionRepository(connection).mark(change.team.vault_id)
        await change.record(Action.TEAM_DELETED, change.team.slug)


async def protect(connection: Connection, actor: Actor, team: str, label: str) -> None:
    """Let only admins move a label."""
    async with changing_team(connection, actor, team, Right.SET_RULES) as change:
        teams, vault = TeamRepository(connection), change.team.vault_id
        if await teams.rule_count(vault) >= MAX_RULES:
            raise InvalidInputError(f"A team has {MAX_RULES} protected labels at most.")
        assert actor.user_id is not None
        if await teams.add_rule(vault, label, actor.user_id):
            await change.record(Action.RULE_ADDED, label)


async def unprotect(
    connection: Connection, actor: Actor, team: str, label: str
) -> None:
    """Let every member who may write move a label."""
    async with changing_team(connection, actor, team, Right.SET_RULES) as change:
        if await TeamRepository(connection).remove_rule(change.team.vault_id, label):
            await change.record(Action.RULE_REMOVED, label)


async def read_activity(
    connection: Connection, user_id: UUID, team: str, before: str | None, limit: int
) -> ActivitiesRead:
    """Return a page of the activity log of a team; raises PermissionDeniedError."""
    found = await find_team(connection, user_id, team)
    row = await TeamRepository(connection).get(found.vault_id, user_id)
    require(row.role if row else None, Right.READ_ACTIVITY)
    return await activity.team_activity(connection, found.vault_id, before, limit)


async def list_members(
    connection: Connection, user_id: UUID, team: str, before: str | None, limit: int
) -> MembersRead:
    """Return a page of the members; raises InvalidInputError for a bad cursor."""
    found = await find_team(connection, user_id, team)
    place = read_place(before) if before else None
    members = MemberRepository(connection, found.vault_id)
    page = await members.page(place, limit)
    last = page[-1] if len(page) == limit else None
    return MembersRead(
        items=[_member_read(member, user_id) for member in page],
        next=write_place(last.joined_at, last.user) if last else None,
    )


async def change_role(
    connection: Connection, actor: Actor, team: str, user_id: UUID, role: Role
) -> MemberRead:
    """Give a member another role; raises ConflictError for the owner."""
    async with changing_team(connection, actor, team, Right.MANAGE_MEMBERS) as change:
        members = MemberRepository(connection, change.team.vault_id)
        member = await _get_member(change, user_id)
        if member.role == Role.OWNER:
            raise ConflictError("The owner stays: transfer the team first.")
        if member.role != role:
            await members.set_role(user_id, role)
            await change.record(
                Action.MEMBER_ROLE,
                member.email,
                user=str(user_id),
                before=member.role,
                role=role,
            )
    assert actor.user_id is not None
    return _member_read(member._replace(role=role), actor.user_id)


async def remove_member(
    connection: Connection, actor: Actor, team: str, user_id: UUID
) -> None:
    """Remove a member, or leave the team; raises ConflictError for the owner."""
    is_own = user_id == actor.user_id
    right = Right.READ if is_own else Right.MANAGE_MEMBERS
    async with changing_team(connection, actor, team, right) as change:
        member = await _get_member(change, user_id)
        if member.role == Role.OWNER:
            raise ConflictError(
                "The owner cannot leave: transfer or delete the team first."
                if is_own
                else "The owner cannot be removed."
            )
        await MemberRepository(connection, change.team.vault_id).remove(user_id)
        action = Action.MEMBER_LEFT if is_own else Action.MEMBER_REMOVED
        await change.record(action, member.email, user=str(user_id))


async def _get_member(change: TeamChange, user_id: UUID) -> Member:
    members = MemberRepository(change.connection, change.team.vault_id)
    member = await members.get(user_id)
    if member is None:
        raise NotFoundError("There is no such member in this team.")
    return member


def _member_read(member: Member, reader: UUID) -> MemberRead:
    return MemberRead(**member._asdict(), is_me=member.user == reader)


def _is_taken(slug: str) -> AlreadyExistsError:
    return AlreadyExistsError(
        f"The short name {slug!r} is taken: choose another one (--slug)."
    )

"""Members of a team: shown, given another role, removed; leaving."""

from uuid import UUID

from promptvault.domain.team import Right, Role
from promptvault.errors import ConflictError, NotFoundError
from promptvault.server.activity.actor import Actor
from promptvault.server.activity.repository import Action
from promptvault.server.database import Connection
from promptvault.server.paging import read_place, write_place
from promptvault.server.team.change import TeamChange, changing_team, find_team
from promptvault.server.team.member_repository import Member, MemberRepository
from promptvault.wire.team import MemberRead, MembersRead


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
        items=[_read(member, user_id) for member in page],
        next=write_place(last.joined_at, last.user) if last else None,
    )


async def change_role(
    connection: Connection, actor: Actor, team: str, user_id: UUID, role: Role
) -> MemberRead:
    """Give a member another role; raises ConflictError for the owner."""
    async with changing_team(connection, actor, team, Right.MANAGE_MEMBERS) as change:
        members = MemberRepository(connection, change.team.vault_id)
        member = await _get(change, user_id)
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
    return _read(member._replace(role=role), actor.user_id)


async def remove_member(
    connection: Connection, actor: Actor, team: str, user_id: UUID
) -> None:
    """Remove a member, or leave the team; raises ConflictError for the owner."""
    is_own = user_id == actor.user_id
    right = Right.READ if is_own else Right.MANAGE_MEMBERS
    async with changing_team(connection, actor, team, right) as change:
        member = await _get(change, user_id)
        if member.role == Role.OWNER:
            raise ConflictError(
                "The owner cannot leave: transfer or delete the team first."
                if is_own
                else "The owner cannot be removed."
            )
        await MemberRepository(connection, change.team.vault_id).remove(user_id)
        action = Action.MEMBER_LEFT if is_own else Action.MEMBER_REMOVED
        await change.record(action, member.email, user=str(user_id))


async def _get(change: TeamChange, user_id: UUID) -> Member:
    members = MemberRepository(change.connection, change.team.vault_id)
    member = await members.get(user_id)
    if member is None:
        raise NotFoundError("There is no such member in this team.")
    return member


def _read(member: Member, reader: UUID) -> MemberRead:
    return MemberRead(**member._asdict(), is_me=member.user == reader)

"""Handing teams over: by their owner, or because the owner is deleted."""

import contextlib
from uuid import UUID

from promptvault.errors import (
    ConflictError,
    InvalidInputError,
    NotFoundError,
    PermissionDeniedError,
    TierLimitError,
)
from promptvault.server.activity.actor import Actor
from promptvault.server.activity.repository import Action, ActivityRepository
from promptvault.server.database import Connection
from promptvault.server.job.queue import Kind, enqueue
from promptvault.server.ownership.repository import Member, OwnershipRepository, Team
from promptvault.server.settings import Settings
from promptvault.server.team.member_repository import MemberRepository
from promptvault.server.team.repository import RosterRepository
from promptvault.server.team.seats import settle_seats

_OWNER, _ADMIN = "owner", "admin"


async def get_owned(connection: Connection, user_id: UUID, slug: str) -> Team:
    """Return the team with a slug.

    Raises NotFoundError if the user is not a member of it, PermissionDeniedError if the
    user is not its owner.
    """
    team = None
    if "\0" not in slug:  # PostgreSQL takes none in a text
        team = await OwnershipRepository(connection).find(slug, user_id)
    if team is None:
        raise NotFoundError("There is no such team.")
    owner = await _find(connection, team, user_id)
    if owner is None or owner.role != _OWNER:
        raise PermissionDeniedError("Only the owner of the team may do this.")
    return team


async def heirs(connection: Connection, team: Team) -> list[Member]:
    """Return the admins of a team, those who joined first before the others."""
    members = await OwnershipRepository(connection).members(team.vault_id)
    return [each for each in members if each.role == _ADMIN and not each.is_deleted]


async def transfer(
    connection: Connection, user_id: UUID, slug: str, heir_id: UUID | None
) -> None:
    """Make an admin of a team its owner, on behalf of its owner.

    Raises NotFoundError, PermissionDeniedError, InvalidInputError if *heir_id* is not
    an admin of the team, TierLimitError if the team does not fit into the heir's plan.
    """
    await OwnershipRepository(connection).lock(user_id)
    team = await get_owned(connection, user_id, slug)
    found = [each for each in await heirs(connection, team) if each.user_id == heir_id]
    if not found:
        raise InvalidInputError("Choose an admin of the team.")
    concerned = await _hand_over(connection, team, user_id, found[0])
    await RosterRepository(connection).raise_versions(concerned)


async def leave_teams(connection: Connection, user_id: UUID) -> None:
    """Remove a user who is about to be deleted from all teams.

    A team whose only member is its owner is erased with the account, and no one can
    join it meanwhile. Raises ConflictError if the user owns a team with other members.
    """
    teams = OwnershipRepository(connection)
    await teams.lock(user_id)
    owned = await teams.owned(user_id)
    shared = [t for t in owned if len(await teams.members(t.vault_id)) > 1]
    if shared:
        names = ", ".join(team.slug for team in shared)
        raise ConflictError(f"Hand over or delete these teams first: {names}.")
    for team in owned:
        await teams.revoke_invitations(team.vault_id)
    concerned = await _leave_joined(connection, user_id)
    await RosterRepository(connection).raise_versions(concerned)


async def give_up_teams(
    connection: Connection, settings: Settings, user_id: UUID
) -> None:
    """Remove a user whom the sign-in provider has deleted from all teams.

    Of each team the user owns, the longest-serving admin whose plan fits becomes the
    owner. If there is none, the team is frozen until the account is erased, and its
    admins get a mail.
    """
    teams, concerned = OwnershipRepository(connection), set[UUID]()
    await teams.lock(user_id)
    for team in await teams.owned(user_id):
        heir = await _bequeath(connection, team, user_id)
        concerned |= heir or await _orphan(connection, settings, team)
    concerned |= await _leave_joined(connection, user_id)
    await RosterRepository(connection).raise_versions(concerned)


async def bequeath_teams(connection: Connection, user_id: UUID) -> None:
    """Hand over the teams of a user who is about to be erased, as far as plans fit.

    A plan may fit now that did not fit when the user was deleted. The members of the
    other teams learn that these are gone. Call it when the user's teams are locked.
    """
    teams, concerned = OwnershipRepository(connection), set[UUID]()
    rosters = RosterRepository(connection)
    for team in await teams.owned(user_id):
        heir = await _bequeath(connection, team, user_id)
        concerned |= heir or await rosters.members([team.vault_id])
    concerned |= await _leave_joined(connection, user_id)
    await rosters.raise_versions(concerned)


async def _find(connection: Connection, team: Team, user_id: UUID) -> Member | None:
    members = await OwnershipRepository(connection).members(team.vault_id)
    return next((each for each in members if each.user_id == user_id), None)


async def _hand_over(
    connection: Connection, team: Team, owner_id: UUID, heir: Member
) -> set[UUID]:
    """Make *heir* the owner of a locked team; raises TierLimitError.

    Returns the users whose roster changes.
    """
    owner = await _find(connection, team, owner_id)
    assert owner is not None
    teams = OwnershipRepository(connection)
    if heir.account_id != team.account_id:
        load = await teams.load(team.vault_id)
        await teams.pay_from(team, heir.account_id, load)
    await teams.set_role(team.vault_id, owner_id, _ADMIN)
    await teams.set_role(team.vault_id, heir.user_id, _OWNER)
    await teams.thaw(team.vault_id)  # it may have had no owner
    actor = _actor(owner)
    gained = await settle_seats(connection, actor, heir.account_id)
    if gained.is_frozen:
        raise TierLimitError(
            "The plan of the new owner has no room for the members of this team."
        )
    lost = await settle_seats(connection, actor, team.account_id)
    paid = team._replace(account_id=heir.account_id)
    await _record(connection, actor, Action.TEAM_TRANSFERRED, paid, heir)
    vaults = {team.vault_id} | gained.vaults | lost.vaults
    return await RosterRepository(connection).members(vaults)


async def _bequeath(
    connection: Connection, team: Team, owner_id: UUID
) -> set[UUID] | None:
    """Hand a locked team over to the first admin whose plan fits.

    Returns the users whose roster changes; None if there is no such admin.
    """
    for heir in await heirs(connection, team):
        with contextlib.suppress(TierLimitError):
            async with connection.transaction():  # a refused one is rolled back
                return await _hand_over(connection, team, owner_id, heir)
    return None


async def _orphan(connection: Connection, settings: Settings, team: Team) -> set[UUID]:
    """Freeze a locked team without an owner, and write to its admins.

    Returns the users whose roster changes.
    """
    teams = OwnershipRepository(connection)
    await teams.freeze(team.vault_id)
    await teams.revoke_invitations(team.vault_id)
    for admin in await heirs(connection, team) if settings.smtp_host else ():
        await enqueue(connection, Kind.MAIL_ORPHANED, team=team.id, user=admin.user_id)
    return await RosterRepository(connection).members([team.vault_id])


async def _leave_joined(connection: Connection, user_id: UUID) -> set[UUID]:
    """Remove a user from locked teams of others.

    Returns the users whose roster changes.
    """
    teams, rosters = OwnershipRepository(connection), RosterRepository(connection)
    concerned = set[UUID]()
    for team in await teams.joined(user_id):
        member = await _find(connection, team, user_id)
        assert member is not None
        concerned |= await rosters.members([team.vault_id])
        await MemberRepository(connection, team.vault_id).remove(user_id)
        actor = _actor(member)
        await _record(connection, actor, Action.MEMBER_LEFT, team, member)
        settled = await settle_seats(connection, actor, team.account_id)
        concerned |= await rosters.members(settled.vaults)
    return concerned


async def _record(
    connection: Connection, actor: Actor, action: Action, team: Team, member: Member
) -> None:
    """Write what concerns *member* into the activity log of a team."""
    await ActivityRepository(connection).add(
        actor,
        action,
        account_id=team.account_id,
        vault_id=team.vault_id,
        subject=member.email,
        details={"user": str(member.user_id)},
    )


def _actor(member: Member) -> Actor:
    return Actor(member.user_id, member.account_id, member.email)

"""Teams over HTTP."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Path, Request

from promptvault.domain.team import Role
from promptvault.server.activity import service as activity
from promptvault.server.activity.actor import CurrentActor
from promptvault.server.dependencies import Transaction
from promptvault.server.guard import Authenticated
from promptvault.server.http.json_body import documented, read_model
from promptvault.server.paging import PageCursor, PageLimit
from promptvault.server.team import service
from promptvault.server.team.reference import (
    FORBIDDEN_OR_MISSING,
    HANDS_CHANGED,
    TeamReference,
)
from promptvault.wire.error import ErrorRead
from promptvault.wire.team import (
    ActivitiesRead,
    Label,
    MemberRead,
    MembersRead,
    MemberUpdate,
    Slug,
    TeamCreate,
    TeamDelete,
    TeamRead,
    TeamsRead,
    TeamUpdate,
)

router = APIRouter(tags=["team"])

_TEAM: dict[str, Any] = {"responses": FORBIDDEN_OR_MISSING}
_CHANGE: dict[str, Any] = {"responses": {**FORBIDDEN_OR_MISSING, **HANDS_CHANGED}}
_TAKEN: dict[int | str, dict[str, Any]] = {
    409: {"model": ErrorRead, "description": "The short name is taken."}
}
_OWNER: dict[int | str, dict[str, Any]] = {
    409: {"model": ErrorRead, "description": "The member is the owner."}
}


@router.post(
    "/teams",
    status_code=201,
    responses={
        **_TAKEN,
        402: {"model": ErrorRead, "description": "The account has too many teams."},
    },
    openapi_extra=documented(TeamCreate),
)
async def create_team(
    request: Request, connection: Transaction, actor: CurrentActor
) -> TeamRead:
    """Make a team with a vault; the user's account pays for it."""
    wish = await read_model(request, TeamCreate)
    return await service.create_team(connection, actor, wish)


@router.get("/teams")
async def list_teams(
    connection: Transaction,
    bearer: Authenticated,
    limit: PageLimit = 100,
    before: Slug | None = None,
) -> TeamsRead:
    """List the teams of the user by their short names."""
    return await service.list_teams(connection, bearer.user_id, before, limit)


@router.get("/teams/{team}", **_TEAM)
async def show_team(
    team: TeamReference, connection: Transaction, bearer: Authenticated
) -> TeamRead:
    """Return a team of the user."""
    return await service.read_team(connection, bearer.user_id, team)


@router.patch(
    "/teams/{team}",
    responses={**FORBIDDEN_OR_MISSING, **_TAKEN},
    openapi_extra=documented(TeamUpdate),
)
async def update_team(
    team: TeamReference,
    request: Request,
    connection: Transaction,
    actor: CurrentActor,
) -> TeamRead:
    """Change the name, the short name or the settings of a team."""
    wish = await read_model(request, TeamUpdate)
    return await service.update_team(connection, actor, team, wish)


@router.delete(
    "/teams/{team}",
    status_code=204,
    openapi_extra=documented(TeamDelete),
    **_CHANGE,
)
async def delete_team(
    team: TeamReference,
    request: Request,
    connection: Transaction,
    actor: CurrentActor,
) -> None:
    """Delete a team: it is gone for all members, and erased after the grace period."""
    wish = await read_model(request, TeamDelete)
    await service.delete_team(connection, actor, team, wish.confirm)


@router.get("/teams/{team}/members", **_TEAM)
async def list_members(
    team: TeamReference,
    connection: Transaction,
    bearer: Authenticated,
    limit: PageLimit = 100,
    before: PageCursor = None,
) -> MembersRead:
    """List the members of a team, those who joined first before others."""
    return await service.list_members(connection, bearer.user_id, team, before, limit)


@router.patch(
    "/teams/{team}/members/{user}",
    responses={**FORBIDDEN_OR_MISSING, **_OWNER},
    openapi_extra=documented(MemberUpdate),
)
async def change_role(
    team: TeamReference,
    user: UUID,
    request: Request,
    connection: Transaction,
    actor: CurrentActor,
) -> MemberRead:
    """Give a member another role."""
    role = (await read_model(request, MemberUpdate)).role
    return await service.change_role(connection, actor, team, user, Role(role))


# Each device may leave, so this is a route of its own. It comes before that of a user.
@router.delete(
    "/teams/{team}/members/me",
    status_code=204,
    responses={**FORBIDDEN_OR_MISSING, **_OWNER},
)
async def leave_team(
    team: TeamReference, connection: Transaction, actor: CurrentActor
) -> None:
    """Leave a team."""
    assert actor.user_id is not None
    await service.remove_member(connection, actor, team, actor.user_id)


@router.delete(
    "/teams/{team}/members/{user}",
    status_code=204,
    responses={**FORBIDDEN_OR_MISSING, **_OWNER},
)
async def remove_member(
    team: TeamReference, user: UUID, connection: Transaction, actor: CurrentActor
) -> None:
    """Remove a member."""
    await service.remove_member(connection, actor, team, user)


@router.put("/teams/{team}/labels/{label}", status_code=204, **_CHANGE)
async def protect_label(
    team: TeamReference,
    label: Annotated[Label, Path()],
    connection: Transaction,
    actor: CurrentActor,
) -> None:
    """Let only admins move a label."""
    await service.protect(connection, actor, team, label)


@router.delete("/teams/{team}/labels/{label}", status_code=204, **_CHANGE)
async def unprotect_label(
    team: TeamReference,
    label: Annotated[Label, Path()],
    connection: Transaction,
    actor: CurrentActor,
) -> None:
    """Let every member who may write move a label."""
    await service.unprotect(connection, actor, team, label)


@router.get("/teams/{team}/activity", **_TEAM)
async def list_team_activity(
    team: TeamReference,
    connection: Transaction,
    bearer: Authenticated,
    limit: PageLimit = 100,
    before: PageCursor = None,
) -> ActivitiesRead:
    """List what was changed in a team, with the last change of each prompt."""
    return await service.read_activity(connection, bearer.user_id, team, before, limit)


@router.get("/me/activity")
async def list_my_activity(
    connection: Transaction,
    bearer: Authenticated,
    limit: PageLimit = 100,
    before: PageCursor = None,
) -> ActivitiesRead:
    """List what was changed in the user's account, and in the teams it pays for."""
    return await activity.account_activity(connection, bearer.account_id, before, limit)

"""Invitations over HTTP."""

from typing import Any
from uuid import UUID

from fastapi import APIRouter, Request

from promptvault.server.activity.actor import CurrentActor
from promptvault.server.dependencies import AppSettings, Transaction
from promptvault.server.guard import Authenticated
from promptvault.server.http.json_body import documented, read_model
from promptvault.server.invitation import service
from promptvault.server.paging import PageCursor, PageLimit
from promptvault.server.team.reference import FORBIDDEN_OR_MISSING, TeamReference
from promptvault.wire.error import ErrorRead
from promptvault.wire.team import (
    InvitationAccept,
    InvitationCreate,
    InvitationRead,
    InvitationsRead,
    JoinedRead,
)

router = APIRouter(tags=["invitation"], responses=FORBIDDEN_OR_MISSING)

_FULL: dict[int | str, dict[str, Any]] = {
    402: {"model": ErrorRead, "description": "The plan has no seat left."}
}


@router.post(
    "/teams/{team}/invitations",
    status_code=201,
    responses={
        **_FULL,
        409: {"model": ErrorRead, "description": "The address is that of a member."},
    },
    openapi_extra=documented(InvitationCreate),
)
async def create_invitation(
    team: TeamReference,
    request: Request,
    connection: Transaction,
    settings: AppSettings,
    actor: CurrentActor,
) -> InvitationRead:
    """Invite one address by mail, or make a link. The URL is shown only here."""
    wish = await read_model(request, InvitationCreate)
    return await service.invite(connection, settings, actor, team, wish)


@router.get("/teams/{team}/invitations")
async def list_invitations(
    team: TeamReference,
    connection: Transaction,
    bearer: Authenticated,
    limit: PageLimit = 100,
    before: PageCursor = None,
) -> InvitationsRead:
    """List the open invitations of a team, the newest first."""
    return await service.list_invitations(
        connection, bearer.user_id, team, before, limit
    )


@router.delete("/teams/{team}/invitations/{invitation}", status_code=204)
async def revoke_invitation(
    team: TeamReference,
    invitation: UUID,
    connection: Transaction,
    actor: CurrentActor,
) -> None:
    """Revoke an open invitation."""
    await service.revoke(connection, actor, team, invitation)


@router.post(
    "/invitations/accept",
    responses={
        **_FULL,
        409: {"model": ErrorRead, "description": "The team has just changed hands."},
    },
    openapi_extra=documented(InvitationAccept),
)
async def accept_invitation(
    request: Request,
    connection: Transaction,
    settings: AppSettings,
    actor: CurrentActor,
) -> JoinedRead:
    """Join the team of an invitation; for a member nothing changes."""
    wish = await read_model(request, InvitationAccept)
    return await service.accept(connection, settings, actor, wish.token)

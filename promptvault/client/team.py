"""The requests about teams, one method each."""

from collections.abc import Iterator
from typing import TypeVar
from urllib.parse import quote, urlencode
from uuid import UUID

from pydantic import BaseModel

from promptvault.client.transport import Transport
from promptvault.errors import InvalidInputError
from promptvault.wire.team import (
    ActivitiesRead,
    ActivityRead,
    InvitationAccept,
    InvitationCreate,
    InvitationRead,
    InvitationsRead,
    JoinedRead,
    MemberRead,
    MembersRead,
    MemberUpdate,
    TeamCreate,
    TeamRead,
    TeamsRead,
    TeamUpdate,
)

_Model = TypeVar("_Model", bound=BaseModel)
_Page = TypeVar("_Page", TeamsRead, MembersRead, InvitationsRead, ActivitiesRead)
_PAGE = 100
"""Items that are asked for in one request."""


class TeamClient:
    """Sends requests about the teams of the user; teams are meant by their short name.

    Every method raises the error that the server reports: NotFoundError for a team that
    the user is not in, PermissionDeniedError if the role does not allow it.
    """

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def teams(self) -> Iterator[TeamRead]:
        """Yield the teams of the user."""
        for page in self._pages("/v1/teams", TeamsRead):
            yield from page.items

    def team(self, team: str) -> TeamRead:
        """Return a team."""
        return self._read(TeamRead, self._transport.send("GET", _path(team)))

    def create(self, wish: TeamCreate) -> TeamRead:
        """Make a team; raise ConflictError if the short name is taken."""
        return self._read(TeamRead, self._send("POST", "/v1/teams", wish))

    def update(self, team: str, wish: TeamUpdate) -> TeamRead:
        """Change the settings of a team; raise ConflictError as `create`."""
        return self._read(TeamRead, self._send("PATCH", _path(team), wish))

    def members(self, team: str) -> Iterator[MemberRead]:
        """Yield the members of a team."""
        for page in self._pages(_path(team, "members"), MembersRead):
            yield from page.items

    def change_role(self, team: str, user: UUID, wish: MemberUpdate) -> MemberRead:
        """Give a member another role; raise ConflictError for the owner."""
        path = _path(team, "members", str(user))
        return self._read(MemberRead, self._send("PATCH", path, wish))

    def remove(self, team: str, user: UUID) -> None:
        """Remove a member; raise ConflictError for the owner."""
        self._transport.send("DELETE", _path(team, "members", str(user)))

    def leave(self, team: str) -> None:
        """Leave a team; raise ConflictError for the owner."""
        self._transport.send("DELETE", _path(team, "members", "me"))

    def invite(self, team: str, wish: InvitationCreate) -> InvitationRead:
        """Invite an address, or every user of a link; raise TierLimitError."""
        path = _path(team, "invitations")
        return self._read(InvitationRead, self._send("POST", path, wish))

    def invitations(self, team: str) -> Iterator[InvitationRead]:
        """Yield the invitations that can be accepted."""
        for page in self._pages(_path(team, "invitations"), InvitationsRead):
            yield from page.items

    def revoke(self, team: str, invitation: UUID) -> None:
        """Revoke an invitation; raise NotFoundError."""
        self._transport.send("DELETE", _path(team, "invitations", str(invitation)))

    def accept(self, token: str) -> JoinedRead:
        """Accept an invitation; raise NotFoundError if it is no longer valid."""
        wish = InvitationAccept(token=token)
        return self._read(
            JoinedRead, self._send("POST", "/v1/invitations/accept", wish)
        )

    def protect(self, team: str, label: str) -> None:
        """Let only admins move a label."""
        self._transport.send("PUT", _path(team, "labels", label))

    def unprotect(self, team: str, label: str) -> None:
        """Let all who may write move a label."""
        self._transport.send("DELETE", _path(team, "labels", label))

    def activity(self, team: str) -> Iterator[ActivityRead]:
        """Yield what was changed in a team, the newest first."""
        for page in self._pages(_path(team, "activity"), ActivitiesRead):
            yield from page.items

    def _send(self, method: str, path: str, wish: BaseModel) -> bytes:
        body = wish.model_dump_json(exclude_none=True).encode()
        return self._transport.send_json(method, path, body)

    def _pages(self, path: str, kind: type[_Page]) -> Iterator[_Page]:
        before: str | None = ""
        while before is not None:
            query = {"limit": str(_PAGE)} | ({"before": before} if before else {})
            content = self._transport.send("GET", f"{path}?{urlencode(query)}")
            page = self._read(kind, content)
            yield page
            before = page.next

    def _read(self, kind: type[_Model], content: bytes) -> _Model:
        return self._transport.parsed(kind.model_validate_json, content)


def _path(team: str, *parts: str) -> str:
    """Return the path of what the user has named.

    Raises InvalidInputError if a name would lead to another path: a proxy, a server or
    a library may resolve '..', encoded or not.
    """
    for part in (team, *parts):
        if "/" in part or part in {"", ".", ".."}:
            raise InvalidInputError(f"{part!r} names no team, and no label.")
    return "/".join(("/v1/teams", *(quote(each, safe="") for each in (team, *parts))))

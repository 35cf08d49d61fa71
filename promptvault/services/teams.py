"""Which team, member and invitation the arguments of a command mean."""

from typing import NamedTuple, get_args
from urllib.parse import urlsplit
from uuid import UUID

from promptvault.client.address import Address
from promptvault.client.team import TeamClient
from promptvault.domain.team import validate_slug
from promptvault.errors import InvalidInputError, NotFoundError
from promptvault.wire.team import (
    GivenRole,
    InvitationCreate,
    MemberRead,
    MemberUpdate,
    TeamCreate,
    TeamUpdate,
)

_JOIN = "/join/"


def choose_team(client: TeamClient, given: str | None) -> str:
    """Return the short name of the team that is *given*, or of the only one.

    Raises NotFoundError if the user is in no team, InvalidInputError if in several.
    """
    if given is not None:
        return given
    found = [each.slug for each in client.teams()]
    if not found:
        raise NotFoundError("You are in no team: 'promptvault team create NAME'.")
    if len(found) > 1:
        raise InvalidInputError(f"Say which team: --team {' or --team '.join(found)}.")
    return found[0]


def find_member(client: TeamClient, team: str, email: str) -> MemberRead:
    """Return the member with this address; raises NotFoundError."""
    for member in client.members(team):
        if member.email.casefold() == email.casefold():
            return member
    raise NotFoundError(f"{team} has no member {email}: 'promptvault team members'.")


def find_invitation(client: TeamClient, team: str, start: str) -> UUID:
    """Return the invitation whose id begins with *start*; raises NotFoundError."""
    found = [e.id for e in client.invitations(team) if str(e.id).startswith(start)]
    if not start or len(found) != 1:
        raise NotFoundError(
            f"No single invitation has the id {start!r}: 'promptvault team invitations"
            " list'."
        )
    return found[0]


def plan_team(name: str, slug: str | None) -> TeamCreate:
    """Return the team to make; raises InvalidInputError."""
    if slug is not None:
        validate_slug(slug)
    return TeamCreate.made_of("The name of the team", {"name": name, "slug": slug})


def plan_update(**changes: str | None) -> TeamUpdate:
    """Return the change of a team's settings; raises InvalidInputError."""
    given = {key: value for key, value in changes.items() if value is not None}
    if not given:
        raise InvalidInputError(
            "Say what to change: --name, --slug, --shares-by or --on-leave."
        )
    if slug := given.get("slug"):
        validate_slug(slug)
    return TeamUpdate.made_of("The team's settings", dict(given))


def plan_role(role: str) -> MemberUpdate:
    """Return the change of a role; raises InvalidInputError."""
    if role not in get_args(GivenRole):
        raise InvalidInputError(
            f"There is no role {role!r} to give: admin, editor or viewer."
        )
    return MemberUpdate.made_of("The role", {"role": role})


def plan_invitations(
    emails: list[str], *, link: bool, role: str, days: int, uses: int
) -> list[InvitationCreate]:
    """Return the invitations to make; raises InvalidInputError."""
    if link == bool(emails):
        raise InvalidInputError("Give the addresses to invite, or --link.")
    common: dict[str, object] = {"role": role, "days": days, "uses": uses}
    wishes: list[dict[str, object]] = [{"email": email} for email in emails]
    wishes = wishes or [{"link": True}]
    return [
        InvitationCreate.made_of("The invitation", common | wish) for wish in wishes
    ]


class Invitation(NamedTuple):
    """What the URL of an invitation says."""

    server: str
    """The URL of its server."""
    token: str


def read_invitation(url: str) -> Invitation:
    """Return the parts of the URL of an invitation; raises InvalidInputError."""
    parts = urlsplit(url)
    _, found, token = parts.path.partition(_JOIN)
    if not found or not token or "/" in token:
        raise InvalidInputError("This is no invitation: give its whole URL.")
    return Invitation(f"{parts.scheme}://{parts.netloc.lower()}", token)


def require_server(invitation: Invitation, address: Address) -> None:
    """Raise InvalidInputError if the user is signed in to another server."""
    server = urlsplit(address.url)
    if invitation.server != f"{server.scheme}://{server.netloc.lower()}":
        raise InvalidInputError(
            f"The invitation is from {urlsplit(invitation.server).netloc}, but you"
            f" are signed in to {address.host}: 'promptvault login --server"
            f" {invitation.server}'."
        )

"""The rows of `team … --json`."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from promptvault.wire.team import (
        ActivityRead,
        InvitationRead,
        JoinedRead,
        MemberRead,
        TeamRead,
    )

Row = dict[str, object]


def team_row(team: "TeamRead") -> Row:
    """Return a team."""
    return {
        "slug": team.slug,
        "name": team.name,
        "role": team.role,
        "vault": str(team.vault),
        "owner": team.owner_email,
        "members": team.members,
        "limit": team.member_limit,
        "prompts": team.prompts,
        "frozen": team.frozen,
        "protected": team.protected,
        "on_leave": team.on_leave,
        "shares_by": team.shares_by,
    }


def invited_row(invitation: "InvitationRead") -> Row:
    """Return an invitation that was just made, with its URL."""
    row = invitation.model_dump(mode="json")
    return {key: row[key] for key in ("id", "email", "url", "role", "expires_at")}


def invitation_row(invitation: "InvitationRead") -> Row:
    """Return an invitation; only its receiver has the URL."""
    return invitation.model_dump(mode="json", exclude={"url"})


def joined_row(joined: "JoinedRead") -> Row:
    """Return the team that was joined."""
    return {"slug": joined.team, "vault": str(joined.vault), "role": joined.role}


def member_row(member: "MemberRead") -> Row:
    """Return a member."""
    return member.model_dump(mode="json")


def activity_row(activity: "ActivityRead") -> Row:
    """Return what was changed."""
    return activity.model_dump(mode="json")

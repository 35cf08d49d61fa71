"""Printing teams, their members, invitations and activity."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from promptvault.cli.render.format import format_time
from promptvault.cli.render.table import Column, print_table

if TYPE_CHECKING:
    from promptvault.wire.team import (
        ActivityRead,
        InvitationRead,
        MemberRead,
        TeamRead,
    )

_SHORT = 8
"""Characters of an id: enough to distinguish the invitations of a team."""


def teams(found: "Sequence[TeamRead]") -> None:
    """Print a line for each team."""
    columns = (
        Column("Team", "cyan", wrap=False),
        Column("Name", flexible=True),
        Column("Role"),
        Column("Members", numeric=True),
        Column("State", "dim"),
    )
    lines = (
        (each.slug, each.name, each.role, _members(each), each.frozen or "")
        for each in found
    )
    print_table(columns, lines, "You are in no team: 'promptvault team create NAME'.")


def team(found: "TeamRead") -> None:
    """Print a team."""
    lines = [
        ("team", found.slug),
        ("name", found.name),
        ("your role", found.role),
        ("owner", found.owner_email),
        ("members", _members(found)),
        ("prompts", f"{found.prompts:,}"),
        ("protected", ", ".join(found.protected) or "no label"),
        ("shares by", found.shares_by),
        ("on leave", found.on_leave),
    ]
    if found.frozen:
        lines.append(("frozen", found.frozen))
    print_table((Column("What", "dim"), Column("Value")), lines, "")


def _members(found: "TeamRead") -> str:
    limit = found.member_limit
    return f"{found.members} of {limit}" if limit else str(found.members)


def members(found: "Sequence[MemberRead]") -> None:
    """Print a line for each member."""
    columns = (
        Column("Member", "cyan"),
        Column("Role"),
        Column("Since", "dim", wrap=False),
        Column("Last seen", "dim", wrap=False),
    )
    lines = (
        (
            f"{each.email} (you)" if each.is_me else each.email,
            each.role,
            format_time(each.joined_at),
            format_time(each.last_seen_at),
        )
        for each in found
    )
    print_table(columns, lines, "There are no members.")


def invitations(found: "Sequence[InvitationRead]") -> None:
    """Print a line for each invitation."""
    columns = (
        Column("Id", "cyan", wrap=False),
        Column("For"),
        Column("Role"),
        Column("Used", numeric=True),
        Column("By", "dim"),
        Column("Expires", "dim", wrap=False),
    )
    lines = (
        (
            str(each.id)[:_SHORT],
            each.email or "a link",
            each.role,
            f"{each.uses} of {each.max_uses}",
            each.invited_by,
            format_time(each.expires_at),
        )
        for each in found
    )
    print_table(columns, lines, "There are no open invitations.")


def activity(found: "Sequence[ActivityRead]") -> None:
    """Print a line for each change."""
    columns = (
        Column("Time", "dim", wrap=False),
        Column("Who", "cyan"),
        Column("What", wrap=False),
        Column("Of", flexible=True),
    )
    lines = (
        (format_time(each.at), each.actor_email, each.action, each.subject)
        for each in found
    )
    print_table(columns, lines, "Nothing was changed yet.")

"""The mail to the admins of a team whose owner is deleted."""

from collections.abc import Mapping
from uuid import UUID

from promptvault.server.account.deletion import format_day
from promptvault.server.database import Connection
from promptvault.server.mail import Letter
from promptvault.server.ownership.repository import OwnershipRepository
from promptvault.server.settings import Settings

_SUBJECT = "A PromptVault team has no owner"
_TEXT = """\
The account of the owner of the team {name} is deleted, and no plan of its admins has
room for the team's members. Its prompts can be read until {date}. Then they are erased.

To keep the team, put your account on a plan with more members, or remove some members,
before that day: the team is then yours.
"""


async def write_mail(
    connection: Connection, settings: Settings, ids: Mapping[str, str]
) -> Letter | None:
    """Write the mail to one admin; None if the team has an owner again."""
    team_id, user_id = UUID(ids["team"]), UUID(ids["user"])
    found = await OwnershipRepository(connection).orphaned(team_id, user_id)
    if found is None:
        return None
    text = _TEXT.format(name=found.name, date=format_day(found.erase_at))
    return Letter(found.email, _SUBJECT, text)

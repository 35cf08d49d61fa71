"""Pages of the activity log."""

from operator import attrgetter
from uuid import UUID

from promptvault.server.activity.repository import (
    Activity,
    ActivityRepository,
    PromptChange,
)
from promptvault.server.database import Connection
from promptvault.server.paging import NEWEST, read_numbers, write_numbers
from promptvault.wire.team import ActivitiesRead, ActivityRead

FORMER_MEMBER = "a former member"
"""What is shown in place of the address of a user who was erased."""


async def team_activity(
    connection: Connection, vault_id: UUID, before: str | None, limit: int
) -> ActivitiesRead:
    """Return a page of the log of a team, with the last change of each prompt.

    Prompts have a history of their own, so the log does not repeat it: the two are
    merged by time here. Raises InvalidInputError if *before* is no cursor.
    """
    line, seq = read_numbers(before, 2) if before else (NEWEST, NEWEST)
    log = ActivityRepository(connection)
    lines = await log.of_vault(vault_id, line, limit)
    prompts = await log.of_prompts(vault_id, seq, limit)
    both: list[Activity | PromptChange] = [*lines, *prompts]
    page = sorted(both, key=attrgetter("at"), reverse=True)[:limit]
    line = min((each.id for each in page if isinstance(each, Activity)), default=line)
    seqs = (each.seq for each in page if isinstance(each, PromptChange))
    is_last = len(both) < limit
    return ActivitiesRead(
        items=[_read(each) for each in page],
        next=None if is_last else write_numbers(line, min(seqs, default=seq)),
    )


async def account_activity(
    connection: Connection, account_id: UUID, before: str | None, limit: int
) -> ActivitiesRead:
    """Return a page of the log of an account, which includes its teams.

    Raises InvalidInputError if *before* is no cursor.
    """
    (line,) = read_numbers(before, 1) if before else (NEWEST,)
    lines = await ActivityRepository(connection).of_account(account_id, line, limit)
    return ActivitiesRead(
        items=[_read(each) for each in lines],
        next=write_numbers(lines[-1].id) if len(lines) == limit else None,
    )


def _read(line: Activity | PromptChange) -> ActivityRead:
    if isinstance(line, Activity):
        return ActivityRead(**line._asdict() | {"id": f"a{line.id}"})
    return ActivityRead(
        id=f"p{line.seq}",
        at=line.at,
        actor=line.actor,
        actor_email=line.actor_email or FORMER_MEMBER,
        action="prompt.deleted" if line.is_deleted else "prompt.changed",
        subject=line.name or "",
        details={"item": str(line.item)},
    )

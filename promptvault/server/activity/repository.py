"""The activity log in the database."""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any, NamedTuple
from uuid import UUID

from psycopg.rows import class_row
from psycopg.types.json import Jsonb

from promptvault.server.activity.actor import Actor
from promptvault.server.database import Connection


class Action(StrEnum):
    """What was done."""

    TEAM_CREATED = "team.created"
    TEAM_RENAMED = "team.renamed"
    TEAM_CHANGED = "team.changed"
    TEAM_DELETED = "team.deleted"
    TEAM_RESTORED = "team.restored"
    TEAM_TRANSFERRED = "team.transferred"
    TEAM_FROZEN = "team.frozen"
    TEAM_THAWED = "team.thawed"
    MEMBER_INVITED = "member.invited"
    MEMBER_JOINED = "member.joined"
    MEMBER_ROLE = "member.role"
    MEMBER_REMOVED = "member.removed"
    MEMBER_LEFT = "member.left"
    INVITATION_REVOKED = "invitation.revoked"
    RULE_ADDED = "rule.added"
    RULE_REMOVED = "rule.removed"
    LABEL_MOVED = "label.moved"
    SHARE_CREATED = "share.created"
    SHARE_CHANGED = "share.changed"
    SHARE_REVOKED = "share.revoked"
    SHARE_PAUSED = "share.paused"
    PLAN_CHANGED = "plan.changed"
    DATA_EXPORTED = "data.exported"
    DATA_DELETED = "data.deleted"
    DEVICE_LET_IN = "device.let_in"
    DEVICE_SIGNED_OUT = "device.signed_out"
    EMAIL_CHANGED = "email.changed"
    PASSWORD_CHANGED = "password.changed"


class Activity(NamedTuple):
    """One line of the log."""

    id: int
    at: datetime
    actor: UUID | None
    actor_email: str
    action: str
    subject: str
    details: dict[str, Any]


class PromptChange(NamedTuple):
    """The last change of a prompt."""

    seq: int
    at: datetime
    actor: UUID
    actor_email: str | None
    """None if the user was erased."""
    name: str | None
    is_deleted: bool
    item: UUID


# The number of a change grows with its time, so the index on numbers sorts by time.
_PROMPTS = """
SELECT i.seq, r.created_at AS at, r.author_user AS actor, u.email AS actor_email,
       convert_from(i.payload, 'UTF8')::jsonb->>'name' AS name,
       i.deleted AS is_deleted, i.item_id AS item
  FROM items i
  JOIN revisions r ON r.vault_id = i.vault_id AND r.rev = i.head_rev
  LEFT JOIN users u ON u.id = r.author_user
 WHERE i.vault_id = %(vault)s AND i.seq < %(before)s
 ORDER BY i.seq DESC LIMIT %(limit)s
"""

_ACTIVITY = "id, created_at AS at, actor, actor_email, action, subject, details"


class ActivityRepository:
    """Reads and writes the log within one transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def add(
        self,
        actor: Actor,
        action: Action,
        *,
        account_id: UUID,
        vault_id: UUID | None = None,
        subject: str = "",
        details: Mapping[str, Any] | None = None,
    ) -> None:
        """Add a line. It never holds the text of a prompt, a password or a token."""
        await self._connection.execute(
            """
            INSERT INTO activities (account_id, vault_id, actor, actor_email, action,
                                    subject, details, network)
            VALUES (%s, %s, %s, %s, %s, %s, %s, %s)
            """,
            (
                *(account_id, vault_id, actor.user_id, actor.email, action, subject),
                *(Jsonb(dict(details or {})), actor.network),
            ),
        )

    async def of_vault(self, vault_id: UUID, before: int, limit: int) -> list[Activity]:
        """Return lines about a vault with ids below *before*, the newest first."""
        return await self._page(
            f"SELECT {_ACTIVITY} FROM activities WHERE vault_id = %s AND id < %s"
            " ORDER BY id DESC LIMIT %s",
            (vault_id, before, limit),
        )

    async def of_account(
        self, account_id: UUID, before: int, limit: int
    ) -> list[Activity]:
        """Return lines about an account with ids below *before*, the newest first."""
        return await self._page(
            f"SELECT {_ACTIVITY} FROM activities WHERE account_id = %s AND id < %s"
            " ORDER BY id DESC LIMIT %s",
            (account_id, before, limit),
        )

    async def of_prompts(
        self, vault_id: UUID, before: int, limit: int
    ) -> list[PromptChange]:
        """Return the last change of each prompt, if its number is below *before*."""
        cursor = self._connection.cursor(row_factory=class_row(PromptChange))
        await cursor.execute(
            _PROMPTS, {"vault": vault_id, "before": before, "limit": limit}
        )
        return await cursor.fetchall()

    async def _page(self, query: str, values: tuple[object, ...]) -> list[Activity]:
        cursor = self._connection.cursor(row_factory=class_row(Activity))
        await cursor.execute(query, values)
        return await cursor.fetchall()

"""The team that a vault belongs to: the user's role in it, and its rules."""

import json
import sqlite3
from typing import NamedTuple

from promptvault.errors import PermissionDeniedError

ACTIVE, LEFT, WIPING = "active", "left", "wiping"
"""The values of `Team.state`. A vault with the last is deleted by the next sync if the
one that began to is killed."""
_COLUMNS = "slug, name, role, protected, frozen, state"
_READER = "viewer"
_MOVERS = frozenset({"owner", "admin"})
"""The roles that may move protected labels."""


class Team(NamedTuple):
    """The row of `sync_team`."""

    slug: str
    """The team's short name on the server; a device may use another one."""
    name: str
    role: str
    """The role of the user: owner, admin, editor or viewer."""
    protected: tuple[str, ...] = ()
    """Labels that only admins and the owner may move."""
    frozen: str | None = None
    """Why only the owner and admins may write: `plan`, `deleted`, `owner_gone`."""
    state: str = ACTIVE

    @property
    def has_left(self) -> bool:
        """Whether the user is no longer a member."""
        return self.state in {LEFT, WIPING}

    @property
    def locked_labels(self) -> tuple[str, ...]:
        """The protected labels that the user may not move."""
        return () if self.role in _MOVERS else self.protected


def find_team(connection: sqlite3.Connection) -> Team | None:
    """Return the team of the vault, None if the vault is personal."""
    row = connection.execute(f"SELECT {_COLUMNS} FROM sync_team").fetchone()
    if row is None:
        return None
    team = Team(*row)
    return team._replace(protected=tuple(json.loads(row[3])))


def save_team(connection: sqlite3.Connection, team: Team) -> None:
    """Store the team of the vault."""
    row = team._replace(protected=json.dumps(team.protected))  # type: ignore[arg-type]
    connection.execute("DELETE FROM sync_team")
    holes = ", ".join("?" * len(row))
    connection.execute(f"INSERT INTO sync_team ({_COLUMNS}) VALUES ({holes})", row)


def require_member(connection: sqlite3.Connection) -> None:
    """Raise PermissionDeniedError if the user has left the team of the vault."""
    team = find_team(connection)
    if team and team.has_left:
        raise PermissionDeniedError(
            f"You are not in the team {team.name} any more: its vault can only be read."
            " 'promptvault copy' takes a prompt over."
        )


def require_editor(connection: sqlite3.Connection) -> None:
    """Raise PermissionDeniedError if the user may only read the vault."""
    team = find_team(connection)
    if team and team.role == _READER:
        raise PermissionDeniedError(
            f"You may only read the prompts of the team {team.name}: 'promptvault copy'"
            " takes one over, and an admin can give you another role."
        )


def locked_labels(connection: sqlite3.Connection) -> tuple[str, ...]:
    """Return the labels that the user may not move in this vault."""
    team = find_team(connection)
    return team.locked_labels if team else ()

"""Teams on the server, changed in the database as the routes do it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from tests.server.sync.conftest import STORED

Rows = Callable[..., list[tuple[Any, ...]]]
"""Runs a query with values, and returns the rows."""


@dataclass
class Teams:
    """Changes teams; each change raises the roster of its members."""

    rows: Rows

    def create(self, owner: UUID, slug: str, *protected: str) -> UUID:
        """Make a team with its vault."""
        ((account,),) = self.rows("SELECT account_id FROM users WHERE id = %s", owner)
        ((team,),) = self.rows(
            "INSERT INTO teams (account_id, name, slug) VALUES (%s, %s, %s)"
            " RETURNING id",
            *(account, slug.title(), slug),
        )
        ((vault,),) = self.rows(
            "INSERT INTO vaults (account_id, name, team_id) VALUES (%s, %s, %s)"
            " RETURNING id",
            *(account, slug, team),
        )
        self.join(vault, owner, "owner")
        for label in protected:
            self.protect(vault, label, owner)
        return UUID(str(vault))

    def join(self, vault: UUID, user: UUID, role: str) -> None:
        """Let a user join."""
        self.rows(
            "INSERT INTO vault_members (vault_id, user_id, role) VALUES (%s, %s, %s)"
            " ON CONFLICT DO NOTHING",
            *(vault, user, role),
        )
        self._tell(vault)

    def set_role(self, vault: UUID, user: UUID, role: str) -> None:
        """Change the role of a member."""
        self.rows(
            "UPDATE vault_members SET role = %s WHERE vault_id = %s AND user_id = %s",
            *(role, vault, user),
        )
        self._tell(vault)

    def remove(self, vault: UUID, user: UUID) -> None:
        """Remove a member."""
        self._tell(vault)
        self.rows(
            "DELETE FROM vault_members WHERE vault_id = %s AND user_id = %s",
            *(vault, user),
        )

    def transfer(self, vault: UUID, user: UUID) -> None:
        """Make a member the owner, whose account is charged from then on."""
        ((account, owner),) = self.rows(
            "SELECT account_id, user_id FROM vaults v JOIN vault_members m"
            " ON m.vault_id = v.id AND m.role = 'owner' WHERE v.id = %s",
            vault,
        )
        ((new,),) = self.rows("SELECT account_id FROM users WHERE id = %s", user)
        if owner == user:
            return
        self.set_role(vault, owner, "admin")
        self.set_role(vault, user, "owner")
        self._pay(vault, account, -1)
        self.rows("UPDATE vaults SET account_id = %s WHERE id = %s", new, vault)
        self.rows(
            "UPDATE teams SET account_id = %s WHERE id ="
            " (SELECT team_id FROM vaults WHERE id = %s)",
            *(new, vault),
        )
        self._pay(vault, new, 1)

    def _pay(self, vault: UUID, account: UUID, sign: int) -> None:
        ((stored,),) = self.rows(STORED, vault)
        self.rows(
            "UPDATE accounts SET stored_bytes = stored_bytes + %s,"
            " prompt_count = prompt_count + %s * (SELECT count(*)"
            " FROM items WHERE vault_id = %s AND NOT deleted) WHERE id = %s",
            *(sign * stored, sign, vault, account),
        )

    def freeze(self, vault: UUID, why: str | None) -> None:
        """Freeze or thaw the vault."""
        self.rows(
            "UPDATE vaults SET frozen_why = %s, frozen_at = now() WHERE id = %s",
            *(why, vault),
        )
        self._tell(vault)

    def protect(self, vault: UUID, label: str, by: UUID) -> None:
        """Protect a label."""
        self.rows(
            "INSERT INTO label_rules (vault_id, label, created_by) VALUES (%s, %s, %s)"
            " ON CONFLICT DO NOTHING",
            *(vault, label, by),
        )
        self._tell(vault)

    def unprotect(self, vault: UUID, label: str) -> None:
        """Remove the protection of a label."""
        self.rows(
            "DELETE FROM label_rules WHERE vault_id = %s AND label = %s", vault, label
        )
        self._tell(vault)

    def rename(self, vault: UUID, slug: str) -> None:
        """Give the team another short name."""
        self._set(vault, "slug", slug)

    def set_on_leave(self, vault: UUID, on_leave: str) -> None:
        """Set what devices of former members do with their copies."""
        self._set(vault, "on_leave", on_leave)

    def _set(self, vault: UUID, column: str, value: str) -> None:
        self.rows(
            f"UPDATE teams SET {column} = %s WHERE id ="
            " (SELECT team_id FROM vaults WHERE id = %s)",
            *(value, vault),
        )
        self._tell(vault)

    def role(self, vault: UUID, user: UUID) -> str | None:
        """Return the role of a user, None if the user is no member."""
        found = self.rows(
            "SELECT role FROM vault_members WHERE vault_id = %s AND user_id = %s",
            *(vault, user),
        )
        return found[0][0] if found else None

    def _tell(self, vault: UUID) -> None:
        self.rows(
            "UPDATE users SET roster_version = roster_version + 1 WHERE id IN"
            " (SELECT user_id FROM vault_members WHERE vault_id = %s)",
            vault,
        )

"""Teams of a server, made and changed over its routes and pages."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import httpx

from promptvault.domain.tier import Tier
from promptvault.server.admin import Admin
from promptvault.server.database import Connection
from promptvault.server.page.browser import cookie_name
from promptvault.server.session.service import begin_session
from promptvault.server.session.visitor import Visitor
from tests.server.browser import fields_of

Rows = Callable[..., list[tuple[Any, ...]]]
"""Runs a query with values, and returns the rows."""

Send = Callable[..., httpx.Response]
"""Sends a request to the server, as `httpx.Client.request` does."""

_VISITOR = Visitor("192.0.2.1", "192.0.2.0/24", "")
_EDITOR = "editor"


@dataclass
class Teams:
    """Changes teams, as their owners and members do it."""

    rows: Rows
    """Of the server's database, to look up who owns what."""
    admin: Admin
    send: Send
    _tokens: dict[UUID, str] = field(default_factory=dict)

    def create(self, owner: UUID, slug: str, *protected: str) -> UUID:
        """Make a team, and return its vault."""
        made = self._ask(owner, "POST", "", 201, name=slug.title(), slug=slug).json()
        vault = UUID(made["vault"])
        for label in protected:
            self.protect(vault, label)
        return vault

    def join(self, vault: UUID, user: UUID, role: str) -> bool:
        """Let a user accept an invitation; False if there is no seat."""
        wish = {"link": True, "role": _EDITOR if role == "admin" else role, "uses": 1}
        answer = self._by_owner(vault, "POST", "/invitations", 201, 402, **wish)
        if answer.status_code == 402:
            return False
        token = answer.json()["url"].rpartition("/")[2]
        accept = "/v1/invitations/accept"
        self._request(user, "POST", accept, (200,), json={"token": token})
        if role == "admin":
            self.set_role(vault, user, role)
        return True

    def set_role(self, vault: UUID, user: UUID, role: str) -> None:
        """Change the role of a member."""
        self._by_owner(vault, "PATCH", f"/members/{user}", 200, role=role)

    def remove(self, vault: UUID, user: UUID) -> None:
        """Remove a member."""
        self._by_owner(vault, "DELETE", f"/members/{user}", 204)

    def leave(self, vault: UUID, user: UUID) -> None:
        """Let a member leave."""
        self._ask(user, "DELETE", f"/{self._slug(vault)}/members/me", 204)

    def transfer(self, vault: UUID, user: UUID) -> bool:
        """Make a member the owner, on the owner's page; False if there is no room."""
        owner, page = self._owner(vault), f"/teams/{self._slug(vault)}/transfer"
        if self.role(vault, user) != "admin":
            self.set_role(vault, user, "admin")
        secret = asyncio.run(self._sign_in(owner))
        cookie = {"Cookie": f"{cookie_name(self.admin.settings)}={secret}"}
        form = fields_of(self.send("GET", page, headers=cookie).text)
        proof = {"form_proof": form["form_proof"], "to": str(user)}
        answer = self.send("POST", page, headers=cookie, data=proof)
        assert answer.status_code in {303, 402}, answer.text
        return answer.status_code == 303

    async def _sign_in(self, user: UUID) -> str:
        settings = self.admin.settings
        async with await Connection.connect(settings.address) as connection:
            return await begin_session(connection, settings, user, _VISITOR, before="")

    def freeze(self, vault: UUID) -> None:
        """Freeze the vault: the plan has too few members."""
        self.admin.set_tier(self._email(self._owner(vault)), Tier.FREE)

    def thaw(self, vault: UUID) -> None:
        """Thaw the vault."""
        self.admin.set_tier(self._email(self._owner(vault)), Tier.PRO)

    def protect(self, vault: UUID, label: str) -> None:
        """Protect a label."""
        self._by_owner(vault, "PUT", f"/labels/{label}", 204)

    def unprotect(self, vault: UUID, label: str) -> None:
        """Remove the protection of a label."""
        self._by_owner(vault, "DELETE", f"/labels/{label}", 204)

    def rename(self, vault: UUID, slug: str) -> None:
        """Give the team another short name."""
        self._by_owner(vault, "PATCH", "", 200, slug=slug)

    def set_on_leave(self, vault: UUID, on_leave: str) -> None:
        """Set what devices of former members do with their copies."""
        self._by_owner(vault, "PATCH", "", 200, on_leave=on_leave)

    def delete(self, vault: UUID) -> None:
        """Delete the team."""
        self._by_owner(vault, "DELETE", "", 204, confirm=self._slug(vault))

    def restore(self, vault: UUID) -> None:
        """Undo the deletion of the team, as the operator does."""
        self.admin.restore_team(self._slug(vault))

    def role(self, vault: UUID, user: UUID) -> str | None:
        """Return the role of a user, None if the user is no member."""
        found = self.rows(
            "SELECT role FROM vault_members WHERE vault_id = %s AND user_id = %s",
            *(vault, user),
        )
        return found[0][0] if found else None

    def _by_owner(
        self, vault: UUID, method: str, path: str, *expected: int, **body: Any
    ) -> httpx.Response:
        owner, slug = self._owner(vault), self._slug(vault)
        return self._ask(owner, method, f"/{slug}{path}", *expected, **body)

    def _ask(
        self, user: UUID, method: str, path: str, *expected: int, **body: Any
    ) -> httpx.Response:
        path = f"/v1/teams{path}"
        return self._request(user, method, path, expected, json=body or None)

    def _request(
        self, user: UUID, method: str, path: str, expected: tuple[int, ...], **more: Any
    ) -> httpx.Response:
        self.rows("DELETE FROM rate_limits")
        if user not in self._tokens:
            email = self._email(user)
            self._tokens[user] = self.admin.issue_token(email, "teams", manage=True)
        headers = {"Authorization": f"Bearer {self._tokens[user]}"}
        answer = self.send(method, path, headers=headers, **more)
        assert answer.status_code in expected, (method, path, answer.text)
        return answer

    def _owner(self, vault: UUID) -> UUID:
        ((owner,),) = self.rows(
            "SELECT user_id FROM vault_members WHERE vault_id = %s AND role = 'owner'",
            vault,
        )
        return UUID(str(owner))

    def _slug(self, vault: UUID) -> str:
        ((slug,),) = self.rows(
            "SELECT slug FROM teams t JOIN vaults v ON v.team_id = t.id"
            " WHERE v.id = %s",
            vault,
        )
        return str(slug)

    def _email(self, user: UUID) -> str:
        ((email,),) = self.rows("SELECT email FROM users WHERE id = %s", user)
        return str(email)

"""People who use teams over HTTP, for tests."""

from dataclasses import dataclass, field
from typing import Any, NamedTuple
from uuid import uuid4

import httpx
import psycopg

from promptvault.domain.tier import Tier
from promptvault.server.admin import Admin
from tests.server.conftest import Server
from tests.server.sync.conftest import new

Connection = psycopg.Connection[Any]


class Person(NamedTuple):
    """A user, who may manage teams from the client."""

    email: str
    id: str
    client: httpx.Client

    def get(self, path: str, **options: Any) -> httpx.Response:
        """Send GET."""
        return self.client.get(path, **options)

    def post(self, path: str, **body: Any) -> httpx.Response:
        """Send POST with a JSON body."""
        return self.client.post(path, json=body)

    def patch(self, path: str, **body: Any) -> httpx.Response:
        """Send PATCH with a JSON body."""
        return self.client.patch(path, json=body)

    def delete(self, path: str, **body: Any) -> httpx.Response:
        """Send DELETE, with a JSON body if there is one."""
        return self.client.request("DELETE", path, json=body or None)

    def make_team(self, name: str = "Acme", **more: Any) -> dict[str, Any]:
        """Make a team, and return it."""
        return _made(self.post("/v1/teams", name=name, **more))

    def invite(self, slug: str = "acme", **wish: Any) -> str:
        """Invite, by default with a link, and return the token."""
        wish = wish if "email" in wish else {"link": True, **wish}
        made = _made(self.post(f"/v1/teams/{slug}/invitations", **wish))
        token: str = made["url"].rpartition("/")[2]
        return token

    def accept(self, token: str) -> httpx.Response:
        """Accept an invitation."""
        return self.post("/v1/invitations/accept", token=token)

    def push(self, vault: str, *pushes: dict[str, Any]) -> dict[str, Any]:
        """Push, by default a new prompt, and return the answer for the vault."""
        request = {"id": vault, "push": list(pushes) or [new()]}
        body = {"proto": 1, "device": str(uuid4()), "vaults": [request]}
        answer = self.client.post("/v1/sync", json=body)
        assert answer.status_code in {200, 402}, answer.text
        found: dict[str, Any] = answer.json()["vaults"][0]
        return found


def _made(answer: httpx.Response) -> dict[str, Any]:
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


@dataclass
class People:
    """Makes users on a server."""

    server: Server
    admin: Admin
    connection: Connection
    _found: dict[str, Person] = field(default_factory=dict)

    def __call__(self, name: str, tier: Tier = Tier.FREE) -> Person:
        """Return the user with a name, created at the first call."""
        if name not in self._found:
            email = f"{name}@example.org"
            user = self.admin.add_user(email, tier).user
            self.connection.execute(
                "UPDATE users SET email_verified_at = now() WHERE id = %s", (user.id,)
            )
            token = self.admin.issue_token(email, "test", manage=True)
            client = self.server.client(token)
            self._found[name] = Person(email, str(user.id), client)
        return self._found[name]

    def team(
        self, *names: str, tier: Tier = Tier.ENTERPRISE, role: str = "editor"
    ) -> tuple[Person, ...]:
        """Return the owner of a new team "acme", and members with *names*."""
        owner = self("owner", tier)
        owner.make_team()
        token = owner.invite(role=role, uses=100) if names else ""
        members = [self(name) for name in names]
        for member in members:
            assert member.accept(token).status_code == 200
        return (owner, *members)

    def forget_limits(self) -> None:
        """Reset the rate limits."""
        self.connection.execute("DELETE FROM rate_limits")

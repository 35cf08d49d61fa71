"""A user with a vault on a server, who pushes prompts and shares them."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import httpx
import psycopg
import pytest

from promptvault.domain.tier import Tier
from promptvault.server.admin import Admin
from tests.server.browser import Browser
from tests.server.conftest import EMAIL, Server
from tests.server.sync.conftest import after, gone, new

SECRET_KEY = "ghp_" + "a1B2c3D4e5F6g7H8i9J0" + "k1L2m3N4o5P6q7R8"
"""Has the form of a GitHub token."""


@dataclass
class Owner:
    """A user who pushes and shares over HTTP, as a device does."""

    client: httpx.Client
    database_url: str
    email: str
    vault: str = field(init=False)
    heads: dict[str, dict[str, Any]] = field(default_factory=dict)
    """The latest push of each prompt."""

    def __post_init__(self) -> None:
        self.vault = self.client.get("/v1/me").json()["vaults"][0]["id"]

    def push(self, *pushes: dict[str, Any]) -> None:
        """Push, and remember the heads."""
        vault = {"id": self.vault, "push": [*pushes]}
        body = {"proto": 1, "device": str(uuid4()), "vaults": [vault]}
        answer = self.client.post("/v1/sync", json=body).json()["vaults"][0]
        assert [each["r"] for each in answer["results"]] == ["ok"] * len(pushes)
        for each in pushes:
            self.heads[each["item"]] = each

    def add(self, text: str, *, template: bool = False, **state: Any) -> str:
        """Push a new prompt, and return its id."""
        made = new(text)
        made["payload"] |= {"name": "coding/review", "title": "", **state}
        made["versions"][0] |= {"template": template}
        self.push(made)
        item: str = made["item"]
        return item

    def edit(self, item: str, text: str, **state: Any) -> str:
        """Push another version of a prompt, and return the version's id."""
        before = self.heads[item]
        made = after(before, text)
        made["payload"] = {**before["payload"], **made["payload"], **state}
        made["payload"]["name"] = before["payload"]["name"]
        self.push(made)
        version: str = made["versions"][0]["id"]
        return version

    def set(self, item: str, **state: Any) -> None:
        """Change a prompt without a new version."""
        before = self.heads[item]
        made = after(before)
        made["payload"] = {**before["payload"], **state}
        self.push(made | {"versions": []})

    def delete(self, item: str) -> None:
        """Delete a prompt."""
        self.push(gone(self.heads[item]))

    def version(self, item: str) -> str:
        """Return the id of the current version."""
        version: str = self.heads[item]["payload"]["version"]
        return version

    def ask(self, item: str, **fields: Any) -> httpx.Response:
        """Request a share; without a mode, of the current version."""
        if "mode" not in fields:
            fields |= {"mode": "version", "version": self.version(item)}
        return self.client.post(
            "/v1/shares", json={"vault": self.vault, "item": item, **fields}
        )

    def share(self, item: str, **fields: Any) -> dict[str, Any]:
        """Make a share, and return it."""
        answer = self.ask(item, **fields)
        assert answer.status_code == 201, answer.text
        made: dict[str, Any] = answer.json()
        return made

    def revoke(self, share: dict[str, Any]) -> None:
        """End a share."""
        path = f"/v1/shares/{share['id']}"
        assert self.client.delete(path).status_code == 204

    def state(self, share: dict[str, Any]) -> tuple[str, str | None]:
        """Return the state that the list shows, and why."""
        for ended in (False, True):
            found = self.client.get("/v1/shares", params={"ended": ended}).json()
            for each in found["items"]:
                if each["id"] == share["id"]:
                    return each["state"], each["why"]
        raise AssertionError(share)

    def change(self, statement: str, *values: Any) -> None:
        """Change the database."""
        with psycopg.connect(self.database_url) as connection:
            connection.execute(statement.encode(), values)


@pytest.fixture
def settle(
    server: Server, admin: Admin, database_url: str
) -> Iterator[Callable[..., Owner]]:
    """Return a function that creates a user, with a plan and a two days old account."""
    clients: list[httpx.Client] = []

    def make(email: str = EMAIL, tier: Tier = Tier.PRO) -> Owner:
        admin.add_user(email, tier)
        clients.append(server.client(admin.issue_token(email, "test")))
        owner = Owner(clients[-1], database_url, email)
        owner.change("UPDATE accounts SET created_at = now() - interval '2 days'")
        return owner

    yield make
    for client in clients:
        client.close()


@pytest.fixture
def owner(settle: Callable[..., Owner]) -> Owner:
    """Return a user."""
    return settle()


@pytest.fixture
def reader(browser: Browser) -> Browser:
    """Return the browser of a visitor who only has the link."""
    return browser

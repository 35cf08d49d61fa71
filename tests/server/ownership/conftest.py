"""Three users with a team, and what holds after every step."""

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import psycopg
import pytest

from promptvault.domain.tier import Tier
from promptvault.server.account.erasure import delete_user
from promptvault.server.admin import Admin
from promptvault.server.database import Connection
from promptvault.server.ownership import service as ownership
from promptvault.server.settings import Settings
from tests.server.sync.conftest import Vault, after, gone, new, open_vault, runner
from tests.server.team import found_team, member_counts

ADA, BOB, CYD = (f"{name}@example.org" for name in ("ada", "bob", "cyd"))

KEPT = """
SELECT coalesce(sum(200 + size), 0) FROM (
       SELECT vault_id, coalesce(octet_length(payload), 0) AS size FROM items
       UNION ALL SELECT vault_id, coalesce(octet_length(payload), 0) FROM sides
       UNION ALL SELECT vault_id, octet_length(payload) FROM versions
       UNION ALL SELECT vault_id, 0 FROM revisions) kept
  JOIN vaults v ON v.id = vault_id WHERE v.account_id = %s
"""
"""The bytes that an account stores, summed over its rows."""

__all__ = ["open_vault", "runner"]


class World:
    """Three users. Ada owns the team Acme, and Bob is an admin of it."""

    def __init__(self, runner: asyncio.Runner, url: str, settings: Settings) -> None:
        self.runner, self.url, self.settings = runner, url, settings
        self.team = found_team(url, ADA, bob="admin", cyd="editor")
        self.users: dict[str, UUID] = dict(self.rows("SELECT email, id FROM users"))

    def rows(self, query: str, *values: Any) -> list[Any]:
        """Run a query, and return its rows."""
        with psycopg.connect(self.url) as connection:
            cursor = connection.execute(query.encode(), values)
            return cursor.fetchall() if cursor.description else []

    def limit(self, email: str, members: int | None) -> None:
        """Set the limit of an account's members."""
        self.rows(
            "UPDATE accounts SET member_limit = %s"
            " WHERE id = (SELECT account_id FROM users WHERE email = %s)",
            *(members, email),
        )

    def run(self, act: Callable[[Connection], Any]) -> None:
        """Run an action in a transaction, which is committed if it succeeds."""

        async def within() -> None:
            async with await Connection.connect(self.url) as connection:
                await act(connection)

        self.runner.run(within())

    def transfer(self, by: str = ADA, to: str = BOB, slug: str = "acme") -> None:
        """Transfer the team."""
        heir = self.users[to]
        self.run(lambda c: ownership.transfer(c, self.users[by], slug, heir))

    def give_up(self, email: str) -> None:
        """Delete a user, as a provider does."""
        user = self.users[email]

        async def act(connection: Connection) -> None:
            await ownership.give_up_teams(connection, self.settings, user)
            await delete_user(connection, user, timedelta(days=30))

        self.run(act)

    def leave(self, email: str) -> None:
        """Delete a user, as the user would."""
        user = self.users[email]

        async def act(connection: Connection) -> None:
            await ownership.leave_teams(connection, user)
            await delete_user(connection, user, timedelta(days=30))

        self.run(act)

    def roles(self) -> dict[str, str]:
        """Return the role of each member."""
        return dict(
            self.rows(
                "SELECT email, m.role FROM vault_members m JOIN users ON id = user_id"
                " WHERE vault_id = %s",
                self.team.vault,
            )
        )

    def rosters(self) -> dict[str, int]:
        """Return the number of the roster of each user."""
        return dict(self.rows("SELECT email, roster_version FROM users"))

    def frozen(self) -> str | None:
        """Return why the team is frozen."""
        ((why,),) = self.rows(
            "SELECT frozen_why FROM vaults WHERE id = %s", self.team.vault
        )
        return str(why) if why else None

    def check(self) -> None:
        """Assert what holds after every step."""
        for team, owners, pays in self.rows(
            "SELECT t.id, (SELECT count(*) FROM vault_members m WHERE m.vault_id = v.id"
            "               AND m.role = 'owner'), t.account_id = v.account_id"
            "  FROM teams t JOIN vaults v ON v.team_id = t.id"
        ):
            assert (owners, pays) == (1, True), team
        with psycopg.connect(self.url) as connection:
            for stored, counted in member_counts(connection).values():
                assert stored == counted
        for account, prompts, size in self.rows(
            "SELECT id, prompt_count, stored_bytes FROM accounts"
        ):
            ((live,),) = self.rows(
                "SELECT count(*) FROM items i JOIN vaults v ON v.id = i.vault_id"
                " WHERE v.account_id = %s AND NOT i.deleted",
                account,
            )
            ((kept,),) = self.rows(KEPT, account)
            assert (prompts, size) == (live, kept)


@pytest.fixture
def world(
    runner: asyncio.Runner, admin: Admin, database_url: str, settings: Settings
) -> Iterator[World]:
    """Return the world; in the end its counts are right."""
    for email in (ADA, BOB, CYD):
        admin.add_user(email, Tier.PRO)
    world = World(runner, database_url, settings)
    yield world
    world.check()


@pytest.fixture
def vault(world: World, open_vault: Callable[..., Vault]) -> Vault:
    """Return Ada's access to the vault of the team, with prompts in it."""
    private = open_vault(ADA)
    private.say(new("private"), new("private"))
    vault = replace(private, id=world.team.vault)
    first, second = new("one"), new("two")
    vault.say(first, after(first), second, new("three"), gone(second))
    return vault

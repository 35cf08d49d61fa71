"""Transactions that lock rows of several tables do so in one order, without deadlocks.

In each test another transaction takes its locks in the order of `server.lock_order`. It
holds the first ones when it is met, and takes the others while it is waited for.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Event
from typing import Any

import psycopg
import pytest

from promptvault.domain.tier import Tier
from promptvault.server.account.deletion import keep_account
from promptvault.server.admin import Admin
from promptvault.server.database import Connection
from promptvault.server.link import service as link
from promptvault.server.link.service import Purpose
from promptvault.server.lock_order import lock_account
from tests.server.ownership.conftest import ADA, BOB, CYD, World
from tests.server.team import found_team

_WAITING = """
SELECT 1 FROM pg_stat_activity
 WHERE datname = current_database() AND wait_event_type = 'Lock'
"""
_TEAM = "SELECT 1 FROM vaults WHERE team_id IS NOT NULL ORDER BY id FOR NO KEY UPDATE"
_PERSONAL = "SELECT 1 FROM vaults WHERE team_id IS NULL ORDER BY id FOR NO KEY UPDATE"
_ACCOUNTS = "SELECT 1 FROM accounts ORDER BY id FOR NO KEY UPDATE"
_USERS = "SELECT 1 FROM users ORDER BY id FOR NO KEY UPDATE"
_IDENTITIES = "SELECT 1 FROM identities FOR UPDATE"

Meet = Callable[..., None]


@pytest.fixture
def meet(world: World) -> Meet:
    """Return what lets an action meet a transaction with locks."""

    def run(act: Callable[[], Any], held: list[str], *others: str) -> None:
        with (
            ThreadPoolExecutor() as threads,
            psycopg.connect(world.url) as connection,
        ):
            for lock in held:
                connection.execute(lock.encode())
            acting = threads.submit(act)
            while not world.rows(_WAITING) and not acting.done():
                pass
            for lock in others:
                connection.execute(lock.encode())
            connection.commit()
            acting.result()

    return run


def _in_thread(world: World, act: Callable[[World], Any]) -> Any:
    """Do something in a thread, which needs an event loop of its own."""
    with asyncio.Runner() as runner:
        own = World.__new__(World)
        own.__dict__ |= world.__dict__ | {"runner": runner}
        return act(own)


def _orphan(world: World) -> None:
    """Let the provider delete Ada, who stays the owner until she is erased."""
    world.limit(BOB, 1)
    world.give_up(ADA)


def test_an_erasure_that_is_due_meets_a_change_of_the_team(
    world: World, admin: Admin, meet: Meet
) -> None:
    _orphan(world)
    later = datetime.now(UTC) + timedelta(days=31)
    meet(lambda: admin.purge(later), [_TEAM, _ACCOUNTS], _USERS)
    assert ADA not in dict(world.rows("SELECT email, id FROM users"))


def test_an_operators_erasure_meets_a_push_to_the_personal_vault(
    world: World, admin: Admin, meet: Meet
) -> None:
    world.leave(BOB)
    world.leave(CYD)
    meet(lambda: admin.erase(ADA), [_PERSONAL], _ACCOUNTS)
    assert world.rows("SELECT 1 FROM teams") == []


def test_an_operators_erasure_meets_an_event_of_the_provider(
    world: World, admin: Admin, meet: Meet
) -> None:
    world.rows(
        "INSERT INTO identities (issuer, subject, user_id) VALUES ('i', 's', %s)",
        world.users[CYD],
    )
    meet(lambda: admin.erase(CYD), [_IDENTITIES], _PERSONAL, _TEAM, _ACCOUNTS, _USERS)
    assert world.rows("SELECT 1 FROM identities") == []


def test_a_deletion_meets_a_change_of_the_account(world: World, meet: Meet) -> None:
    def leave() -> None:
        _in_thread(world, lambda own: own.leave(CYD))

    meet(leave, [_ACCOUNTS], _USERS)
    assert CYD not in world.roles()


def test_an_account_that_comes_back_meets_a_change_of_its_team(
    world: World, meet: Meet
) -> None:
    _orphan(world)
    urls: list[str] = []

    async def issue(connection: Connection) -> None:
        urls.append(
            await link.issue(
                connection,
                world.settings,
                world.users[ADA],
                Purpose.KEEP,
                life=timedelta(days=1),
            )
        )

    world.run(issue)
    token = urls[0].partition("=")[2]

    def keep() -> None:
        act = lambda c: keep_account(c, world.settings, token)  # noqa: E731
        _in_thread(world, lambda own: own.run(act))

    meet(keep, [_TEAM, _ACCOUNTS], _USERS)
    assert world.rows("SELECT 1 FROM users WHERE deleted_at IS NOT NULL") == []


def test_who_leaves_two_teams_locks_their_members_at_once(
    world: World, admin: Admin, meet: Meet, database_url: str
) -> None:
    """Team after team, the members would be locked in the order of the teams."""
    for name in ("dov", "eve"):
        admin.add_user(f"{name}@example.org", Tier.PRO)
    first, last = world.rows(
        "SELECT id, email FROM users WHERE email ~ 'dov|eve' ORDER BY id"
    )
    beta = found_team(database_url, ADA, "beta", bob="editor")
    for vault, (user, _) in zip(
        sorted([world.team.vault, beta.vault]), (last, first), strict=True
    ):
        world.rows(
            "INSERT INTO vault_members (vault_id, user_id, role)"
            " VALUES (%s, %s, 'editor')",
            *(vault, user),
        )

    def leave() -> None:
        _in_thread(world, lambda own: own.leave(BOB))

    row = "SELECT 1 FROM users WHERE id = '{}' FOR NO KEY UPDATE"
    meet(leave, [row.format(first[0])], row.format(last[0]))
    assert BOB not in world.roles()


def test_a_vault_that_comes_during_the_wait_is_locked_too(world: World) -> None:
    """A push to it would hold it, and wait for the account."""
    is_locked, is_checked = Event(), Event()

    async def hold(connection: Connection) -> None:
        await lock_account(connection, world.team.account)
        is_locked.set()
        is_checked.wait()

    new = (
        "INSERT INTO vaults (account_id, name) SELECT account_id, 'new' FROM teams"
        " RETURNING id"
    )
    with ThreadPoolExecutor() as threads, psycopg.connect(world.url) as other:
        other.execute(_PERSONAL.encode())
        holding = threads.submit(_in_thread, world, lambda own: own.run(hold))
        while not world.rows(_WAITING):
            pass
        ((vault,),) = other.execute(new.encode()).fetchall()
        other.commit()
        is_locked.wait()
        try:
            with pytest.raises(psycopg.errors.LockNotAvailable):
                world.rows(
                    "SELECT 1 FROM vaults WHERE id = %s FOR UPDATE NOWAIT", vault
                )
        finally:
            is_checked.set()
        holding.result()

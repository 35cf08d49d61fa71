"""A team gets another owner: by a transfer, or because the owner is deleted."""

import asyncio
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from promptvault.domain.tier import Tier
from promptvault.errors import (
    ConflictError,
    InvalidInputError,
    NotFoundError,
    PermissionDeniedError,
    PromptVaultError,
    TierLimitError,
)
from promptvault.server.admin import Admin
from promptvault.server.database import Connection
from promptvault.server.job.handlers import HANDLERS
from promptvault.server.job.queue import Kind
from promptvault.server.ownership import letter
from tests.server.ownership.conftest import ADA, BOB, CYD, World
from tests.server.sync.conftest import Vault, new
from tests.server.team import found_team


class TestTransfer:
    def test_moves_the_team_and_what_it_uses(self, world: World, vault: Vault) -> None:
        before = world.rosters()
        world.transfer()
        assert world.roles() == {ADA: "admin", BOB: "owner", CYD: "editor"}
        counts = dict(
            world.rows(
                "SELECT email, prompt_count FROM users"
                " JOIN accounts ON accounts.id = account_id"
            )
        )
        assert counts == {ADA: 2, BOB: 2, CYD: 0}
        assert world.rosters() == {email: before[email] + 1 for email in before}
        assert vault.say(new())[0]["r"] == "ok"
        assert world.rows("SELECT actor_email, action, subject FROM activities") == [
            (ADA, "team.transferred", BOB)
        ]

    def test_and_back(self, world: World, vault: Vault) -> None:
        world.transfer()
        world.check()
        with pytest.raises(PermissionDeniedError):
            world.transfer()
        world.transfer(by=BOB, to=ADA)
        assert world.roles()[ADA] == "owner"

    @pytest.mark.parametrize(
        ("by", "to", "slug", "error"),
        [
            (ADA, CYD, "acme", InvalidInputError),
            (ADA, ADA, "acme", InvalidInputError),
            (BOB, BOB, "acme", PermissionDeniedError),
            (CYD, CYD, "acme", PermissionDeniedError),
            (ADA, BOB, "nowhere", NotFoundError),
            (ADA, BOB, "a\0", NotFoundError),
        ],
    )
    def test_is_refused(
        self, world: World, by: str, to: str, slug: str, error: type[PromptVaultError]
    ) -> None:
        with pytest.raises(error):
            world.transfer(by, to, slug)
        assert world.roles()[ADA] == "owner"
        assert {*world.rosters().values()} == {0}

    def test_to_a_stranger_or_from_one_says_nothing(
        self, world: World, admin: Admin
    ) -> None:
        admin.add_user("eve@example.org", Tier.PRO)
        world.users |= dict(world.rows("SELECT email, id FROM users"))
        with pytest.raises(InvalidInputError, match="an admin of the team"):
            world.transfer(to="eve@example.org")
        with pytest.raises(NotFoundError):
            world.transfer(by="eve@example.org")

    def test_to_a_plan_that_is_too_small_changes_nothing(
        self, world: World, vault: Vault
    ) -> None:
        world.limit(BOB, 2)
        with pytest.raises(TierLimitError, match="no room for the members"):
            world.transfer()
        assert world.roles()[ADA] == "owner"
        world.limit(BOB, 3)
        world.transfer()

    def test_thaws_what_fits_now(self, world: World, database_url: str) -> None:
        other = found_team(database_url, ADA, "beta", cyd="editor")
        world.limit(ADA, 2)
        world.rows("UPDATE vaults SET frozen_why = 'plan' WHERE team_id IS NOT NULL")
        before = world.rosters()
        world.transfer()
        assert world.rows("SELECT 1 FROM vaults WHERE frozen_why IS NOT NULL") == []
        assert world.rosters()[CYD] == before[CYD] + 1
        assert other.account != world.rows(
            "SELECT account_id FROM vaults WHERE id = %s", world.team.vault
        )

    def test_a_push_that_waits_is_counted_by_the_new_account(
        self, world: World, vault: Vault, open_vault: Callable[..., Vault]
    ) -> None:
        """A transfer that waits for a push counts its prompts as well."""
        writer = replace(open_vault(CYD), id=world.team.vault)
        stop, accepted = threading.Event(), 0

        def hand_to_and_fro() -> None:
            with asyncio.Runner() as runner:
                own = World.__new__(World)
                own.__dict__ |= world.__dict__ | {"runner": runner}
                for by, to in [(ADA, BOB), (BOB, ADA)] * 6:
                    own.transfer(by, to)
            stop.set()

        other = threading.Thread(target=hand_to_and_fro)
        other.start()
        while not stop.is_set():
            accepted += len(writer.say(new(), new()))
        other.join()
        assert accepted > 0
        ((live,),) = writer.rows(
            "SELECT count(*) FROM items WHERE vault_id = %s AND NOT deleted"
        )
        assert live == 2 + accepted


class TestDeletion:
    def test_is_refused_while_others_are_in_a_team_of_ones_own(
        self, world: World, admin: Admin
    ) -> None:
        with pytest.raises(ConflictError, match="acme"):
            world.leave(ADA)
        with pytest.raises(ConflictError, match="acme"):
            admin.erase(ADA)
        assert world.roles()[ADA] == "owner"

    def test_leaves_the_teams_of_others(self, world: World, vault: Vault) -> None:
        item = vault.rows("SELECT item_id FROM items WHERE vault_id = %s LIMIT 1")[0][0]
        world.rows(
            "INSERT INTO shares (vault_id, item_id, mode, token, allow_secrets,"
            " show_author, created_by)"
            " VALUES (%s, %s, 'current', 'x', false, false, %s)",
            *(world.team.vault, item, world.users[BOB]),
        )
        world.leave(BOB)
        assert world.roles() == {ADA: "owner", CYD: "editor"}
        assert world.rosters()[CYD] == 1
        assert world.rows("SELECT actor_email, action FROM activities") == [
            (BOB, "member.left")
        ]
        assert world.rows("SELECT 1 FROM shares WHERE revoked_at IS NULL") == []

    def test_a_seat_that_is_free_thaws_the_team(self, world: World) -> None:
        world.limit(ADA, 2)
        world.rows("UPDATE vaults SET frozen_why = 'plan' WHERE team_id IS NOT NULL")
        world.leave(CYD)
        assert world.frozen() is None

    def test_a_team_of_oneself_is_erased_with_the_account(
        self, world: World, admin: Admin, vault: Vault
    ) -> None:
        world.leave(BOB)
        world.leave(CYD)
        world.rows(
            "INSERT INTO invitations (vault_id, role, hash, max_uses, invited_by,"
            " expires_at) VALUES (%s, 'editor', 'x', 1, %s, now() + interval '1 day')",
            *(world.team.vault, world.users[ADA]),
        )
        world.leave(ADA)
        assert world.rows("SELECT 1 FROM invitations WHERE revoked_at IS NULL") == []
        admin.purge(datetime.now(UTC) + timedelta(days=31))
        for table in ("users", "accounts", "teams", "vaults", "items"):
            assert world.rows(f"SELECT 1 FROM {table}") == []


class TestAnOwnerWhomTheProviderDeletes:
    def test_is_followed_by_the_admin_who_joined_first(self, world: World) -> None:
        world.rows("UPDATE vault_members SET role = 'admin' WHERE role = 'editor'")
        world.rows(
            "UPDATE vault_members SET created_at = '2020-01-01' WHERE user_id = %s",
            world.users[CYD],
        )
        world.give_up(ADA)
        assert world.roles() == {BOB: "admin", CYD: "owner"}

    def test_is_followed_by_an_admin_whose_plan_fits(self, world: World) -> None:
        world.rows("UPDATE vault_members SET role = 'admin' WHERE role = 'editor'")
        world.limit(BOB, 1)
        world.give_up(ADA)
        assert world.roles() == {BOB: "admin", CYD: "owner"}

    def _orphan(self, world: World) -> None:
        world.limit(BOB, 1)
        world.settings = world.settings.model_copy(update={"smtp_host": "mail"})
        world.give_up(ADA)

    def test_without_an_heir_the_team_is_frozen_and_its_admins_get_a_mail(
        self, world: World
    ) -> None:
        self._orphan(world)
        assert world.frozen() == "owner_gone"
        assert world.roles() == {ADA: "owner", BOB: "admin", CYD: "editor"}
        assert {world.rosters()[BOB], world.rosters()[CYD]} == {1}
        ((kind, ids),) = world.rows("SELECT kind, payload FROM jobs")
        assert kind == Kind.MAIL_ORPHANED
        assert kind in HANDLERS
        letters: list[Any] = []

        async def write(connection: Connection) -> None:
            letters.append(await letter.write_mail(connection, world.settings, ids))

        world.run(write)
        assert letters[0].to == BOB
        assert "Acme" in letters[0].text
        world.rows("UPDATE vaults SET frozen_why = NULL")
        world.run(write)
        assert letters[1] is None
        world.rows(
            "UPDATE vaults SET frozen_why = 'owner_gone' WHERE team_id IS NOT NULL"
        )

    def test_an_heir_whose_plan_fits_in_time_gets_the_team(
        self, world: World, admin: Admin, vault: Vault
    ) -> None:
        self._orphan(world)
        world.limit(BOB, 5)
        admin.purge(datetime.now(UTC) + timedelta(days=31))
        assert world.roles() == {BOB: "owner", CYD: "editor"}
        assert world.frozen() is None
        assert world.rows("SELECT count(*) FROM items WHERE NOT deleted") == [(2,)]

    def test_otherwise_the_team_is_erased_in_the_end(
        self, world: World, admin: Admin, vault: Vault
    ) -> None:
        self._orphan(world)
        before = world.rosters()
        admin.purge(datetime.now(UTC) + timedelta(days=31))
        assert world.rows("SELECT 1 FROM teams") == []
        assert world.rows("SELECT 1 FROM items") == []
        assert world.rosters()[CYD] == before[CYD] + 1

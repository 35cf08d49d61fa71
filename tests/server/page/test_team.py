"""The pages on which an owner transfers a team, or deletes it."""

from collections.abc import Callable
from typing import Any

import psycopg
import pytest

from promptvault.domain.tier import Tier
from promptvault.server.admin import Admin
from tests.server.browser import PASSWORD, Browser
from tests.server.conftest import EMAIL
from tests.server.team import TeamIds, found_team

BOB = "bob@example.org"

Rows = Callable[[str], list[Any]]


@pytest.fixture
def rows(database_url: str) -> Rows:
    """Return what reads and changes the database."""

    def run(query: str) -> list[Any]:
        with psycopg.connect(database_url) as connection:
            cursor = connection.execute(query.encode())
            return cursor.fetchall() if cursor.description else []

    return run


@pytest.fixture
def team(signed_up: Browser, admin: Admin, database_url: str, rows: Rows) -> TeamIds:
    """Return a team of the signed-up user, with Bob as an admin."""
    admin.add_user(BOB, Tier.PRO, PASSWORD)
    rows("UPDATE accounts SET member_limit = 5")
    return found_team(database_url, EMAIL, bob="admin")


def test_the_account_leads_to_a_transfer(
    signed_up: Browser, team: TeamIds, rows: Rows
) -> None:
    page = signed_up.open("/account").text
    assert 'href="/teams/acme/transfer"' in page
    assert BOB in signed_up.open("/teams/acme/transfer").text
    ((bob,),) = rows(f"SELECT id FROM users WHERE email = '{BOB}'")
    page = signed_up.send(to=str(bob)).text
    assert "The team has a new owner." in page
    assert "/teams/acme/transfer" not in page
    assert signed_up.open("/teams/acme/transfer").status_code == 403
    assert rows("SELECT account_id FROM teams") == rows(
        f"SELECT account_id FROM users WHERE email = '{BOB}'"
    )


def test_a_transfer_that_does_not_fit_is_explained_on_the_page(
    signed_up: Browser, team: TeamIds, rows: Rows
) -> None:
    rows("UPDATE accounts SET member_limit = 1")
    signed_up.open("/teams/acme/transfer")
    ((bob,),) = rows(f"SELECT id FROM users WHERE email = '{BOB}'")
    answer = signed_up.send(to=str(bob))
    assert answer.status_code == 402
    assert "no room for the members" in answer.text
    assert rows("SELECT email FROM users JOIN teams USING (account_id)") == [(EMAIL,)]


@pytest.mark.parametrize("page", ["transfer", "delete"])
def test_each_asks_for_the_password_after_ten_minutes(
    signed_up: Browser, team: TeamIds, rows: Rows, page: str
) -> None:
    path = f"/teams/acme/{page}"
    signed_up.open(path)
    opened = signed_up.page
    rows("UPDATE sessions SET confirmed_at = now() - interval '11 minutes'")
    assert signed_up.send(to=str(team.team), confirm="acme").url.path == "/confirm"
    assert rows("SELECT 1 FROM teams WHERE deleted_at IS NOT NULL") == []
    signed_up.page = opened
    signed_up.open(path)
    assert signed_up.send(password=PASSWORD).url.path == path


@pytest.mark.parametrize("page", ["transfer", "delete"])
def test_others_may_not(
    signed_up: Browser, team: TeamIds, rows: Rows, page: str
) -> None:
    rows("UPDATE vault_members SET role = 'editor' WHERE role = 'owner'")
    answer = signed_up.open(f"/teams/acme/{page}")
    assert answer.status_code == 403
    assert "<h1>Not allowed</h1>" in answer.text
    for name in ("nowhere", "%00", "A"):
        answer = signed_up.open(f"/teams/{name}/{page}")
        assert (answer.status_code, "<h1>" in answer.text) == (404, True)


def test_a_team_without_admins_cannot_be_handed_over(
    signed_up: Browser, team: TeamIds, rows: Rows
) -> None:
    rows("UPDATE vault_members SET role = 'editor' WHERE role = 'admin'")
    page = signed_up.open("/teams/acme/transfer").text
    assert "promptvault team role" in page
    assert "<form" not in page


def test_a_deletion_needs_the_name(
    signed_up: Browser, team: TeamIds, rows: Rows
) -> None:
    signed_up.open("/teams/acme/delete")
    answer = signed_up.send(confirm="emca")
    assert answer.status_code == 422
    assert "This is not the short name" in answer.text
    assert rows("SELECT frozen_why FROM vaults WHERE team_id IS NOT NULL") == [(None,)]
    assert "The team is deleted." in signed_up.send(confirm=" acme ").text
    assert rows("SELECT frozen_why FROM vaults WHERE team_id IS NOT NULL") == [
        ("deleted",)
    ]
    assert signed_up.open("/teams/acme/delete").status_code == 404


def test_an_account_with_a_shared_team_is_not_deleted(
    signed_up: Browser, team: TeamIds, rows: Rows
) -> None:
    signed_up.open("/account/delete")
    answer = signed_up.send(password=PASSWORD)
    assert answer.status_code == 409
    assert "these teams first: acme" in answer.text
    assert rows("SELECT 1 FROM users WHERE deleted_at IS NOT NULL") == []

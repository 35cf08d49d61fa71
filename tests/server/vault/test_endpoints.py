"""The vaults of a user, as devices read them."""

from typing import Any

import httpx
import psycopg
import pytest

from promptvault.domain.tier import Tier
from promptvault.server.admin import Admin
from tests.server.conftest import EMAIL, Server
from tests.server.team import TeamIds, found_team

BOB = "bob@example.org"


@pytest.fixture
def team(client: httpx.Client, admin: Admin, database_url: str) -> TeamIds:
    """Return a team of Bob's in which Ada is an editor."""
    admin.add_user(BOB, Tier.PRO)
    return found_team(database_url, BOB, ada="editor")


def _vaults(client: httpx.Client) -> dict[str, Any]:
    answer = client.get("/v1/vaults")
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def test_the_vault_of_a_new_user_is_the_personal_one(client: httpx.Client) -> None:
    vaults = _vaults(client)
    assert vaults["roster"] == 0
    (vault,) = vaults["items"]
    assert vault.pop("id") == client.get("/v1/me").json()["vaults"][0]["id"]
    assert vault == {
        "kind": "personal",
        "name": "Personal",
        "slug": None,
        "role": "owner",
        "team": None,
        "frozen": None,
        "on_leave": None,
        "protected": [],
        "members": 1,
    }


def test_a_team_has_all_that_a_device_must_know(
    client: httpx.Client, team: TeamIds, database_url: str
) -> None:
    with psycopg.connect(database_url) as connection:
        connection.execute("UPDATE teams SET on_leave = 'wipe'")
        connection.execute("UPDATE users SET roster_version = 3")
        connection.execute(
            "UPDATE vaults SET frozen_why = 'plan' WHERE team_id = %s", (team.team,)
        )
    vaults = _vaults(client)
    assert vaults["roster"] == 3
    assert vaults["items"][1] == {
        "id": str(team.vault),
        "kind": "team",
        "name": "Acme",
        "slug": "acme",
        "role": "editor",
        "team": str(team.team),
        "frozen": "plan",
        "on_leave": "wipe",
        "protected": ["production"],
        "members": 2,
    }


def test_a_deleted_team_and_one_of_others_are_not_there(
    client: httpx.Client, team: TeamIds, database_url: str
) -> None:
    found_team(database_url, BOB, "others")
    with psycopg.connect(database_url) as connection:
        connection.execute(
            "UPDATE vaults SET frozen_why = 'deleted' WHERE id = %s", (team.vault,)
        )
    assert [each["kind"] for each in _vaults(client)["items"]] == ["personal"]
    assert [v["name"] for v in client.get("/v1/me").json()["vaults"]] == ["Personal"]


def test_the_personal_vault_is_the_first_whatever_its_age(
    server: Server, admin: Admin, team: TeamIds, database_url: str
) -> None:
    """Programs from before teams sync the first vault, which must not be a team's.

    They would push private prompts to it. The team was transferred to the account, and
    is older than it.
    """
    with psycopg.connect(database_url) as connection:
        connection.execute(
            "UPDATE vaults SET created_at = '2020-01-01' WHERE id = %s", (team.vault,)
        )
    for email in (BOB, EMAIL):
        with server.client(admin.issue_token(email, "test")) as client:
            me = client.get("/v1/me").json()
            names = [vault["name"] for vault in me["vaults"]]
            assert names == ["Personal", "Acme"]
            assert [v["name"] for v in _vaults(client)["items"]] == names
            assert "teams" in me["features"]
            assert me["usage"]["members"] == (2 if email == BOB else 1)

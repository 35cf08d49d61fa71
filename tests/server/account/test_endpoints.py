"""The user of a token, in the API."""

import httpx
import psycopg

from promptvault.domain.tier import Tier
from promptvault.server.admin import Admin
from tests.server.conftest import EMAIL


def test_a_token_identifies_its_user(client: httpx.Client) -> None:
    answer = client.get("/v1/me")
    assert answer.status_code == 200, answer.text
    me = answer.json()
    assert me["email"] == EMAIL
    assert me["tier"] == "free"
    assert me["limits"] == {"prompts": 50, "optimizations": 0, "members": 1} | {
        "storage": 10_000_000,
        "hosted_usd": None,  # the server has no model
    }
    assert me["usage"] == {"prompts": 0, "members": 1, "storage": 0} | {
        "hosted_usd": None
    }
    assert me["device"] is None


def test_the_vaults_of_a_user_start_with_those_of_the_account(
    client: httpx.Client, admin: Admin, database_url: str
) -> None:
    admin.add_user("bob@example.org", Tier.PRO)
    (own,) = client.get("/v1/me").json()["vaults"]
    assert (own["name"], own["role"]) == ("Personal", "owner")
    with psycopg.connect(database_url) as connection:
        connection.execute(
            "INSERT INTO vault_members SELECT v.id, u.id, 'viewer'"
            " FROM vaults v, users u WHERE v.id <> %s AND u.email = %s",
            (own["id"], EMAIL),
        )
        # Older than the user's own vault, and still listed after it.
        connection.execute(
            "UPDATE vaults SET created_at = '2020-01-01', name = 'Theirs'"
            " WHERE id <> %s",
            (own["id"],),
        )
    vaults = client.get("/v1/me").json()["vaults"]
    assert [each["name"] for each in vaults] == ["Personal", "Theirs"]
    assert [each["role"] for each in vaults] == ["owner", "viewer"]


def test_without_a_token_a_request_is_refused(visitor: httpx.Client) -> None:
    answer = visitor.get("/v1/me")
    assert answer.status_code == 401
    assert answer.json()["error"]["code"] == "unauthenticated"
    assert answer.headers["www-authenticate"] == "Bearer"

"""Tokens: their form, what is stored of them, how long they live."""

import httpx
import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from promptvault.server.token.secret import (
    PREFIX,
    hash_secret,
    is_well_formed,
    make_token,
)
from tests.server.conftest import SECRET


def test_a_token_has_the_form_of_the_contract() -> None:
    token = make_token()
    assert token.startswith("pv_pat_")
    assert len(token) == len("pv_pat_") + 37 + 6
    assert token.removeprefix(PREFIX).isalnum()
    assert is_well_formed(token)
    assert token != make_token()


@given(st.integers(0, 42), st.characters(codec="ascii"))
def test_a_slip_is_seen_without_the_database(at: int, slip: str) -> None:
    token = make_token()
    at += len(PREFIX)
    changed = token[:at] + slip + token[at + 1 :]
    assert is_well_formed(changed) == (changed == token)


@pytest.mark.parametrize("text", ["", PREFIX, "pv_pat_é" + "0" * 42, "x" * 50])
def test_other_text_is_no_token(text: str) -> None:
    assert not is_well_formed(text)


def test_the_database_holds_only_a_hash(token: str, database_url: str) -> None:
    with psycopg.connect(database_url) as connection:
        rows = connection.execute("SELECT hash, tokens::text FROM tokens").fetchall()
    assert [hash_ for hash_, _ in rows] == [hash_secret(SECRET, token)]
    assert all(token not in text for _, text in rows)


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE tokens SET revoked_at = now()",
        "UPDATE tokens SET expires_at = now()",
        "UPDATE accounts SET deleted_at = now()",
        "DELETE FROM users",
    ],
)
def test_a_token_ends(client: httpx.Client, database_url: str, change: str) -> None:
    assert client.get("/v1/me").status_code == 200
    with psycopg.connect(database_url) as connection:
        connection.execute(change)
    answer = client.get("/v1/me")
    assert answer.status_code == 401
    assert answer.json()["error"]["code"] == "unauthenticated"


def test_a_token_that_is_used_lives_on(client: httpx.Client, database_url: str) -> None:
    assert _use(client, database_url, last_used="2 minutes", expires="1 hour") == (
        True,
        True,
    )


def test_a_use_is_written_down_once_a_minute(
    client: httpx.Client, database_url: str
) -> None:
    assert _use(client, database_url, last_used="30 seconds", expires="1 hour") == (
        False,
        False,
    )


def _use(
    client: httpx.Client, database_url: str, *, last_used: str, expires: str
) -> tuple[bool, bool]:
    """Return whether a use changed the time of the last use, and of the expiry."""
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(
            "UPDATE tokens SET last_used_at = now() - %s::interval,"
            " expires_at = now() + %s::interval",
            (last_used, expires),
        )
        assert client.get("/v1/me").status_code == 200
        row = connection.execute(
            "SELECT last_used_at > now() - interval '10 seconds',"
            " expires_at > now() + interval '89 days' FROM tokens"
        ).fetchone()
        assert row is not None
        return row


def test_no_request_waits_to_store_the_use_of_a_token(
    client: httpx.Client, database_url: str
) -> None:
    with psycopg.connect(database_url) as connection:
        connection.execute("SELECT * FROM tokens FOR UPDATE")
        assert client.get("/v1/me").status_code == 200


def test_a_device_is_seen_when_its_token_is_used(
    client: httpx.Client, database_url: str
) -> None:
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(
            "WITH made AS (INSERT INTO devices (user_id, label, os)"
            " SELECT id, 'laptop', 'Linux' FROM users RETURNING id)"
            " UPDATE tokens SET device_id = made.id FROM made"
        )
        assert client.get("/v1/me").json()["device"]["label"] == "laptop"
        seen = connection.execute("SELECT last_seen_at IS NOT NULL FROM devices")
        assert seen.fetchall() == [(True,)]

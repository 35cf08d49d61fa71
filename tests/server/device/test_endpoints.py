"""Devices and tokens, listed and revoked by their user."""

from collections.abc import Iterator
from uuid import uuid4

import httpx
import psycopg
import pytest

from promptvault.domain.tier import Tier
from promptvault.server.admin import Admin
from tests.server.conftest import EMAIL, Server

BOB = "bob@example.org"


@pytest.fixture
def laptop(client: httpx.Client, database_url: str) -> httpx.Client:
    """Return the client, signed in on a device."""
    with psycopg.connect(database_url) as connection:
        connection.execute(
            "WITH made AS (INSERT INTO devices (user_id, label, os)"
            " SELECT id, 'laptop', 'Linux' FROM users RETURNING id)"
            " UPDATE tokens SET device_id = made.id FROM made"
        )
    return client


@pytest.fixture
def machine(
    server: Server, laptop: httpx.Client, admin: Admin
) -> Iterator[httpx.Client]:
    """Return a client of the same user, with a token for a machine."""
    with server.client(admin.issue_token(EMAIL, "build")) as client:
        yield client


@pytest.fixture
def stranger(server: Server, token: str, admin: Admin) -> Iterator[httpx.Client]:
    """Return the client of another user."""
    admin.add_user(BOB, Tier.FREE)
    with server.client(admin.issue_token(BOB, "bob's")) as client:
        yield client


def status(client: httpx.Client) -> int:
    """Return the status of a request."""
    return client.get("/v1/me").status_code


def test_devices_and_machines_are_listed(
    laptop: httpx.Client, machine: httpx.Client
) -> None:
    assert status(machine) == 200
    rows = {row["label"]: row for row in laptop.get("/v1/devices").json()}
    assert rows.keys() == {"laptop", "build"}
    assert (rows["laptop"]["os"], rows["build"]["os"]) == ("Linux", "")
    assert [rows[name]["is_machine"] for name in ("laptop", "build")] == [False, True]
    assert [rows[name]["is_current"] for name in ("laptop", "build")] == [True, False]
    assert all(row["last_seen_at"] and row["expires_at"] for row in rows.values())


@pytest.mark.parametrize("column", ["revoked_at", "expires_at"])
def test_what_has_ended_is_not_listed(
    laptop: httpx.Client, machine: httpx.Client, database_url: str, column: str
) -> None:
    with psycopg.connect(database_url) as connection:
        connection.execute(
            f"UPDATE tokens SET {column} = now() WHERE device_id IS NULL"
        )
    (row,) = laptop.get("/v1/devices").json()
    assert row["label"] == "laptop"


@pytest.mark.parametrize("label", ["laptop", "build"])
def test_one_is_signed_out_and_the_other_stays(
    laptop: httpx.Client, machine: httpx.Client, label: str
) -> None:
    rows = {row["label"]: row["id"] for row in laptop.get("/v1/devices").json()}
    clients = {"laptop": laptop, "build": machine}
    revoking = clients.pop(label)
    (other,) = clients.values()
    assert other.delete(f"/v1/devices/{rows[label]}").status_code == 204
    assert (status(revoking), status(other)) == (401, 200)
    assert other.delete(f"/v1/devices/{rows[label]}").status_code == 404


def test_what_is_not_there_is_not_found(client: httpx.Client) -> None:
    answer = client.delete(f"/v1/devices/{uuid4()}")
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "not_found")
    assert client.delete("/v1/devices/nonsense").status_code == 422


def test_devices_of_another_user_are_hidden_and_stay(
    laptop: httpx.Client, machine: httpx.Client, stranger: httpx.Client
) -> None:
    rows = laptop.get("/v1/devices").json()
    assert [row["label"] for row in stranger.get("/v1/devices").json()] == ["bob's"]
    for row in rows:
        assert stranger.delete(f"/v1/devices/{row['id']}").status_code == 404
    assert stranger.delete("/v1/tokens").status_code == 204
    assert (status(laptop), status(machine), status(stranger)) == (200, 200, 401)


def test_signing_out_ends_the_own_token(
    laptop: httpx.Client, machine: httpx.Client
) -> None:
    assert machine.delete("/v1/token").status_code == 204
    assert (status(laptop), status(machine)) == (200, 401)
    assert laptop.delete("/v1/token").status_code == 204
    assert status(laptop) == 401


def test_a_token_that_only_reads_signs_itself_out_and_nothing_else(
    laptop: httpx.Client, machine: httpx.Client, database_url: str
) -> None:
    with psycopg.connect(database_url) as connection:
        connection.execute("UPDATE tokens SET scopes = '{sync:read}'")
    (row,) = [row for row in laptop.get("/v1/devices").json() if row["is_machine"]]
    assert laptop.delete(f"/v1/devices/{row['id']}").status_code == 403
    assert laptop.delete("/v1/tokens").status_code == 403
    assert laptop.delete("/v1/token").status_code == 204
    assert (status(laptop), status(machine)) == (401, 200)


def test_everything_is_signed_out(laptop: httpx.Client, machine: httpx.Client) -> None:
    assert laptop.delete("/v1/tokens").status_code == 204
    assert (status(laptop), status(machine)) == (401, 401)

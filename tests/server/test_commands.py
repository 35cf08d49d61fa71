"""`promptvault server`: users, tiers, tokens, on a database without a server."""

import json
from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests.conftest import Pvt
from tests.server.conftest import EMAIL
from tests.server.sync.conftest import new


@pytest.fixture(autouse=True)
def on_this_database(
    pvt: Pvt, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Let each command work on this test's database."""
    monkeypatch.setenv("DATABASE_URL", database_url)


def test_users_and_tiers(pvt: Pvt) -> None:
    made = pvt.ok("server", "user", "add", EMAIL, "--json").json
    assert (made["email"], made["tier"]) == (EMAIL, "free")
    changed = pvt.ok("server", "tier", EMAIL, "pro", "--json").json
    assert changed == {"email": EMAIL, "tier": "pro", "prompt_limit": None}
    (row,) = pvt.ok("server", "user", "list", "--json").json
    assert row.pop("created_at").endswith("Z")
    assert row == {"email": EMAIL, "tier": "pro", "prompts": 0, "prompt_limit": None}
    assert pvt.ok("server", "user", "list").text.split("\t")[:4] == [
        *(EMAIL, "pro", "0", "-")
    ]


def test_only_data_is_on_stdout(pvt: Pvt) -> None:
    assert pvt.ok("server", "user", "list").text == ""
    assert pvt.ok("server", "user", "add", EMAIL).text == ""
    assert pvt.ok("server", "tier", EMAIL, "enterprise").text == ""
    assert pvt.ok("server", "migrate").text == ""
    assert pvt.ok("server", "token", EMAIL).text.startswith("pv_pat_")


def test_each_token_is_another(pvt: Pvt) -> None:
    pvt.ok("server", "user", "add", EMAIL)
    tokens = {pvt.ok("server", "token", EMAIL, "--json").json["token"] for _ in "ab"}
    assert len(tokens) == 2


@pytest.mark.parametrize(
    ("command", "code", "word"),
    [
        (f"user add {EMAIL}", 5, "conflict"),
        ("user add nobody", 2, "invalid_input"),
        ("user add bob@example.org --tier gold", 2, "invalid_input"),
        ("tier bob@example.org pro", 3, "not_found"),
        (f"tier {EMAIL} gold", 2, "invalid_input"),
        ("token bob@example.org", 3, "not_found"),
    ],
)
def test_what_cannot_be_done(pvt: Pvt, command: str, code: int, word: str) -> None:
    pvt.ok("server", "user", "add", EMAIL)
    result = pvt("server", *command.split(), "--json")
    assert result.code == code
    assert result.text == ""
    assert json.loads(result.err)["error"]["code"] == word


def test_after_a_restore_devices_begin_anew_and_bring_what_is_missing(
    pvt: Pvt, client: httpx.Client
) -> None:
    vault = {"id": client.get("/v1/me").json()["vaults"][0]["id"]}

    def sync(**fields: object) -> dict[str, Any]:
        body = {"proto": 1, "device": str(uuid4()), "vaults": [vault | fields]}
        answer: dict[str, Any] = client.post("/v1/sync", json=body).json()["vaults"][0]
        return answer

    cursor = sync(push=[new()])["cursor"]
    assert sync(cursor=cursor)["status"] == "ok"
    assert pvt.ok("server", "restored", "--yes", "--json").json == {"vaults": 1}
    later = sync(cursor=cursor)
    assert (later["status"], later["reason"]) == ("resync", "epoch")
    assert len(sync(cursor=later["cursor"])["feed"]) == 1


def test_a_restore_is_told_on_purpose(pvt: Pvt) -> None:
    result = pvt("server", "restored", stdin=b"y\n")
    assert result.code == 2
    assert "--yes" in result.err

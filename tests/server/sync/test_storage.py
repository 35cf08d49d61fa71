"""The storage of an account: counted exactly, limited by its tier, and freed."""

import asyncio
import random
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import httpx
import psycopg
import pytest

from promptvault.domain.tier import Tier
from promptvault.server.admin import Admin
from promptvault.server.database import Connection
from promptvault.server.sync.exchange import Exchange
from promptvault.wire.sync import SyncRequest
from tests.server.conftest import EMAIL, Server
from tests.server.sync.conftest import (
    LIMITS,
    STORED,
    Vault,
    after,
    beside,
    gone,
    new,
    push,
    version,
)

_LONG = "x" * 150_000


def _resolve(*sides: dict[str, Any]) -> dict[str, Any]:
    revs = [each["rev"] for each in sides]
    item = sides[0]["item"]
    return {"kind": "resolve", "item": item, "rev": str(uuid4()), "resolves": revs}


def _fill(vault: Vault, make: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """Push until a push is refused, and return that answer."""
    for _ in range(100):
        answer = vault.sync(make())
        if answer["results"][0]["r"] != "ok":
            return answer
    raise AssertionError("there is no bound")


@pytest.mark.parametrize("how", ["deleted", "live", "side", "tombstones"])
def test_what_an_account_stores_has_a_bound(vault: Vault, how: str) -> None:
    head = new()
    vault.say(head)
    vault.storage = 20_000 if how == "tombstones" else 1_000_000
    answer = _fill(
        vault,
        {
            "deleted": lambda: new(_LONG, deleted=True),
            "live": lambda: new(_LONG),
            "side": lambda: beside(head, _LONG),
            "tombstones": lambda: push(
                str(uuid4()), [], deleted=True, payload=None, current=str(uuid4())
            ),
        }[how],
    )
    assert answer["status"] == "quota"
    assert (answer["results"][0]["r"], answer["results"][0]["why"]) == (
        "quota",
        "storage",
    )
    assert answer["storage"]["limit"] == vault.storage
    assert vault.storage - 160_000 < answer["storage"]["used"] <= vault.storage
    assert answer["storage"]["used"] == vault.counted()


def test_an_older_program_is_not_told_that_there_is_room(vault: Vault) -> None:
    """It would take the free room as permission to send again, in a loop."""
    vault.storage = 100
    assert vault.sync(new())["quota"] is None
    assert vault.sync()["quota"] == {"limit": None, "used": 0, "over": []}


def test_reading_settling_and_deleting_go_on(vault: Vault) -> None:
    first, second = new(), new()
    side = beside(first, "y" * 1000)
    vault.say(first, second, side)
    vault.storage = vault.stored()
    edited = after(first)
    words = [each["r"] for each in vault.say(edited, beside(first), new())]
    assert words == ["quota"] * 3
    assert len(vault.sync()["feed"]) == 3
    trashed = {**after(second), "deleted": True, "versions": []}
    trashed["payload"] = {**second["payload"], "deleted_at": "2026-05-01T09:30:00.000Z"}
    before = vault.stored()
    assert [each["r"] for each in vault.say(trashed, gone(first))] == ["ok", "ok"]
    vault.say(_resolve(side))
    assert vault.stored() < before + 1000


def test_a_deletion_is_no_way_past_the_bound(vault: Vault) -> None:
    first = new()
    vault.say(first)
    vault.storage = vault.stored()
    large = {**after(first), "deleted": True}
    wide = {**gone(first), "payload": {**first["payload"], "note": _LONG}}
    assert [each["r"] for each in vault.say(large, wide)] == ["quota", "quota"]
    deletion = gone(first)
    again = {**gone(deletion)}
    assert [each["r"] for each in vault.say(deletion, again)] == ["ok", "quota"]


def test_the_count_is_exact_whatever_happens(vault: Vault) -> None:
    rng = random.Random(7)
    vault.storage = 60_000
    heads: list[dict[str, Any]] = []
    sides: list[dict[str, Any]] = []
    for step in range(150):
        head = rng.choice(heads) if heads else new()
        text = "é" * rng.randrange(1, 900)
        made = rng.choice(
            (
                new(text),
                after(head, text),
                beside(head, text),
                gone(head),
                _resolve(rng.choice(sides)) if sides else new(),
                {**head},
            )
        )
        results = vault.say(made, made)
        if results[0]["r"] == "ok" and made["kind"] == "head":
            heads = [each for each in heads if each["item"] != made["item"]] + [made]
        if results[0]["r"] == "ok" and made["kind"] == "side":
            sides.append(made)
        if step % 30 == 29:
            ((head_seq,),) = vault.rows("SELECT head_seq FROM vaults WHERE id = %s")
            vault.purge(head_seq)
        vault.check()
    assert vault.stored() > 10_000


def test_two_vaults_of_one_account_are_counted_together(
    vault: Vault, database_url: str
) -> None:
    """Two connections push at once, and wait for the account only."""
    ((other,),) = vault.rows(
        "WITH made AS (INSERT INTO vaults (account_id, name)"
        " SELECT account_id, 'second' FROM vaults WHERE id = %s RETURNING id)"
        " INSERT INTO vault_members SELECT id, %s, 'owner' FROM made"
        " RETURNING vault_id",
        vault.bearer.user_id,
    )

    async def write(vault_id: Any) -> None:
        async with await Connection.connect(database_url, autocommit=True) as own:
            for _ in range(20):
                body = {"id": str(vault_id), "push": [new("z" * 500)]}
                device = str(uuid4())
                request = SyncRequest.model_validate(
                    {"proto": 1, "device": device, "vaults": [body]}
                )
                async with own.transaction():
                    bearer, limits = vault.bearer, LIMITS
                    device_id = request.device
                    await Exchange(
                        own, bearer, device_id, limits, lambda plan: 30_000
                    ).run(request)

    async def both() -> None:
        await asyncio.gather(*map(write, (vault.id, other, vault.id, other)))

    vault.runner.run(both())
    assert vault.stored() == vault.counted() <= 30_000
    assert vault.stored() > 28_000
    vault.rows(
        "UPDATE accounts SET prompt_count = (SELECT count(*) FROM items"
        " WHERE vault_id = %s)"
    )


# What a version must contain, and how many there may be


@pytest.mark.parametrize("body", [None, "", 7, ["Say hello."]])
def test_a_version_without_a_text_is_refused(vault: Vault, body: Any) -> None:
    bare = new()
    bare["versions"][0]["body"] = body
    if body is None:
        del bare["versions"][0]["body"]
    assert [each["r"] for each in vault.say(bare, new())] == ["invalid", "ok"]
    bare["versions"][0]["left_out"] = True  # which says why
    assert [each["r"] for each in vault.say(bare)] == ["ok"]


def test_a_prompt_has_so_many_versions(vault: Vault) -> None:
    vault.limits.history = 5
    first = push(str(uuid4()), [version() for _ in range(4)])
    vault.say(first)
    second = after(first)
    vault.say(second)
    third = after(second)
    (result,) = vault.say(third)
    assert (result["r"], result["why"]) == ("too_large", "history")
    assert [each["r"] for each in vault.say(beside(second))] == ["too_large"]
    renamed = {**third, "versions": [], "payload": second["payload"]}
    assert [each["r"] for each in vault.say(renamed)] == ["ok"]
    deletion = gone(renamed)
    assert [each["r"] for each in vault.say(deletion)] == ["ok"]


# Over HTTP


def test_it_is_402_with_the_refused_prompts(
    start_server: Callable[..., Server], token: str
) -> None:
    with start_server(free_storage_mb=1).client(token) as client:
        me = client.get("/v1/me").json()
        assert (me["limits"]["storage"], me["usage"]["storage"]) == (1_000_000, 0)
        vault = me["vaults"][0]["id"]
        answers = [_post(client, vault, new(_LONG, deleted=True)) for _ in range(8)]
        assert [each.status_code for each in answers] == [200] * 6 + [402] * 2
        used = client.get("/v1/me").json()["usage"]["storage"]
        assert 900_000 < used <= 1_000_000
        assert answers[-1].json()["vaults"][0]["storage"]["used"] == used


def _post(client: httpx.Client, vault: str, *pushes: dict[str, Any]) -> httpx.Response:
    vaults = [{"id": vault, "push": [*pushes]}]
    body = {"proto": 1, "device": str(uuid4()), "vaults": vaults}
    return client.post("/v1/sync", json=body)


# Purging


def test_where_storage_is_short_a_deletion_is_forgotten_as_soon_as_it_is_known(
    start_server: Callable[..., Server],
    admin: Admin,
    token: str,
    database_url: str,
) -> None:
    settings = admin.settings.model_copy(update={"free_storage_mb": 1})
    with start_server(free_storage_mb=1).client(token) as client:
        vault = client.get("/v1/me").json()["vaults"][0]["id"]
        kept = new()
        _post(client, vault, kept)
        while _post(client, vault, new(_LONG, deleted=True)).status_code == 200:
            pass
        assert admin.purge(datetime.now(UTC)).deletions == 0  # of 10 MB
        assert Admin(settings).purge(datetime.now(UTC)).deletions == 6
        assert client.get("/v1/me").json()["usage"]["storage"] < 3000
        assert _post(client, vault, new(_LONG)).status_code == 200
    with psycopg.connect(database_url) as connection:
        stored = connection.execute("SELECT stored_bytes FROM accounts").fetchone()
        assert connection.execute(STORED, (vault,)).fetchone() == stored


def test_what_others_keep_stays_counted_when_a_user_is_erased(
    admin: Admin, open_vault: Callable[..., Vault]
) -> None:
    mine, theirs = open_vault(), open_vault("bob@example.org", Tier.FREE)
    mine.say(new())
    theirs.say(new())
    admin.erase(EMAIL)
    theirs.check()
    assert theirs.stored() > 0

"""Sync over a socket: status codes, encodings, other users, and a recorded exchange."""

import gzip
import json
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import psycopg
import pytest
import zstandard

from promptvault.domain.tier import Tier
from promptvault.server.admin import Admin
from promptvault.wire.sync import SyncAnswer, SyncRequest
from tests.server.conftest import EMAIL, Server
from tests.server.sync.conftest import after, new, version

GOLDEN = Path(__file__).parent / "data" / "proto-1.json"


@pytest.fixture
def vault_id(client: httpx.Client, database_url: str) -> str:
    """Return the vault of the user who is signed in."""
    with psycopg.connect(database_url) as connection:
        rows = connection.execute(
            "SELECT v.id FROM vaults v JOIN users u USING (account_id)"
            " WHERE u.email = %s",
            (EMAIL,),
        )
        return str(rows.fetchall()[0][0])


def _body(vault_id: str, *pushes: dict[str, Any], **fields: Any) -> dict[str, Any]:
    vault = {"id": vault_id, "cursor": {}, "push": [*pushes], **fields}
    return {"proto": 1, "device": str(uuid4()), "vaults": [vault]}


def _vault(answer: httpx.Response) -> dict[str, Any]:
    found: dict[str, Any] = answer.json()["vaults"][0]
    return found


def test_a_push_and_a_pull(client: httpx.Client, vault_id: str) -> None:
    first = new("Grüße 👋")
    assert client.post("/v1/sync", json=_body(vault_id, first)).status_code == 200
    answer = client.post("/v1/sync", json=_body(vault_id))
    (change,) = _vault(answer)["feed"]
    assert change["payload"] == first["payload"]
    assert change["versions"][0]["body"] == "Grüße 👋"
    assert answer.text.endswith('"end":true}')
    assert answer.json()["limits"]["items"] == 500


def test_devices_that_wait_for_their_vault_leave_connections_to_others(
    start_server: Callable[..., Server], admin: Admin, token: str, database_url: str
) -> None:
    server = start_server(pool_size=2, pool_timeout=3, requests_at_once=1)
    admin.add_user("bob@example.org", Tier.FREE)
    neighbour = server.client(admin.issue_token("bob@example.org", "test"))
    with psycopg.connect(database_url) as locking, ThreadPoolExecutor() as devices:
        (vault_id,) = locking.execute(
            "SELECT v.id FROM vaults v JOIN users u USING (account_id)"
            " WHERE u.email = %s FOR UPDATE OF v",
            (EMAIL,),
        ).fetchall()[0]
        client = server.client(token)
        waiting = [
            devices.submit(client.post, "/v1/sync", json=_body(str(vault_id), new()))
            for _ in range(4)
        ]
        _wait_for_a_lock(database_url)
        assert neighbour.get("/v1/me").status_code == 200
        assert not any(each.done() and each.result().is_success for each in waiting)
        locking.commit()
    assert any(each.result().is_success for each in waiting)


def _wait_for_a_lock(database_url: str) -> None:
    with psycopg.connect(database_url, autocommit=True) as connection:
        while not connection.execute(
            "SELECT 1 FROM pg_locks WHERE NOT granted"
        ).fetchone():
            time.sleep(0.01)


@pytest.mark.parametrize("encoding", ["gzip", "zstd"])
def test_bodies_are_compressed_both_ways(
    client: httpx.Client, vault_id: str, encoding: str
) -> None:
    plain = json.dumps(_body(vault_id, new("x" * 2000))).encode()
    packed = zstandard.compress(plain) if encoding == "zstd" else gzip.compress(plain)
    headers = {
        "Content-Encoding": encoding,
        "Accept-Encoding": encoding,
        "Content-Type": "application/json",
    }
    answer = client.post("/v1/sync", content=packed, headers=headers)
    assert answer.status_code == 200, answer.text
    request = _body(vault_id)
    answer = client.post(
        "/v1/sync", json=request, headers={"Accept-Encoding": encoding}
    )
    assert answer.headers["content-encoding"] == encoding
    assert len(_vault(answer)["feed"]) == 1


@pytest.mark.parametrize("accepted", ["identity", "", "zstd;q=0, gzip;q=0.0", "br"])
def test_an_answer_stays_plain_for_who_takes_no_other(
    client: httpx.Client, vault_id: str, accepted: str
) -> None:
    client.post("/v1/sync", json=_body(vault_id, new("x" * 2000)))
    headers = {"Accept-Encoding": accepted}
    answer = client.post("/v1/sync", json=_body(vault_id), headers=headers)
    assert "content-encoding" not in answer.headers


def test_over_the_limit_is_402_with_the_same_body(
    client: httpx.Client, vault_id: str
) -> None:
    pushes = [new() for _ in range(51)]
    answer = client.post("/v1/sync", json=_body(vault_id, *pushes))
    assert answer.status_code == 402
    vault = _vault(answer)
    assert [each["r"] for each in vault["results"]] == ["ok"] * 50 + ["quota"]
    assert vault["quota"]["over"] == [pushes[50]["item"]]
    assert client.post("/v1/sync", json=_body(vault_id)).status_code == 200


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"proto": 2}, 426, "outdated"),
        ({"proto": 2, "new": []}, 426, "outdated"),
        ({"device": "laptop"}, 422, "invalid_input"),
        ({"unknown": 1}, 422, "invalid_input"),
        ({"vaults": {}}, 422, "invalid_input"),
        ({"vaults": [{"id": str(uuid4()), "push": [{"kind": "x"}]}]}, 422, None),
        ({"vaults": [{"id": str(uuid4()), "cursor": {"seq": -1}}]}, 422, None),
        ({"vaults": [{"id": str(uuid4()), "cursor": {"seq": 2**63}}]}, 422, None),
        ({"vaults": [{"id": str(uuid4()), "cursor": {"seq": "1"}}]}, 422, None),
        ({"vaults": [{"id": str(uuid4()), "push": [new()] * 501}]}, 413, "too_large"),
    ],
)
def test_what_is_no_request_is_refused_whole(
    client: httpx.Client, change: dict[str, Any], status: int, code: str | None
) -> None:
    answer = client.post("/v1/sync", json={**_body(str(uuid4())), **change})
    assert answer.status_code == status, answer.text
    assert answer.json()["error"]["code"] == (code or "invalid_input")


def test_a_vault_occurs_once_in_a_request(client: httpx.Client, vault_id: str) -> None:
    request = _body(vault_id)
    request["vaults"] *= 2
    assert client.post("/v1/sync", json=request).status_code == 422


def test_a_token_to_read_with_reads(
    client: httpx.Client, vault_id: str, database_url: str
) -> None:
    client.post("/v1/sync", json=_body(vault_id, new()))
    with psycopg.connect(database_url) as connection:
        connection.execute("UPDATE tokens SET scopes = '{sync:read}'")
    answer = client.post("/v1/sync", json=_body(vault_id, new()))
    assert answer.status_code == 200
    vault = _vault(answer)
    assert [each["r"] for each in vault["results"]] == ["forbidden"]
    assert len(vault["feed"]) == 1


# Other users


@pytest.fixture
def stranger(server: Server, admin: Admin) -> httpx.Client:
    """Return the client of another user."""
    admin.add_user("bob@example.org", Tier.PRO)
    return server.client(admin.issue_token("bob@example.org", "test"))


@pytest.mark.parametrize("known", ["vault", "nothing"])
def test_a_stranger_gets_nothing_and_learns_nothing(
    client: httpx.Client, stranger: httpx.Client, vault_id: str, known: str
) -> None:
    first = new()
    client.post("/v1/sync", json=_body(vault_id, first))
    target = vault_id if known == "vault" else str(uuid4())
    for pushes in ([], [first], [after(first)], [new()]):
        answer = stranger.post("/v1/sync", json=_body(target, *pushes))
        assert _vault(answer) == {"id": target, "status": "gone"}
    path = f"/v1/vaults/{target}/items/{first['item']}/versions"
    assert stranger.get(path).status_code == 404
    assert _vault(client.post("/v1/sync", json=_body(vault_id)))["cursor"]["seq"] == 1


def test_an_item_of_another_vault_is_another_item(
    client: httpx.Client, stranger: httpx.Client, vault_id: str, database_url: str
) -> None:
    first = new()
    client.post("/v1/sync", json=_body(vault_id, first))
    with psycopg.connect(database_url) as connection:
        rows = connection.execute("SELECT id FROM vaults").fetchall()
    (own,) = {str(row[0]) for row in rows} - {vault_id}
    answer = stranger.post("/v1/sync", json=_body(own, after(first)))
    (result,) = _vault(answer)["results"]
    assert result["r"] == "conflict"
    assert (result["head"], result["common"]) == (None, None)
    assert _vault(answer)["feed"] == []
    path = f"/v1/vaults/{own}/items/{first['item']}/versions"
    assert stranger.get(path).status_code == 404


def test_all_versions_of_a_prompt(client: httpx.Client, vault_id: str) -> None:
    first = new()
    second = after(first)
    client.post("/v1/sync", json=_body(vault_id, first, second))
    path = f"/v1/vaults/{vault_id}/items/{first['item']}/versions"
    answer = client.get(path)
    sent = [*first["versions"], *second["versions"]]
    assert [each["id"] for each in answer.json()["versions"]] == [v["id"] for v in sent]
    unknown = f"/v1/vaults/{vault_id}/items/{uuid4()}/versions"
    assert client.get(unknown).status_code == 404


def test_versions_of_a_prompt_come_page_by_page(
    start_server: Callable[..., Server], token: str
) -> None:
    first = new()
    rest = [version(f"draft {number}") for number in range(4)]
    second = after(first, versions=rest, payload={"version": rest[-1]["id"]})
    with start_server(versions_limit=2).client(token) as client:
        vault = client.get("/v1/me").json()["vaults"][0]["id"]
        client.post("/v1/sync", json=_body(vault, first, second))
        path = f"/v1/vaults/{vault}/items/{first['item']}/versions"
        pages = [client.get(path).json()]
        while pages[-1]["next"]:
            params = {"after": pages[-1]["next"]}
            pages.append(client.get(path, params=params).json())
        assert client.get(path, params={"after": "1"}).status_code == 422
    ids = [[each["id"] for each in page["versions"]] for page in pages]
    sent = [each["id"] for each in (*first["versions"], *rest)]
    assert ids == [sent[:2], sent[2:4], sent[4:]]


def test_the_recorded_exchange_is_answered_as_ever(
    client: httpx.Client, vault_id: str, database_url: str
) -> None:
    """What programs of protocol 1 send and get; it changes only with the protocol."""
    golden = json.loads(GOLDEN.read_text())
    user = client.get("/v1/me").json()["user_id"]
    with psycopg.connect(database_url) as connection:
        connection.execute(
            "UPDATE vaults SET epoch = '00000000-0000-4000-8000-0000000000ee'"
        )
    for exchange in golden:
        sent = json.dumps(exchange["request"]).replace("VAULT", vault_id)
        SyncRequest.model_validate_json(sent)
        answer = client.post("/v1/sync", json=json.loads(sent))
        SyncAnswer.model_validate_json(answer.text)
        told = answer.text.replace(vault_id, "VAULT").replace(user, "USER")
        assert _known(json.loads(told), exchange["answer"]) == exchange["answer"]


def _known(told: Any, recorded: Any) -> Any:
    """Return the part of *told* that a program of that time reads; it ignores the rest.

    Except for a cursor: it would not know what the other values mean.
    """
    if isinstance(told, list) and isinstance(recorded, list):
        return [_known(*pair) for pair in zip(told, recorded, strict=True)]
    if not isinstance(told, dict) or not isinstance(recorded, dict):
        return told
    if "epoch" in recorded:
        return told
    return {key: _known(told[key], recorded[key]) for key in recorded if key in told}

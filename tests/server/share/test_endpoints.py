"""Shares over HTTP, for the users who create them."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Event
from typing import Any
from uuid import uuid4

import httpx
import psycopg
import pytest

from promptvault.server import password
from tests.server.browser import Browser
from tests.server.conftest import Server
from tests.server.share.conftest import SECRET_KEY, Owner


def test_a_share_says_what_it_is(owner: Owner, server: Server) -> None:
    item = owner.add("Text.", name="coding/review")
    made = owner.share(item, password="correct horse", max_views=3, expires_in=3600)
    token = made["url"].removeprefix(f"{server.url}/s/")
    assert len(token) == 22
    assert token.isalnum()
    assert made["raw_url"] == made["url"] + "/raw"
    assert (made["name"], made["mode"], made["version"]) == (
        *("coding/review", "version", 1),
    )
    assert (made["state"], made["views"], made["max_views"]) == ("live", 0, 3)
    assert (made["has_password"], made["created_by"]) == (True, owner.email)
    (listed,) = owner.client.get("/v1/shares", params={"item": item}).json()["items"]
    assert listed == made


def test_a_likely_secret_is_named_and_never_quoted(owner: Owner) -> None:
    item = owner.add(f"Use {SECRET_KEY} for it.")
    refused = owner.ask(item)
    assert refused.status_code == 409
    assert "GitHub Token" in refused.text
    assert SECRET_KEY not in refused.text
    assert owner.ask(item, allow_secrets=True).status_code == 201


@pytest.mark.parametrize(
    "fields",
    [
        {"password": "short"},
        {"expires_in": 400 * 86400},
        {"expires_in": 0},
        {"max_views": 0},
        {"mode": "label"},
        {"mode": "label", "label": "a\0b"},
        {"mode": "current", "label": "production"},
        {"mode": "sideways"},
        {"views": 3},
    ],
)
def test_what_cannot_be_is_refused(owner: Owner, fields: dict[str, Any]) -> None:
    assert owner.ask(owner.add("Text."), **fields).status_code == 422


def test_what_the_server_lacks_is_not_shared(owner: Owner) -> None:
    item = owner.add("Text.")
    assert owner.ask(item, mode="label", label="production").status_code == 404
    absent = {"mode": "version", "version": str(uuid4())}
    assert owner.ask(item, **absent).status_code == 404
    assert owner.ask(str(uuid4()), mode="current").status_code == 404
    owner.delete(item)
    assert owner.ask(item, mode="current").status_code == 404


def test_the_list_comes_in_pages(owner: Owner) -> None:
    item = owner.add("Text.")
    made = [owner.share(item)["id"] for _ in range(5)]
    found, before = [], ""
    while True:
        page = owner.client.get("/v1/shares", params={"limit": 2, "before": before})
        found += [each["id"] for each in page.json()["items"]]
        if page.json()["next"] is None:
            break
        before = page.json()["next"]
    assert found == made[::-1]
    for wrong in ("x", "é", "eCB5", "MjAyNi0wMS0wMSB4"):
        refused = owner.client.get("/v1/shares", params={"before": wrong})
        assert refused.status_code == 422


def test_the_activity_of_the_vault_names_what_was_shared(owner: Owner) -> None:
    share = owner.share(owner.add("Text."), password="correct horse")
    owner.client.patch(f"/v1/shares/{share['id']}", json={"max_views": 3})
    for _ in range(2):
        owner.revoke(share)
    with psycopg.connect(owner.database_url) as connection:
        rows = connection.execute(
            "SELECT action, subject, actor_email, details FROM activities ORDER BY id"
        ).fetchall()
    line = ("coding/review", owner.email, {"share": share["id"]})
    assert rows == [
        (f"share.{action}", *line) for action in ("created", "changed", "revoked")
    ]


def test_a_stranger_manages_nothing(owner: Owner, settle: Callable[..., Owner]) -> None:
    share = owner.share(owner.add("Text."))
    eve = settle("eve@example.org")
    path = f"/v1/shares/{share['id']}"
    assert eve.client.patch(path, json={"max_views": 1}).status_code == 404
    assert eve.client.delete(path).status_code == 404
    assert eve.client.get("/v1/shares").json()["items"] == []
    assert eve.ask(share["item"], mode="current").status_code == 404


def _join(owner: Owner, member: Owner, role: str) -> None:
    """Make the vault of *owner* one of a team, with another member."""
    owner.change(
        "WITH team AS (INSERT INTO teams (account_id, name, slug)"
        " SELECT account_id, 'Acme', 'acme' FROM vaults WHERE id = %s"
        " ON CONFLICT (slug) DO UPDATE SET name = 'Acme' RETURNING id)"
        " UPDATE vaults SET team_id = team.id FROM team WHERE vaults.id = %s",
        *(owner.vault, owner.vault),
    )
    owner.change(
        "INSERT INTO vault_members (vault_id, user_id, role)"
        " SELECT %s, id, %s FROM users WHERE email = %s"
        " ON CONFLICT (vault_id, user_id) DO UPDATE SET role = excluded.role",
        *(owner.vault, role, member.email),
    )
    member.vault, member.heads = owner.vault, owner.heads


@pytest.mark.parametrize(
    ("shares_by", "allowed"),
    [("editor", {"editor", "admin"}), ("admin", {"admin"}), ("nobody", set())],
)
def test_in_a_team_a_role_decides(
    owner: Owner, settle: Callable[..., Owner], shares_by: str, allowed: set[str]
) -> None:
    item, member = owner.add("Text."), settle("bob@example.org")
    found = set()
    for role in ("viewer", "editor", "admin"):
        _join(owner, member, role)
        owner.change("UPDATE teams SET shares_by = %s", shares_by)
        answer = member.ask(item)
        assert answer.status_code in {201, 403}
        if answer.status_code == 201:
            found.add(role)
    assert found == allowed


def test_who_may_share_no_more_may_end_a_share_and_not_change_it(
    owner: Owner, settle: Callable[..., Owner]
) -> None:
    item, bob = owner.add("Text."), settle("bob@example.org")
    _join(owner, bob, "editor")
    share = bob.share(item, password="correct horse")
    path = f"/v1/shares/{share['id']}"
    _join(owner, bob, "viewer")
    assert bob.client.patch(path, json={"password": None}).status_code == 403
    refused = httpx.get(share["raw_url"])
    assert refused.status_code == 401
    assert not refused.json()["error"]["message"].endswith("..")
    bob.revoke(share)


def test_an_admin_ends_the_share_of_a_member(
    owner: Owner, settle: Callable[..., Owner]
) -> None:
    item, bob = owner.add("Text."), settle("bob@example.org")
    cid = settle("cid@example.org")
    _join(owner, bob, "editor")
    _join(owner, cid, "editor")
    share = bob.share(item)
    assert cid.client.delete(f"/v1/shares/{share['id']}").status_code == 404
    owner.revoke(share)
    assert bob.state(share) == ("revoked", None)


def test_guesses_at_a_password_are_limited_before_they_are_hashed(
    owner: Owner, monkeypatch: pytest.MonkeyPatch
) -> None:
    share = owner.share(owner.add("Text."), password="correct horse")
    hashed = 0
    verify = password._verify

    def count(password_hash: str | None, given: bytes) -> bool:
        nonlocal hashed
        hashed += 1
        return verify(password_hash, given)

    monkeypatch.setattr(password, "_verify", count)
    found = [
        httpx.get(share["raw_url"], auth=("", "wrong horse")).status_code
        for _ in range(7)
    ]
    assert found == [401] * 5 + [429] * 2
    assert hashed == 5
    right = httpx.get(share["raw_url"], auth=("", "correct horse"))
    assert right.status_code == 429  # the right one does not reset the limit


def test_guesses_at_a_share_delay_no_sign_in(owner: Owner, reader: Browser) -> None:
    share = owner.share(owner.add("Text."), password="correct horse")
    end = Event()
    password.SHARES.submit(end.wait)
    try:
        with ThreadPoolExecutor(1) as guesser:
            guess = guesser.submit(
                httpx.get, share["raw_url"], auth=("", "wrong horse"), timeout=60
            )
            assert reader.sign_up("eve@example.org").status_code == 200
            assert not guess.done()
            end.set()
            assert guess.result().status_code == 401
    finally:
        end.set()


def test_a_password_for_a_share_without_one_is_hashed_as_well(
    owner: Owner, monkeypatch: pytest.MonkeyPatch
) -> None:
    share = owner.share(owner.add("Text."))
    looked_at: list[str | None] = []
    verify = password._verify

    def note(password_hash: str | None, given: bytes) -> bool:
        looked_at.append(password_hash)
        return verify(password_hash, given)

    monkeypatch.setattr(password, "_verify", note)
    assert httpx.get(share["raw_url"], auth=("", "any horse")).text == "Text."
    assert looked_at == [None]


def test_unknown_links_are_limited(server: Server) -> None:
    with server.client() as client:
        found = [client.get(f"/s/{n:022}/raw").status_code for n in range(32)]
    assert found == [404] * 30 + [429] * 2


def test_a_user_makes_twenty_shares_at_once(owner: Owner) -> None:
    item = owner.add("Text.")
    found = [owner.ask(item, max_views=1).status_code for _ in range(21)]
    assert found == [201] * 20 + [429]

"""What the operator does with shares, and which of them the daily purge deletes."""

from datetime import UTC, datetime, timedelta

import httpx
import psycopg
import pytest

from promptvault.errors import NotFoundError
from promptvault.server.admin import Admin
from tests.conftest import Pvt
from tests.server.share.conftest import Owner


def test_the_operator_lists_and_ends_shares(
    owner: Owner, pvt: Pvt, database_url: str
) -> None:
    share = owner.share(owner.add("Text."))
    url = ("--database-url", database_url)
    (row,) = pvt.ok("server", "shares", "list", "--json", *url).json
    assert (row["id"], row["email"], row["state"]) == (share["id"], owner.email, "live")
    assert row["url"].endswith(share["url"].rpartition("/s/")[2])
    of_another = ("--account", "eve@example.org")
    assert pvt.ok("server", "shares", "list", *of_another, "--json", *url).json == []
    pvt.ok("server", "shares", "revoke", share["id"], *url)
    assert httpx.get(share["url"]).status_code == 410
    assert pvt("server", "shares", "revoke", share["id"], *url).code == 3


def test_a_user_who_is_blocked_has_no_shares(
    owner: Owner, pvt: Pvt, database_url: str
) -> None:
    item = owner.add("Text.")
    shares = [owner.share(item) for _ in range(2)]
    url = ("--database-url", database_url)
    ended = pvt.ok("server", "shares", "block", owner.email, "--json", *url).json
    assert ended == {"email": owner.email, "ended": 2, "blocked": True}
    assert {httpx.get(each["url"]).status_code for each in shares} == {410}
    assert owner.ask(item).status_code == 403
    pvt.ok("server", "shares", "block", owner.email, "--undo", *url)
    assert owner.ask(item).status_code == 201


def test_blocking_an_unknown_user_is_an_error(admin: Admin) -> None:
    with pytest.raises(NotFoundError):
        admin.block_shares("nobody@example.org")


def test_shares_are_kept_for_ninety_days_after_their_end(
    owner: Owner, admin: Admin
) -> None:
    item = owner.add("Text.")
    revoked, expired, used, live = (owner.share(item, max_views=1) for _ in range(4))
    owner.revoke(revoked)
    owner.change(
        "UPDATE shares SET expires_at = now() WHERE id = %s::uuid", expired["id"]
    )
    assert httpx.get(used["raw_url"]).status_code == 200
    for days, left in ((89, 4), (91, 1)):
        admin.purge(datetime.now(UTC) + timedelta(days=days))
        with psycopg.connect(owner.database_url) as connection:
            rows = connection.execute("SELECT id::text FROM shares").fetchall()
        assert len(rows) == left
    assert rows == [(live["id"],)]


def test_a_purged_prompt_takes_its_shares_along(owner: Owner, admin: Admin) -> None:
    item = owner.add("Text.")
    share = owner.share(item)
    assert httpx.get(share["url"]).status_code == 200  # which records a scan
    owner.delete(item)
    owner.change("UPDATE revisions SET created_at = now() - interval '40 days'")
    owner.change("DELETE FROM device_cursors")
    admin.purge(datetime.now(UTC))
    with psycopg.connect(owner.database_url) as connection:
        assert connection.execute("SELECT count(*) FROM shares").fetchone() == (0,)
        assert connection.execute("SELECT count(*) FROM share_scans").fetchone() == (0,)
    assert httpx.get(share["url"]).status_code == 404


def test_views_without_a_limit_are_stored_when_the_server_ends(
    owner: Owner, server: object
) -> None:
    share = owner.share(owner.add("Text."))
    for path in ("", "/raw", "/json"):
        assert httpx.get(share["url"] + path).status_code == 200
    httpx.head(share["url"])
    httpx.head(share["raw_url"])
    server.stop()  # type: ignore[attr-defined]
    with psycopg.connect(owner.database_url) as connection:
        views = connection.execute(
            "SELECT views, last_view_at IS NULL FROM shares"
        ).fetchall()
    assert views == [(3, False)]

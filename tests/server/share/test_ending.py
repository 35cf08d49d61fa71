"""What ends or pauses a share: then no byte of the prompt is sent."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import psycopg
import pytest

from promptvault.domain.tier import Tier
from tests.server.browser import Browser, fields_of
from tests.server.conftest import Server
from tests.server.mail_server import MailServer
from tests.server.share.conftest import SECRET_KEY, Owner
from tests.sync.waiting import eventually

HELD = "only the invited may read this"
READERS = 50


def _reads(
    share: dict[str, Any], headers: dict[str, str] | None = None
) -> list[httpx.Response]:
    """Return the answers of all ways to read a share."""
    with httpx.Client(headers=headers, timeout=60) as client:
        found = [client.get(share["url"] + path) for path in ("", "/raw", "/json")]
        return [*found, client.head(share["raw_url"])]


def test_after_a_revocation_no_byte_is_served(owner: Owner, reader: Browser) -> None:
    """The cookie, the ETag and the password that were valid do not help."""
    plain = owner.share(owner.add(HELD, title=HELD))
    locked = owner.share(owner.add(HELD, title=HELD), password="correct horse")
    tags = [reader.client.get(plain["url"] + path) for path in ("", "/raw", "/json")]
    form = fields_of(reader.open(locked["url"]).text)
    assert HELD in reader.send(password="correct horse").text
    cookie = reader.client.cookies["pv_s"]
    for share in (plain, locked):
        owner.revoke(share)
    attempts = [
        *_reads(plain),
        *(answer for tag in tags for answer in _reads(plain, _same(tag))),
        *_reads(locked, {"Cookie": f"pv_s={cookie}"}),
        *_reads(locked, {"Authorization": "Basic OmNvcnJlY3QgaG9yc2U="}),
        reader.client.post(locked["url"], data=form | {"password": "correct horse"}),
    ]
    for answer in attempts:
        assert answer.status_code in {403, 404, 410}, answer.url
        assert HELD not in answer.text
    assert owner.state(plain) == ("revoked", None)
    owner.revoke(plain)  # once more


def _same(answer: httpx.Response) -> dict[str, str]:
    return {"If-None-Match": answer.headers["etag"]}


def test_an_expired_share_is_gone_between_page_and_form(
    owner: Owner, reader: Browser
) -> None:
    share = owner.share(owner.add(HELD), max_views=1, expires_in=3600)
    reader.open(share["url"])
    owner.change("UPDATE shares SET expires_at = now()")
    assert reader.send().status_code == 410
    assert HELD not in reader.page.text
    assert owner.state(share) == ("expired", None)
    owner.client.patch(f"/v1/shares/{share['id']}", json={"expires_in": None})
    assert owner.state(share) == ("live", None)


def test_a_deleted_prompt_ends_its_shares(owner: Owner) -> None:
    item = owner.add(HELD, title=HELD)
    share = owner.share(item)
    owner.delete(item)
    for answer in _reads(share):
        assert answer.status_code == 410
        assert HELD not in answer.text
    assert owner.state(share) == ("orphaned", None)


def test_a_deleted_account_ends_its_shares(owner: Owner) -> None:
    share = owner.share(owner.add(HELD))
    owner.change("UPDATE accounts SET deleted_at = now()")
    assert {answer.status_code for answer in _reads(share)} == {410}


def test_a_deleted_team_ends_its_shares(owner: Owner) -> None:
    share = owner.share(owner.add(HELD))
    owner.change("UPDATE vaults SET frozen_at = now(), frozen_why = 'deleted'")
    assert {answer.status_code for answer in _reads(share)} == {410}


def test_only_opening_counts_as_a_view(owner: Owner, reader: Browser) -> None:
    """Chat programs load the page of a posted link."""
    share = owner.share(owner.add(HELD), max_views=3)
    for _ in range(5):
        shown = reader.open(share["url"]).text
        assert "Open (3 of 3 left)" in shown
        assert HELD not in shown
        httpx.head(share["raw_url"])
    assert HELD in reader.send().text
    assert HELD in reader.open(share["url"]).text  # a reload is not counted again
    assert httpx.get(share["raw_url"]).text == HELD
    reader.client.cookies.clear()
    assert "Open (1 of 3 left)" in reader.open(share["url"]).text
    assert httpx.get(share["url"] + "/json").json()["body"] == HELD
    assert reader.send().status_code == 410
    assert HELD not in reader.page.text
    assert owner.state(share) == ("used_up", None)


def test_fifty_readers_at_once_never_exceed_the_limit(
    owner: Owner, server: Server
) -> None:
    share = owner.share(owner.add(HELD), max_views=7)

    def open_once(_: int) -> bool:
        with server.client() as client:
            page = client.get(share["url"])
            form = fields_of(page.text)
            answer = client.post(share["url"], data=form)
            return answer.status_code == 303

    with ThreadPoolExecutor(READERS) as readers:
        opened = [*readers.map(open_once, range(READERS))]
    assert sum(opened) == 7
    (shown,) = owner.client.get("/v1/shares", params={"ended": True}).json()["items"]
    assert shown["views"] == 7


def test_a_share_with_a_password_uses_no_view_up_for_a_wrong_one(
    owner: Owner, reader: Browser
) -> None:
    share = owner.share(owner.add(HELD), max_views=1, password="correct horse")
    reader.open(share["url"])
    assert reader.send(password="wrong horse").status_code == 401
    assert HELD in reader.send(password="correct horse").text
    reader.client.cookies.clear()
    assert reader.open(share["url"]).status_code == 410


def test_a_secret_that_appears_pauses_the_share(owner: Owner, reader: Browser) -> None:
    item = owner.add("Clean.")
    share = owner.share(item, mode="current")
    assert reader.open(share["url"]).status_code == 200
    owner.edit(item, f"{HELD} {SECRET_KEY}")
    for answer in _reads(share):
        assert answer.status_code == 409
        assert HELD not in answer.text
        assert "Clean." not in answer.text  # no older version is shown instead
    assert owner.state(share) == ("paused", "GitHub Token")
    owner.edit(item, "Clean again.")
    assert "Clean again." in reader.open(share["url"]).text
    assert owner.state(share) == ("live", None)


def test_a_secret_in_the_title_pauses_it_too(owner: Owner, reader: Browser) -> None:
    item = owner.add("Clean.")
    share = owner.share(item)
    owner.set(item, title=f"For {SECRET_KEY}")
    answer = reader.open(share["url"])
    assert answer.status_code == 409
    assert SECRET_KEY not in answer.text
    assert owner.state(share) == ("paused", "GitHub Token")


def test_a_share_with_allowed_secrets_is_not_paused(
    owner: Owner, reader: Browser
) -> None:
    share = owner.share(owner.add(SECRET_KEY), allow_secrets=True)
    assert reader.open(share["raw_url"]).text == SECRET_KEY
    assert owner.state(share) == ("live", None)


def test_each_version_is_looked_at_once(owner: Owner, reader: Browser) -> None:
    item = owner.add("Clean.")
    share = owner.share(item, mode="current")
    owner.edit(item, f"Now with {SECRET_KEY}")
    assert reader.open(share["url"]).status_code == 409
    owner.change("UPDATE share_scans SET kinds = '{}'")
    assert reader.open(share["url"]).status_code == 200
    owner.change("UPDATE share_scans SET rules = 0")  # as older rules allowed it
    assert reader.open(share["url"]).status_code == 409


@pytest.fixture
def server(start_server: Any, mail: MailServer) -> Server:
    """Return a server that sends mail."""
    server: Server = start_server(
        smtp_host="127.0.0.1", smtp_port=mail.port, smtp_security="none"
    )
    return server


def test_the_owner_gets_one_mail_of_a_pause(
    owner: Owner, reader: Browser, mail: MailServer
) -> None:
    item = owner.add("Clean.")
    share = owner.share(item, mode="current")
    owner.edit(item, f"Now with {SECRET_KEY}")
    for _ in range(3):
        assert reader.open(share["url"]).status_code == 409
    eventually(lambda: len(mail.mails) >= 1)
    ((to, letter),) = mail.mails
    text = letter.get_payload(decode=True)
    assert isinstance(text, bytes)
    assert to == [owner.email]
    assert share["url"].encode() in text
    assert SECRET_KEY.encode() not in text
    with psycopg.connect(owner.database_url) as connection:
        assert connection.execute("SELECT count(*) FROM jobs").fetchone() == (0,)


def test_on_the_free_plan_ten_shares_are_live(settle: Any) -> None:
    owner: Owner = settle(tier=Tier.FREE)
    item = owner.add("Text.")
    shares = [owner.share(item) for _ in range(10)]
    refused = owner.ask(item)
    assert refused.status_code == 402
    owner.revoke(shares[0])
    owner.share(item)


def test_a_share_that_has_ended_needs_room_to_come_back(settle: Any) -> None:
    owner: Owner = settle(tier=Tier.FREE)
    item = owner.add("Text.")
    expired, used = owner.share(item), owner.share(item, max_views=1)
    assert httpx.get(used["raw_url"]).text == "Text."
    owner.change(
        "UPDATE shares SET expires_at = now() WHERE id = %s::uuid", expired["id"]
    )
    live = [owner.share(item) for _ in range(10)]
    for ended, change in ((expired, "expires_in"), (used, "max_views")):
        path = f"/v1/shares/{ended['id']}"
        assert owner.client.patch(path, json={change: None}).status_code == 402
    path = f"/v1/shares/{live[0]['id']}"
    assert owner.client.patch(path, json={"max_views": 3}).status_code == 200
    owner.revoke(live[0])
    path = f"/v1/shares/{expired['id']}"
    assert owner.client.patch(path, json={"expires_in": None}).status_code == 200


def test_a_share_of_a_deleted_prompt_takes_no_room(settle: Any) -> None:
    """The list shows none, so the user could end none."""
    owner: Owner = settle(tier=Tier.FREE)
    item, other = owner.add("Text."), owner.add("Other.")
    for _ in range(10):
        owner.share(item)
    assert owner.ask(other).status_code == 402
    owner.delete(item)
    assert owner.ask(other).status_code == 201


def test_a_new_account_has_three(settle: Any) -> None:
    owner: Owner = settle(tier=Tier.FREE)
    owner.change("UPDATE accounts SET created_at = now()")
    item = owner.add("Text.")
    assert [owner.ask(item).status_code for _ in range(4)] == [201, 201, 201, 402]

"""Clerk's webhooks, signed as Svix signs them, in every order and more than once."""

import base64
import itertools
import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import psycopg
import pytest
from pydantic import SecretStr
from standardwebhooks import Webhook

from promptvault.domain.tier import Tier
from promptvault.server.admin import Admin
from tests.server.account.test_erasure import WAITING
from tests.server.browser import Browser
from tests.server.conftest import EMAIL, Server

SECRET = "whsec_" + base64.b64encode(b"the-secret-of-the-tests!").decode()
ISSUER = "https://clerk.example.org"
PATH = "/v1/webhooks/clerk"
Event = dict[str, Any]


def user(at: int, email: str = EMAIL, status: str = "verified") -> Event:
    """Return a user as Clerk describes them at a time."""
    first = {"id": "one", "email_address": email, "verification": {"status": status}}
    second = {"id": "two", "email_address": "x@example.org", "verification": None}
    return {
        "id": "user_1",
        "object": "user",
        "updated_at": at,
        "primary_email_address_id": "one",
        "email_addresses": [second, first],
    }


CREATED: Event = {"type": "user.created", "object": "event", "data": user(1)}
UPDATED: Event = {"type": "user.updated", "data": user(2, "new@example.org")}
AGAIN = {"type": "user.updated", "data": user(3, "newer@example.org")}
DELETED = {"type": "user.deleted", "data": {"id": "user_1", "deleted": True}}


class Clerk:
    """Sends events."""

    def __init__(self, client: httpx.Client) -> None:
        self.client = client

    def send(
        self,
        event: object,
        id: str = "msg_1",
        secret: str = SECRET,
        age: timedelta = timedelta(),
        **headers: str,
    ) -> httpx.Response:
        """Send an event and return the answer; *headers* are in place of good ones."""
        body = event if isinstance(event, bytes) else json.dumps(event).encode()
        time = datetime.now(UTC) - age
        good = {
            "svix-id": id,
            "svix-timestamp": str(int(time.timestamp())),
            "svix-signature": Webhook(secret).sign(id, time, body.decode()),
        }
        given = {f"svix-{name}": value for name, value in headers.items()}
        kind = {"Content-Type": "application/json"}
        return self.client.post(PATH, content=body, headers=good | given | kind)

    def send_all(self, *events: Event) -> None:
        """Send events in order, each as a message of its own."""
        for number, event in enumerate(events):
            answer = self.send(event, id=f"msg_{number}")
            assert answer.status_code == 204, answer.text


@pytest.fixture
def clerk_server(start_server: Callable[..., Server]) -> Server:
    """Return a server that takes webhooks."""
    return start_server(clerk_webhook_secret=SecretStr(SECRET), oidc_issuer=ISSUER)


@pytest.fixture
def clerk(clerk_server: Server) -> Iterator[Clerk]:
    """Return a sender of events."""
    with clerk_server.client() as client:
        yield Clerk(client)


@pytest.fixture
def rows(database_url: str) -> Callable[[str], list[Any]]:
    """Return a function that reads the database."""

    def read(query: str) -> list[Any]:
        with psycopg.connect(database_url) as connection:
            return connection.execute(query).fetchall()

    return read


Rows = Callable[[str], list[Any]]
LIVE = "SELECT email FROM users WHERE deleted_at IS NULL"


def test_a_user_is_made_changed_and_deleted(clerk: Clerk, rows: Rows) -> None:
    clerk.send_all(CREATED)
    assert rows(LIVE) == [(EMAIL,)]
    assert rows("SELECT email_verified_at IS NOT NULL FROM users") == [(True,)]
    assert rows("SELECT issuer, subject, user_id IS NULL FROM identities") == [
        (ISSUER, "user_1", False)
    ]
    clerk.send(UPDATED, "msg_b")
    assert rows(LIVE) == [("new@example.org",)]
    clerk.send(DELETED, "msg_c")
    assert rows(LIVE) == []
    assert rows("SELECT count(*) FROM accounts WHERE deleted_at IS NULL") == [(0,)]


@pytest.mark.parametrize("order", [*itertools.permutations(range(3))])
def test_the_order_makes_no_difference(
    clerk: Clerk, rows: Rows, order: tuple[int, ...]
) -> None:
    events = (CREATED, UPDATED, AGAIN)
    clerk.send_all(*(events[number] for number in order))
    assert rows(LIVE) == [("newer@example.org",)]


@pytest.mark.parametrize("order", [*itertools.permutations(range(4))])
def test_who_is_deleted_stays_deleted(
    clerk: Clerk, rows: Rows, order: tuple[int, ...]
) -> None:
    events = (CREATED, UPDATED, AGAIN, DELETED)
    clerk.send_all(*(events[number] for number in order))
    assert rows(LIVE) == []
    assert rows("SELECT 1 FROM accounts WHERE deleted_at IS NULL") == []


def test_what_is_sent_again_is_done_once(clerk: Clerk, rows: Rows) -> None:
    clerk.send_all(CREATED, UPDATED, DELETED)
    (before,) = rows("SELECT deleted_at FROM users")
    clerk.send_all(CREATED, UPDATED, DELETED)
    for number, event in enumerate((CREATED, UPDATED, DELETED)):
        assert clerk.send(event, id=f"resent_{number}").status_code == 204
    assert rows("SELECT deleted_at FROM users") == [before]
    assert rows("SELECT count(*) FROM external_events") == [(6,)]


def test_many_at_once_are_as_one(clerk_server: Server, rows: Rows) -> None:
    def send(number: int) -> int:
        with clerk_server.client() as client:
            return Clerk(client).send(CREATED, id=f"msg_{number % 4}").status_code

    with ThreadPoolExecutor(8) as threads:
        assert [*threads.map(send, range(16))] == [204] * 16
    assert rows(LIVE) == [(EMAIL,)]
    assert rows("SELECT count(*) FROM accounts") == [(1,)]
    assert rows("SELECT count(*) FROM external_events") == [(4,)]


def test_created_and_deleted_at_once_is_deleted(
    clerk_server: Server, rows: Rows
) -> None:
    def send(number: int) -> int:
        with clerk_server.client() as client:
            event = DELETED if number % 2 else (CREATED, UPDATED)[number % 4 // 2]
            return Clerk(client).send(event, id=f"msg_{number}").status_code

    with ThreadPoolExecutor(8) as threads:
        assert {*threads.map(send, range(12))} == {204}
    assert rows(LIVE) == []


def test_an_event_waits_for_another_about_the_same_user(
    clerk: Clerk, rows: Rows, database_url: str
) -> None:
    rows(
        "INSERT INTO identities (issuer, subject)"
        f" VALUES ('{ISSUER}', 'user_1') RETURNING 1"
    )
    with (
        ThreadPoolExecutor() as threads,
        psycopg.connect(database_url) as other,
    ):
        other.execute("SELECT 1 FROM identities FOR UPDATE")
        answer = threads.submit(clerk.send, CREATED)
        while not rows(WAITING) and not answer.done():
            pass
        other.execute("UPDATE identities SET deleted_at = now()")
        other.commit()
        assert answer.result().status_code == 204
    assert rows(LIVE) == []


def test_who_is_deleted_is_signed_out_everywhere(
    clerk: Clerk, clerk_server: Server, admin: Admin
) -> None:
    clerk.send_all(CREATED)
    token = admin.issue_token(EMAIL, "laptop")
    with clerk_server.client(token) as device:
        assert device.get("/v1/me").status_code == 200
        clerk.send(DELETED, "msg_b")
        assert device.get("/v1/me").status_code == 401
    assert admin.users() == []


@pytest.mark.parametrize("how", ["purge", "erase"])
def test_a_late_event_does_not_bring_back_who_is_erased(
    start_server: Callable[..., Server],
    admin: Admin,
    rows: Rows,
    how: str,
) -> None:
    changes = {"clerk_webhook_secret": SecretStr(SECRET), "oidc_issuer": ISSUER}
    with start_server(**changes, grace_days=0).client() as client:
        clerk = Clerk(client)
        clerk.send_all(CREATED, DELETED)
        if how == "purge":
            admin.purge(datetime.now(UTC) + timedelta(minutes=1))
        else:
            admin.erase(EMAIL)
        assert rows("SELECT 1 FROM users") == []
        for number, event in enumerate((UPDATED, AGAIN)):
            assert clerk.send(event, f"late_{number}").status_code == 204
        assert rows("SELECT 1 FROM users") == []
    admin.purge(datetime.now(UTC) + timedelta(days=31))
    assert rows("SELECT 1 FROM identities") == []  # nor is it kept forever


def test_the_address_of_who_is_deleted_is_free(
    clerk: Clerk, clerk_server: Server, rows: Rows
) -> None:
    clerk.send_all(CREATED, DELETED)
    with clerk_server.client() as client:
        browser = Browser(client)
        assert browser.sign_in(EMAIL).status_code == 401
        assert browser.sign_up(EMAIL).url.path == "/device"
    back = {"type": "user.created", "data": user(9, "x@example.com") | {"id": "user_2"}}
    assert clerk.send(back, "msg_b").status_code == 204
    assert sorted(rows(LIVE)) == [(EMAIL,), ("x@example.com",)]


def test_an_address_that_is_not_verified_waits(clerk: Clerk, rows: Rows) -> None:
    clerk.send_all({"type": "user.created", "data": user(1, status="unverified")})
    assert rows(LIVE) == []
    clerk.send({"type": "user.updated", "data": user(2)}, "msg_b")
    assert rows(LIVE) == [(EMAIL,)]
    unverified = user(3, "other@example.org", "unverified")
    clerk.send({"type": "user.updated", "data": unverified}, "msg_c")
    assert rows(LIVE) == [(EMAIL,)]


def test_an_address_of_another_user_is_not_taken_away(
    clerk: Clerk, clerk_server: Server, rows: Rows
) -> None:
    with clerk_server.client() as client:
        Browser(client).sign_up("new@example.org")  # which was never verified
    clerk.send_all(CREATED, UPDATED)
    assert sorted(rows(LIVE)) == [(EMAIL,), ("new@example.org",)]
    taken = {"type": "user.created", "data": UPDATED["data"] | {"id": "user_2"}}
    assert clerk.send(taken, "msg_b").status_code == 204
    assert rows("SELECT count(*) FROM accounts") == [(2,)]
    assert rows("SELECT subject FROM identities WHERE user_id IS NULL") == [("user_2",)]


def test_an_address_that_two_are_given_at_once_is_ones(
    clerk: Clerk, database_url: str, rows: Rows
) -> None:
    clerk.send_all(CREATED)
    with (
        ThreadPoolExecutor() as threads,
        psycopg.connect(database_url) as other,
    ):
        other.execute("INSERT INTO accounts (plan) VALUES ('free')")
        other.execute(
            "INSERT INTO users (account_id, email, role)"
            " SELECT id, 'New@example.org', 'owner' FROM accounts LIMIT 1"
        )
        answer = threads.submit(clerk.send, UPDATED, "msg_b")
        while not rows(WAITING) and not answer.done():
            pass
        other.commit()
        assert answer.result().status_code == 204
    assert sorted(rows(LIVE)) == [("New@example.org",), (EMAIL,)]
    clerk.send({"type": "user.updated", "data": user(4)}, "msg_c")  # and goes on


def test_an_account_of_the_operators_is_found(clerk: Clerk, admin: Admin) -> None:
    admin.add_user(EMAIL.upper(), Tier.PRO)
    clerk.send_all(CREATED)
    assert [user.plan for user in admin.users()] == ["pro"]


def test_if_sign_up_is_closed_no_user_is_made(
    start_server: Callable[..., Server], admin: Admin
) -> None:
    changes = {"clerk_webhook_secret": SecretStr(SECRET), "oidc_issuer": ISSUER}
    with start_server(**changes, sign_up="closed").client() as client:
        Clerk(client).send_all(CREATED)
        assert admin.users() == []
        admin.add_user(EMAIL, Tier.FREE)
        Clerk(client).send(UPDATED | {"data": user(2)}, "msg_b")
        Clerk(client).send(AGAIN, "msg_c")
    assert [each.email for each in admin.users()] == ["newer@example.org"]


FORGED: dict[str, dict[str, Any]] = {
    "another secret": {"secret": "whsec_" + base64.b64encode(b"x" * 24).decode()},
    "too old": {"age": timedelta(minutes=6)},
    "from the future": {"age": timedelta(minutes=-6)},
    "another time": {"timestamp": "1"},
    "no time": {"timestamp": "nan"},
    "another signature": {"signature": "v1,AAAA"},
    "no signature": {"signature": ""},
    "no base64": {"signature": "v1,é"},
    "no version": {"signature": "AAAA"},
    "another version": {"signature": "v2,AAAA v1a,BBBB"},
}


@pytest.mark.parametrize("how", FORGED)
def test_what_is_not_signed_is_refused(clerk: Clerk, rows: Rows, how: str) -> None:
    forged = FORGED[how]
    sent = {k: v.encode() if k == "signature" else v for k, v in forged.items()}
    answer = clerk.send(CREATED, **sent)
    assert answer.status_code == 400
    assert answer.json()["error"]["code"] == "invalid_input"
    assert rows("SELECT 1 FROM external_events") == []
    assert rows(LIVE) == []


def test_a_body_that_was_changed_is_refused(clerk: Clerk, rows: Rows) -> None:
    body = json.dumps(CREATED).encode()
    time = datetime.now(UTC)
    signature = Webhook(SECRET).sign("msg_1", time, body.decode())
    changed = body.replace(EMAIL.encode(), b"eve@example.org")
    timestamp = str(int(time.timestamp()))

    def send(body: bytes, id: str = "msg_1") -> int:
        answer = clerk.send(body, id, timestamp=timestamp, signature=signature)
        return answer.status_code

    assert send(changed) == 400
    assert send(body, "msg_2") == 400
    assert rows(LIVE) == []
    assert send(body) == 204


def test_one_good_signature_among_others_is_enough(clerk: Clerk, rows: Rows) -> None:
    """While a secret is replaced, Svix signs with both."""
    body = json.dumps(CREATED)
    good = Webhook(SECRET).sign("msg_1", datetime.now(UTC), body)
    answer = clerk.send(body.encode(), signature=f"v1,AAAA {good}")
    assert answer.status_code == 204
    assert rows(LIVE) == [(EMAIL,)]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 422),
        (b"[]", 422),
        (b"{}", 422),
        (b"{", 422),
        (b'{"type": "user.created"}', 422),
        (b'{"type": "user.created", "data": {"id": 7}}', 422),
        (b'{"type": "user.created", "data": {"id": "a\\u0000"}}', 422),
        (b'{"type": "session.created", "data": {"id": "s"}}', 204),
        (b'{"type": "' + b"x" * (1 << 20) + b'", "data": {}}', 413),
    ],
)
def test_what_is_signed_and_no_event_does_nothing(
    clerk: Clerk, rows: Rows, body: bytes, status: int
) -> None:
    assert clerk.send(body).status_code == status
    assert rows("SELECT 1 FROM external_events") == []


def test_without_a_secret_there_is_nothing(visitor: httpx.Client) -> None:
    """Anyone could sign with an empty one."""
    assert Clerk(visitor).send(CREATED).status_code == 404


def test_nothing_about_people_is_stored_or_logged(
    clerk: Clerk, rows: Rows, capfd: pytest.CaptureFixture[str]
) -> None:
    clerk.send_all(CREATED, UPDATED)
    told = str(rows("SELECT * FROM external_events")) + capfd.readouterr().err
    assert "example.org" not in told
    assert "user_1" not in told

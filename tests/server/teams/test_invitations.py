"""Invitations by mail and by link: used once, used up, expired, revoked, mistaken."""

from collections.abc import Callable
from typing import Any

import pytest
from pydantic import SecretStr

from promptvault.domain.tier import Tier
from promptvault.server.admin import Admin
from tests.server.conftest import Server
from tests.server.mail_server import MailServer
from tests.server.teams.people import Connection, People, Person
from tests.sync.waiting import eventually

INVITATIONS = "/v1/teams/acme/invitations"


def _open(owner: Person) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = owner.get(INVITATIONS).json()["items"]
    return items


def test_a_mail_invites_the_address(mailing: People, mail: MailServer) -> None:
    owner, bob = mailing.team()[0], mailing("bob")
    made = owner.post(INVITATIONS, email="BOB@example.org", role="admin").json()
    assert made["url"].startswith(f"{mailing.server.url}/join/")
    (listed,) = _open(owner)
    assert listed == made | {"url": None}
    assert (listed["invited_by"], listed["max_uses"]) == (owner.email, 1)
    eventually(lambda: len(mail.mails) == 1)
    (to, letter), *_ = mail.mails
    text = str(letter.get_payload())
    assert to == ["BOB@example.org"]
    assert '"Acme"' in text
    assert owner.email in text
    assert made["url"] in text.replace("=\n", "")
    token = made["url"].rpartition("/")[2]
    joined = bob.accept(token).json()
    vault = owner.get("/v1/teams/acme").json()["vault"]
    assert joined == {"team": "acme", "vault": vault, "role": "admin"}
    assert _open(owner) == []


def test_a_request_whose_answer_was_lost_can_be_sent_again(mailing: People) -> None:
    owner, bob = mailing.team()[0], mailing("bob")
    token = owner.invite(email=bob.email)
    first = bob.accept(token)
    again = bob.accept(token)
    assert (again.status_code, again.json()) == (200, first.json())
    assert owner.get("/v1/teams/acme").json()["members"] == 2
    bob.delete("/v1/teams/acme/members/me")
    assert bob.accept(token).status_code == 404  # it is used


def test_a_mail_is_for_its_verified_address_alone(mailing: People) -> None:
    owner, bob, eve = mailing.team()[0], mailing("bob"), mailing("eve")
    token = owner.invite(email=bob.email)
    refused = eve.accept(token)
    assert refused.status_code == 403
    assert "another address" in refused.text
    assert bob.email not in refused.text
    mailing.connection.execute("UPDATE users SET email_verified_at = NULL")
    assert bob.accept(token).status_code == 403
    mailing.connection.execute("UPDATE users SET email_verified_at = now()")
    assert bob.accept(token).status_code == 200


def test_inviting_again_voids_the_invitation_before(mailing: People) -> None:
    owner, bob = mailing.team()[0], mailing("bob")
    first = owner.invite(email=bob.email)
    second = owner.invite(email=bob.email.upper(), role="viewer")
    assert len(_open(owner)) == 1
    assert bob.accept(first).status_code == 404
    assert bob.accept(second).json()["role"] == "viewer"
    assert owner.post(INVITATIONS, email=bob.email).status_code == 409


def test_three_mails_a_day_to_one_address(mailing: People) -> None:
    owner = mailing.team()[0]
    for _ in range(3):
        owner.invite(email="bob@example.org")
    answer = owner.post(INVITATIONS, email="Bob@example.org")
    assert answer.status_code == 429
    assert int(answer.headers["Retry-After"]) > 60 * 60
    owner.invite(email="cleo@example.org")


def test_open_mails_count_as_seats(mailing: People) -> None:
    owner = mailing.team(tier=Tier.PRO)[0]
    for name in ("bob", "cleo", "dora", "emil"):
        owner.invite(email=f"{name}@example.org")
    assert owner.post(INVITATIONS, email="eve@example.org").status_code == 402
    assert owner.post(INVITATIONS, link=True).status_code == 402
    (newest, *_) = _open(owner)
    assert owner.delete(f"{INVITATIONS}/{newest['id']}").status_code == 204
    owner.invite(email="eve@example.org")


def test_a_revoked_mail_that_waits_is_not_sent(
    mailing: People, mail: MailServer
) -> None:
    owner = mailing.team()[0]
    owner.invite(email="bob@example.org")
    eventually(lambda: len(mail.mails) == 1)
    mailing.connection.execute(
        "WITH made AS (UPDATE invitations SET revoked_at = now() RETURNING id)"
        " INSERT INTO jobs (kind, payload)"
        " SELECT 'mail_invitation', jsonb_build_object('invitation', id) FROM made"
    )
    owner.invite(email="cleo@example.org")
    eventually(lambda: len(mail.mails) == 2)
    assert [to for to, _ in mail.mails] == [["bob@example.org"], ["cleo@example.org"]]


def test_without_mail_only_links_invite(people: People) -> None:
    owner = people.team()[0]
    answer = owner.post(INVITATIONS, email="bob@example.org")
    assert answer.status_code == 422
    assert "invite with a link" in answer.text
    assert people("bob").accept(owner.invite()).status_code == 200


def test_a_provider_vouches_for_addresses_without_mail(
    start_server: Callable[..., Server], admin: Admin, connection: Connection
) -> None:
    server = start_server(
        oidc_issuer="https://127.0.0.1:9",
        oidc_client_id="promptvault",
        clerk_webhook_secret=SecretStr("whsec_" + "c2VjcmV0" * 8),
    )
    people = People(server, admin, connection)
    owner, bob = people.team()[0], people("bob")
    assert bob.accept(owner.invite(email=bob.email)).status_code == 200


@pytest.mark.parametrize(
    "wish",
    [
        {},
        {"link": False},
        {"link": True, "email": "bob@example.org"},
        {"link": True, "role": "admin"},
        {"link": True, "role": "owner"},
        {"link": True, "uses": 0},
        {"link": True, "uses": 101},
        {"link": True, "days": 31},
        {"link": True, "days": 0},
        {"link": True, "team": "other"},
        {"email": "bob@example.org", "uses": 2},
        {"email": "bob@example.org", "role": "owner"},
        {"email": "bob"},
        {"email": "b\u202eob@example.org"},
        {"email": "b\0ob@example.org"},
        {"email": "bob@example.org, eve@example.org"},
        {"email": "x" * 250 + "@example.org"},
    ],
)
def test_what_is_no_invitation(mailing: People, wish: dict[str, Any]) -> None:
    owner = mailing.team()[0]
    answer = owner.post(INVITATIONS, **wish)
    assert answer.status_code == 422, answer.text
    assert _open(owner) == []


@pytest.mark.parametrize(
    "end",
    [
        "UPDATE invitations SET expires_at = now()",
        "UPDATE invitations SET revoked_at = now()",
        "UPDATE invitations SET uses = max_uses",
        "DELETE FROM invitations",
        "UPDATE teams SET deleted_at = now()",
    ],
)
def test_an_invitation_that_has_ended(people: People, end: str) -> None:
    owner, bob = people.team()[0], people("bob")
    token = owner.invite()
    people.connection.execute(end.encode())
    assert bob.accept(token).status_code == 404
    assert bob.get("/v1/teams").json()["items"] == []


@pytest.mark.parametrize("token", ["", "x", "x" * 201, "\0", "\u202e", 1, None])
def test_what_is_no_token(people: People, token: Any) -> None:
    assert people("bob").accept(token).status_code in {404, 422}


def test_who_was_removed_does_not_come_back_by_the_same_link(people: People) -> None:
    owner, bob = people.team()[0], people("bob")
    token = owner.invite(uses=5)
    assert bob.accept(token).status_code == 200
    assert bob.delete("/v1/teams/acme/members/me").status_code == 204
    assert bob.accept(token).status_code == 200  # who has left, may
    owner.delete(f"/v1/teams/acme/members/{bob.id}")
    assert bob.accept(token).status_code == 404
    assert people("cleo").accept(token).status_code == 200
    assert bob.accept(owner.invite()).status_code == 200


def test_a_revoked_invitation_is_not_listed(people: People) -> None:
    owner, bob = people.team()[0], people("bob")
    tokens = [owner.invite() for _ in range(3)]
    page = owner.get(f"{INVITATIONS}?limit=2").json()
    rest = owner.get(f"{INVITATIONS}?before={page['next']}").json()
    assert (len(page["items"]), len(rest["items"])) == (2, 1)
    for each in page["items"]:
        assert owner.delete(f"{INVITATIONS}/{each['id']}").status_code == 204
        assert owner.delete(f"{INVITATIONS}/{each['id']}").status_code == 404
    assert [bob.accept(token).status_code for token in tokens[1:]] == [404, 404]
    assert len(_open(owner)) == 1
    assert (
        people("eve").delete(f"{INVITATIONS}/{_open(owner)[0]['id']}").status_code
        == 404
    )


def test_guesses_are_limited(people: People) -> None:
    eve = people("eve")
    statuses = [eve.accept(f"guess-{number}").status_code for number in range(12)]
    assert statuses[:10] == [404] * 10
    assert statuses[-1] == 429

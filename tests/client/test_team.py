"""The requests about teams, and what the arguments of `team` mean."""

import json
from uuid import uuid4

import pytest

from promptvault.client.address import parse_address
from promptvault.client.client import Client, connect
from promptvault.errors import (
    InvalidInputError,
    NotFoundError,
    UnavailableError,
)
from promptvault.services.teams import (
    choose_team,
    find_member,
    plan_invitations,
    plan_role,
    plan_team,
    read_invitation,
    require_server,
)
from tests.client.conftest import Start
from tests.client.stub import Reply, Stub


def _team(slug: str) -> dict[str, object]:
    return {
        "id": str(uuid4()),
        "slug": slug,
        "name": slug.title(),
        "vault": str(uuid4()),
        "role": "owner",
        "owner_email": "ada@example.org",
        "members": 1,
        "member_limit": None,
        "prompts": 0,
        "on_leave": "keep",
        "shares_by": "editor",
        "frozen": None,
        "protected": ["production"],
        "created_at": "2026-05-01T12:00:00Z",
    }


def _connected(stub: Stub) -> Client:
    return connect(parse_address(stub.url), "token", sleep=lambda _: None)


def _page(*items: dict[str, object], following: str | None = None) -> Reply:
    return Reply(body=json.dumps({"items": items, "next": following}).encode())


def test_lists_are_read_page_by_page(start: Start) -> None:
    first = _page(_team("acme"), following="a&b")
    stub = start(first, _page(_team("beta")))
    with _connected(stub) as client:
        assert [each.slug for each in client.teams.teams()] == ["acme", "beta"]
    paths = [each.path for each in stub.asked]
    assert paths == ["/v1/teams?limit=100", "/v1/teams?limit=100&before=a%26b"]


def test_what_the_user_typed_stays_within_its_part_of_the_path(start: Start) -> None:
    stub = start(Reply(status=204, body=b""))
    with _connected(stub) as client:
        client.teams.unprotect("acme?y", "a%b")
        assert stub.asked[0].path == "/v1/teams/acme%3Fy/labels/a%25b"
        for team, label in (("acme", ".."), ("acme", "."), ("acme", "")):
            with pytest.raises(InvalidInputError):
                client.teams.unprotect(team, label)  # DELETE /v1/teams/acme
        for team in ("..", "acme/../x", ""):
            with pytest.raises(InvalidInputError):
                client.teams.team(team)
    assert len(stub.asked) == 1


def test_a_server_from_before_teams_is_named_as_older(start: Start) -> None:
    unknown = b'{"error": {"code": "not_found", "message": "Not Found."}}'
    other = b'{"error": {"code": "not_found", "message": "There is no such team."}}'
    stub = start(Reply(status=404, body=unknown), Reply(status=404, body=other))
    with _connected(stub) as client:
        with pytest.raises(UnavailableError, match="update the server"):
            client.teams.team("acme")
        with pytest.raises(NotFoundError):
            client.teams.team("acme")


def test_a_team_is_made_without_what_was_not_given(start: Start) -> None:
    reply = Reply(status=201, body=json.dumps(_team("acme")).encode())
    stub = start(reply)
    with _connected(stub) as client:
        assert client.teams.create(plan_team("Acme", None)).slug == "acme"
    assert json.loads(stub.asked[0].body) == {"name": "Acme"}


def test_another_answer_is_not_one_of_a_server(start: Start) -> None:
    stub = start(Reply(body=b"[]"))
    with (
        _connected(stub) as client,
        pytest.raises(UnavailableError),
    ):
        client.teams.team("acme")


def test_the_only_team_is_meant(start: Start) -> None:
    stub = start(_page(_team("acme")))
    with _connected(stub) as client:
        assert choose_team(client.teams, None) == "acme"
        assert choose_team(client.teams, "other") == "other"
        assert choose_team(client.teams, "") == ""  # an unset variable of a script


def test_none_or_several_teams_are_an_error(start: Start) -> None:
    stub = start(_page())
    with _connected(stub) as client:
        with pytest.raises(NotFoundError):
            choose_team(client.teams, None)
        with pytest.raises(NotFoundError):
            find_member(client.teams, "acme", "ada@example.org")
    both = _page(_team("acme"), _team("beta"))
    stub = start(both)
    with (
        _connected(stub) as client,
        pytest.raises(InvalidInputError, match="--team acme or --team beta"),
    ):
        choose_team(client.teams, None)


def test_an_invitation_is_one_of_the_own_server() -> None:
    address = parse_address("https://Vault.example.org")
    invitation = read_invitation("https://vault.example.org/join/abc")
    assert invitation == ("https://vault.example.org", "abc")
    require_server(invitation, address)
    for url in (
        "https://evil.example.org/join/abc",
        "http://vault.example.org/join/abc",
        "https://vault.example.org/s/abc",
        "https://vault.example.org/join/",
        "https://vault.example.org/join/a/b",
        "abc",
    ):
        with pytest.raises(InvalidInputError):
            require_server(read_invitation(url), address)


@pytest.mark.parametrize(
    ("emails", "link", "role", "days", "uses"),
    [
        ([], False, "editor", 7, 1),
        (["ada@example.org"], True, "editor", 7, 1),
        (["ada@example.org"], False, "owner", 7, 1),
        (["ada@example.org"], False, "editor", 7, 2),
        (["ada@example.org"], False, "editor", 31, 1),
        ([], True, "admin", 7, 1),
        ([], True, "editor", 7, 101),
    ],
)
def test_an_invitation_that_cannot_be_made_is_refused_before_it_is_sent(
    emails: list[str], link: bool, role: str, days: int, uses: int
) -> None:
    with pytest.raises(InvalidInputError):
        plan_invitations(emails, link=link, role=role, days=days, uses=uses)


def test_odd_teams_and_roles_are_refused() -> None:
    for name, slug in (("", None), ("A\u202eb", None), ("Acme", "ME"), ("Acme", "me")):
        with pytest.raises(InvalidInputError):
            plan_team(name, slug)
    with pytest.raises(InvalidInputError):
        plan_role("owner")

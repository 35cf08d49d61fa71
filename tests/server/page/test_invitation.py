"""The page of an invitation: it names the sender, and a click accepts it."""

from collections.abc import Callable, Iterator

import psycopg
import pytest

from promptvault.domain.tier import Tier
from promptvault.server.admin import Admin
from tests.server.browser import Browser
from tests.server.conftest import EMAIL, Server
from tests.server.teams.people import People


@pytest.fixture
def people(server: Server, admin: Admin, database_url: str) -> Iterator[People]:
    """Return a function that creates users in this test's database."""
    with psycopg.connect(database_url, autocommit=True) as connection:
        yield People(server, admin, connection)


def test_a_click_joins(people: People, signed_up: Browser) -> None:
    owner = people.team()[0]
    token = owner.invite(role="viewer", uses=2)
    page = signed_up.open(f"/join/{token}").text
    for text in ("Acme", owner.email, "viewer", "read its prompts", "Join"):
        assert text in page
    signed_up.open(f"/join/{token}")  # opening it accepts nothing
    assert owner.get("/v1/teams/acme").json()["members"] == 1
    for _ in range(2):
        signed_up.open(f"/join/{token}")
        assert "You are in the team" in signed_up.send().text
    assert owner.get("/v1/teams/acme").json()["members"] == 2


def test_signing_in_comes_back_to_the_invitation(
    people: People, signed_up: Browser, open_browser: Callable[[], Browser]
) -> None:
    token = people.team()[0].invite()
    browser = open_browser()
    page = browser.open(f"/join/{token}").text
    assert "<form" not in page
    assert f"/signin?to=join/{token}" in page.replace("%2F", "/")
    browser.open(f"/signin?to=join/{token}")
    browser.send(email=EMAIL, password="correct horse battery")
    assert browser.page.url.path == f"/join/{token}"
    assert "You are in the team" in browser.send().text


def test_a_link_to_the_sign_in_page_leads_nowhere_else(signed_up: Browser) -> None:
    for target in (
        "join/../account",
        "join/",
        "join/x?y",
        "//evil.example",
        "join/%2e",
    ):
        signed_up.open(f"/signin?to={target}")
        signed_up.send(email=EMAIL, password="correct horse battery")
        assert signed_up.page.url.path == "/account", target


@pytest.mark.parametrize("token", ["x", "x" * 300, "%00", "%E2%80%AE"])
def test_what_is_no_invitation(signed_up: Browser, token: str) -> None:
    page = signed_up.open(f"/join/{token}")
    assert page.status_code == 404
    assert "<h1>" in page.text


def test_who_cannot_join_reads_why(people: People, signed_up: Browser) -> None:
    owner = people.team(tier=Tier.PRO)[0]
    token = owner.invite(uses=5)
    signed_up.open(f"/join/{token}")
    for name in ("bob", "cleo", "dora", "emil"):
        people(name).accept(token)
    page = signed_up.send()
    assert page.status_code == 402
    assert "allows 5 people" in page.text
    people.connection.execute("UPDATE invitations SET revoked_at = now()")
    assert signed_up.open(f"/join/{token}").status_code == 404


def test_a_name_is_text_and_a_form_of_others_is_refused(
    people: People, signed_up: Browser
) -> None:
    owner = people("owner", Tier.ENTERPRISE)
    owner.make_team("<b>&Acme</b>", slug="acme")
    token = owner.invite()
    page = signed_up.open(f"/join/{token}")
    assert "&lt;b&gt;&amp;Acme&lt;/b&gt;" in page.text
    assert "<b>" not in page.text
    assert page.headers["Referrer-Policy"] == "no-referrer"
    answer = signed_up.client.post(f"/join/{token}", data={"form_proof": "x"})
    assert answer.status_code == 403
    assert owner.get("/v1/teams/acme").json()["members"] == 1

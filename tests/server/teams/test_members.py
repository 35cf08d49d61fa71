"""Members of a team: listed, given other roles, removed; leaving."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from tests.server.teams.people import People, Person

MEMBERS = "/v1/teams/acme/members"


def _roster(person: Person) -> int:
    number: int = person.get("/v1/vaults").json()["roster"]
    return number


def _set_role(people: People, person: Person, role: str) -> None:
    people.connection.execute(
        "UPDATE vault_members SET role = %s WHERE user_id = %s AND vault_id IN"
        " (SELECT id FROM vaults WHERE team_id IS NOT NULL)",
        (role, person.id),
    )


def test_members_are_listed_by_pages(people: People) -> None:
    owner, bob, cleo = people.team("bob", "cleo")
    found: list[dict[str, Any]] = []
    cursor = ""
    for _ in range(3):
        page = cleo.get(f"{MEMBERS}?limit=1{cursor}").json()
        found += page["items"]
        cursor = f"&before={page['next']}"
    assert [each["email"] for each in found] == [owner.email, bob.email, cleo.email]
    assert [each["is_me"] for each in found] == [False, False, True]
    assert cleo.get(f"{MEMBERS}?limit=1{cursor}").json() == {"items": [], "next": None}
    assert all(each["last_seen_at"] for each in found)


@pytest.mark.parametrize("cursor", ["x", "1", "1.2.3", "-1.2", "f" * 90 + ".1", "."])
def test_a_bad_cursor_is_refused(people: People, cursor: str) -> None:
    owner = people.team()[0]
    for path in ("members", "invitations", "activity"):
        answer = owner.get(f"/v1/teams/acme/{path}", params={"before": cursor})
        assert answer.status_code == 422, path
    assert owner.get(f"{MEMBERS}?limit=101").status_code == 422


@pytest.mark.parametrize("role", ["viewer", "editor"])
def test_a_role_below_admin_changes_no_member(people: People, role: str) -> None:
    owner, bob, cleo = people.team("bob", "cleo", role=role)
    for person in (owner, cleo):
        answer = bob.patch(f"{MEMBERS}/{person.id}", role="viewer")
        assert answer.status_code == 403
        assert bob.delete(f"{MEMBERS}/{person.id}").status_code == 403
    assert bob.post("/v1/teams/acme/invitations", link=True).status_code == 403
    assert bob.get("/v1/teams/acme/invitations").status_code == 403
    assert bob.get("/v1/teams/acme/activity").status_code == 403


def test_an_admin_changes_anybody_but_the_owner(people: People) -> None:
    owner, bob, cleo = people.team("bob", "cleo")
    assert owner.patch(f"{MEMBERS}/{bob.id}", role="admin").json()["role"] == "admin"
    assert bob.patch(f"{MEMBERS}/{cleo.id}", role="viewer").json()["role"] == "viewer"
    assert bob.patch(f"{MEMBERS}/{owner.id}", role="viewer").status_code == 409
    assert bob.delete(f"{MEMBERS}/{owner.id}").status_code == 409
    assert bob.patch(f"{MEMBERS}/{cleo.id}", role="owner").status_code == 422
    assert bob.patch(f"{MEMBERS}/{people('eve').id}", role="viewer").status_code == 404
    assert bob.patch(f"{MEMBERS}/nobody", role="viewer").status_code == 422
    assert bob.patch(f"{MEMBERS}/{bob.id}", role="editor").json()["role"] == "editor"
    assert bob.patch(f"{MEMBERS}/{cleo.id}", role="editor").status_code == 403


def test_a_role_counts_from_the_next_request_on(people: People) -> None:
    owner, bob = people.team("bob")
    vault = owner.get("/v1/teams/acme").json()["vault"]
    assert bob.push(vault)["status"] == "ok"
    owner.patch(f"{MEMBERS}/{bob.id}", role="viewer")
    assert bob.push(vault)["results"][0]["why"] == "role"
    assert owner.delete(f"{MEMBERS}/{bob.id}").status_code == 204
    assert bob.push(vault)["status"] == "gone"
    assert owner.delete(f"{MEMBERS}/{bob.id}").status_code == 404


def test_leaving(people: People) -> None:
    owner, bob, cleo = people.team("bob", "cleo")
    assert owner.delete(f"{MEMBERS}/me").status_code == 409
    assert bob.delete(f"{MEMBERS}/me").status_code == 204
    assert bob.delete(f"{MEMBERS}/me").status_code == 404
    assert cleo.delete(f"{MEMBERS}/{cleo.id}").status_code == 204
    (left, *_) = owner.get("/v1/teams/acme/activity").json()["items"]
    assert (left["action"], left["subject"]) == ("member.left", cleo.email)


def test_shares_of_who_is_removed_are_revoked(people: People) -> None:
    owner, bob = people.team("bob")
    vault = owner.get("/v1/teams/acme").json()["vault"]
    bob.push(vault)
    people.connection.execute(
        "INSERT INTO shares (vault_id, item_id, mode, token, allow_secrets,"
        "                    show_author, created_by)"
        " SELECT vault_id, item_id, 'current', 'token', false, false, %s FROM items"
        "  WHERE vault_id = %s",
        (bob.id, vault),
    )
    owner.delete(f"{MEMBERS}/{bob.id}")
    revoked = people.connection.execute("SELECT revoked_at IS NOT NULL FROM shares")
    assert revoked.fetchall() == [(True,)]


def test_each_change_raises_the_roster_of_all_concerned(people: People) -> None:
    owner, bob, cleo = people.team("bob", "cleo")
    _set_role(people, bob, "admin")
    token = owner.invite()
    dora = people("dora")
    everybody = [owner, bob, cleo, dora]
    changes: list[Callable[[], httpx.Response]] = [
        lambda: dora.accept(token),
        lambda: bob.patch(f"{MEMBERS}/{dora.id}", role="viewer"),
        lambda: owner.patch("/v1/teams/acme", name="Apex"),
        lambda: owner.patch("/v1/teams/acme", on_leave="wipe"),
        lambda: owner.client.put("/v1/teams/acme/labels/staging"),
        lambda: owner.delete("/v1/teams/acme/labels/staging"),
        lambda: owner.delete(f"{MEMBERS}/{dora.id}"),
    ]
    for change in changes:
        people.forget_limits()
        before = [_roster(person) for person in everybody]
        assert change().status_code in {200, 204}
        after = [_roster(person) for person in everybody]
        assert all(new > old for new, old in zip(after, before, strict=True))
    before = [_roster(person) for person in everybody]
    owner.delete("/v1/teams/acme", confirm="acme")
    after = [_roster(person) for person in everybody]
    raised = [new > old for new, old in zip(after, before, strict=True)]
    assert raised == [True, True, True, False]


def test_what_changes_nothing_raises_and_records_nothing(people: People) -> None:
    owner, bob = people.team("bob")
    token = owner.invite()
    before = [_roster(owner), owner.get("/v1/teams/acme/activity").json()]
    for answer in (
        owner.patch(f"{MEMBERS}/{bob.id}", role="editor"),
        owner.patch("/v1/teams/acme", name="Acme"),
        owner.client.put("/v1/teams/acme/labels/production"),
        owner.delete("/v1/teams/acme/labels/nothing"),
        bob.accept(token),
    ):
        assert answer.status_code in {200, 204}, answer.text
    assert [_roster(owner), owner.get("/v1/teams/acme/activity").json()] == before

"""Teams: created, shown, changed, deleted, restored, erased; protected labels."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from promptvault.domain.tier import Tier
from promptvault.errors import ConflictError, NotFoundError
from tests.server.sync.conftest import new
from tests.server.teams.people import People, Person


def test_a_team_has_a_vault_an_owner_and_a_protected_label(people: People) -> None:
    ada = people("ada")
    made = ada.make_team("Ada's Team")
    assert made["slug"] == "ada-s-team"
    assert made["role"] == "owner"
    assert made["owner_email"] == ada.email
    assert (made["members"], made["member_limit"], made["prompts"]) == (1, 1, 0)
    assert (made["frozen"], made["protected"]) == (None, ["production"])
    for reference in (made["slug"], made["id"]):
        assert ada.get(f"/v1/teams/{reference}").json() == made
    assert ada.get("/v1/teams").json() == {"items": [made], "next": None}
    assert ada.push(made["vault"])["status"] == "ok"
    assert ada.get("/v1/teams/ada-s-team").json()["prompts"] == 1


def test_names_that_are_refused(people: People) -> None:
    people("ada").make_team("Acme")
    wishes: list[tuple[dict[str, Any], int]] = [
        ({"name": "Acme"}, 409),  # as its short name would be
        ({"name": "Other", "slug": "acme"}, 409),
        ({"name": "Other", "slug": "personal"}, 422),
        ({"name": "Other", "slug": "Acme"}, 422),
        ({"name": "Other", "slug": "a\0b"}, 422),
        ({"name": "研究"}, 422),
        ({"name": ""}, 422),
        ({"name": " "}, 422),
        ({"name": "x" * 81}, 422),
        ({"name": "a\u202eb"}, 422),
        ({"name": "a\nb"}, 422),
        ({"name": "a\0b"}, 422),
        ({"name": "Other", "owner": "me"}, 422),
        ({}, 422),
    ]
    bob = people("bob")
    for wish, status in wishes:
        people.forget_limits()
        assert bob.post("/v1/teams", **wish).status_code == status, wish
    assert bob.get("/v1/teams").json()["items"] == []


def test_a_name_with_other_letters_takes_a_short_name(people: People) -> None:
    made = people("ada").make_team("研究", slug="kenkyu")
    assert (made["name"], made["slug"]) == ("研究", "kenkyu")


def test_five_teams_an_hour(people: People) -> None:
    ada = people("ada")
    for number in range(5):
        ada.make_team(f"Team {number}")
    assert ada.post("/v1/teams", name="One more").status_code == 429
    people.forget_limits()
    page = ada.get("/v1/teams?limit=4").json()
    assert page["next"] == "team-3"
    rest = ada.get("/v1/teams?before=team-3").json()
    assert [team["slug"] for team in rest["items"]] == ["team-4"]


def test_an_admin_renames_and_only_the_owner_says_what_leaving_does(
    people: People,
) -> None:
    owner, bob = people.team("bob", role="viewer")
    path = "/v1/teams/acme"
    assert bob.patch(path, name="Mine").status_code == 403
    owner.patch(f"{path}/members/{bob.id}", role="admin")
    renamed = bob.patch(path, name="Apex", slug="apex", shares_by="admin").json()
    assert (renamed["name"], renamed["slug"]) == ("Apex", "apex")
    assert renamed["shares_by"] == "admin"
    assert bob.patch("/v1/teams/apex", on_leave="wipe").status_code == 403
    assert owner.patch("/v1/teams/apex", on_leave="wipe").json()["on_leave"] == "wipe"
    assert owner.get(path).status_code == 404  # the old short name
    assert people("eve").make_team("Acme")["slug"] == "acme"
    assert bob.patch("/v1/teams/apex", slug="acme").status_code == 409
    vaults = bob.get("/v1/vaults").json()["items"]
    assert [vault["name"] for vault in vaults] == ["Personal", "Apex"]


def test_labels_are_protected_and_free_again(people: People) -> None:
    owner, bob = people.team("bob")
    path = "/v1/teams/acme/labels"
    for _ in range(2):
        assert owner.client.put(f"{path}/staging").status_code == 204
    assert bob.client.put(f"{path}/other").status_code == 403
    assert owner.client.put(f"{path}/No Label").status_code == 422
    for _ in range(2):
        assert owner.delete(f"{path}/production").status_code == 204
    assert bob.get("/v1/teams/acme").json()["protected"] == ["staging"]
    log = owner.get("/v1/teams/acme/activity").json()["items"]
    assert [each["action"] for each in log][:2] == ["rule.removed", "rule.added"]


def test_a_device_that_may_not_manage_reads_and_changes_nothing(
    people: People,
) -> None:
    owner, _ = people.team("bob")
    token = people.admin.issue_token(owner.email, "a device")
    with people.server.client(token) as client:
        assert client.get("/v1/teams/acme/members").status_code == 200
        for method, path in (
            ("POST", "/v1/teams"),
            ("PATCH", "/v1/teams/acme"),
            ("DELETE", "/v1/teams/acme"),
            ("POST", "/v1/teams/acme/invitations"),
            ("DELETE", f"/v1/teams/acme/members/{owner.id}"),
            ("PUT", "/v1/teams/acme/labels/x"),
        ):
            answer = client.request(method, path, json={})
            assert answer.status_code == 403, path
            assert "promptvault login --manage" in answer.text


def test_any_device_may_leave(people: People) -> None:
    _, bob = people.team("bob")
    token = people.admin.issue_token(bob.email, "a device")
    with people.server.client(token) as client:
        assert client.delete("/v1/teams/acme/members/me").status_code == 204
        assert client.get("/v1/teams/acme").status_code == 404


def test_any_device_may_accept_an_invitation(people: People) -> None:
    (owner,) = people.team()
    token = people.admin.issue_token(people("bob").email, "a device")
    with people.server.client(token) as client:
        wish = {"token": owner.invite()}
        assert client.post("/v1/invitations/accept", json=wish).status_code == 200
        assert client.get("/v1/teams/acme").json()["role"] == "editor"


def test_strangers_find_no_team(people: People) -> None:
    owner, _ = people.team("bob")
    eve = people("eve")
    team = owner.get("/v1/teams/acme").json()
    for reference in ("acme", team["id"], "nowhere"):
        assert eve.get(f"/v1/teams/{reference}").status_code == 404
        assert eve.get(f"/v1/teams/{reference}/activity").status_code == 404
        assert eve.delete(f"/v1/teams/{reference}", confirm="acme").status_code == 404
    assert eve.push(team["vault"]) == {"id": team["vault"], "status": "gone"}


def test_a_deleted_team_is_gone_for_all_and_comes_back_whole(people: People) -> None:
    owner, bob = people.team("bob", tier=Tier.PRO)
    team = owner.get("/v1/teams/acme").json()
    bob.push(team["vault"])
    assert bob.delete("/v1/teams/acme", confirm="acme").status_code == 403
    assert owner.delete("/v1/teams/acme", confirm="Acme").status_code == 422
    assert owner.delete("/v1/teams/acme", confirm="acme").status_code == 204
    for member in (owner, bob):
        assert member.get("/v1/teams/acme").status_code == 404
        assert member.push(team["vault"])["status"] == "gone"
        names = [vault["name"] for vault in member.get("/v1/vaults").json()["items"]]
        assert names == ["Personal"]
    assert _usage(owner) == {"prompts": 0, "members": 1}
    assert people("eve").post("/v1/teams", name="Acme").status_code == 409
    (listed,) = people.admin.teams()
    assert listed.deleted_at is not None
    people.admin.restore_team("acme")
    assert owner.get("/v1/teams/acme").json() == team | {"prompts": 1}
    assert bob.get("/v1/teams/acme").json()["role"] == "editor"
    assert bob.push(team["vault"])["status"] == "ok"
    assert _usage(owner) == {"prompts": 2, "members": 2}
    with pytest.raises(ConflictError):
        people.admin.restore_team("acme")
    with pytest.raises(NotFoundError):
        people.admin.restore_team("nowhere")


def test_a_restored_team_with_too_many_members_is_frozen(people: People) -> None:
    owner, bob = people.team("bob", tier=Tier.PRO)
    vault = owner.get("/v1/teams/acme").json()["vault"]
    owner.delete("/v1/teams/acme", confirm="acme")
    people.admin.set_tier(owner.email, Tier.FREE)
    people.admin.restore_team("acme")
    assert bob.push(vault)["results"][0]["why"] == "plan"


def test_after_the_grace_period_a_deleted_team_is_erased(people: People) -> None:
    owner, bob = people.team("bob")
    vault = owner.get("/v1/teams/acme").json()["vault"]
    bob.push(vault, new(), new())
    owner.delete("/v1/teams/acme", confirm="acme")
    now = datetime.now(UTC)
    assert people.admin.purge(now).teams == 0
    assert people.admin.purge(now + timedelta(days=31)).teams == 1
    with pytest.raises(NotFoundError):
        people.admin.restore_team("acme")
    rows = people.connection.execute(
        "SELECT (SELECT count(*) FROM vaults WHERE id = %s), stored_bytes"
        " FROM accounts JOIN users ON users.account_id = accounts.id"
        " WHERE users.id = %s",
        (vault, owner.id),
    ).fetchall()
    assert rows == [(0, 0)]
    assert people("eve").make_team("Acme")["slug"] == "acme"


def _usage(person: Person) -> dict[str, int]:
    usage = person.get("/v1/me").json()["usage"]
    return {name: usage[name] for name in ("prompts", "members")}

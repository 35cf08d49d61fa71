"""Teams: made, shown, changed, deleted, and restored."""

from tests.server.teams.people import People


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

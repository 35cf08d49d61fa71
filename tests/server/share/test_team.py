"""A prompt of a team that is shared, and the team then changes."""

import httpx
import pytest

from promptvault.domain.tier import Tier
from tests.server.sync.conftest import new
from tests.server.teams.conftest import connection, people
from tests.server.teams.people import People, Person

__all__ = ["connection", "people"]

HELD = "only the invited may read this"


def _vault_of(person: Person) -> str:
    found = person.get("/v1/vaults").json()["items"]
    (vault,) = [each["id"] for each in found if each["kind"] == "team"]
    return str(vault)


def _push(person: Person, vault: str) -> str:
    made = new(HELD)
    (result,) = person.push(vault, made)["results"]
    assert result["r"] == "ok"
    return str(made["item"])


def _ask(person: Person, vault: str, item: str) -> httpx.Response:
    return person.post("/v1/shares", vault=vault, item=item, mode="current")


def _status(share: httpx.Response) -> int:
    assert share.status_code == 201, share.text
    answer = httpx.get(share.json()["raw_url"])
    assert (HELD in answer.text) == (answer.status_code == 200)
    return answer.status_code


def test_a_member_who_is_removed_or_leaves_takes_the_shares_along(
    people: People,
) -> None:
    owner, bob, cid = people.team("bob", "cid")
    vault = _vault_of(owner)
    item = _push(owner, vault)
    kept, removed, left = (_ask(each, vault, item) for each in (owner, bob, cid))
    assert {_status(kept), _status(removed), _status(left)} == {200}
    assert owner.delete(f"/v1/teams/acme/members/{bob.id}").status_code == 204
    assert cid.delete("/v1/teams/acme/members/me").status_code == 204
    assert (_status(kept), _status(removed), _status(left)) == (200, 410, 410)
    assert _ask(bob, vault, item).status_code == 404
    assert bob.get("/v1/shares", params={"ended": True}).json()["items"] == []
    change = bob.patch(f"/v1/shares/{removed.json()['id']}", expires_in=3600)
    assert change.status_code == 404


def test_a_viewer_shares_nothing(people: People) -> None:
    owner, eve = people.team("eve", role="viewer")
    vault = _vault_of(owner)
    assert _ask(eve, vault, _push(owner, vault)).status_code == 403


@pytest.mark.parametrize("why", ["plan", "owner_gone"])
def test_a_share_of_a_frozen_team_goes_on(people: People, why: str) -> None:
    """A frozen vault can be read; only a deleted team takes its shares along."""
    owner, bob = people.team("bob")
    vault = _vault_of(owner)
    share = _ask(bob, vault, _push(bob, vault))
    people.connection.execute(
        "UPDATE vaults SET frozen_at = now(), frozen_why = %s WHERE id = %s",
        (why, vault),
    )
    assert _status(share) == 200


def test_a_deleted_team_ends_the_shares_of_all(people: People) -> None:
    owner, bob = people.team("bob")
    vault = _vault_of(owner)
    item = _push(owner, vault)
    share = _ask(bob, vault, item)
    assert owner.delete("/v1/teams/acme", confirm="acme").status_code in {200, 204}
    assert _status(share) == 410
    assert _ask(owner, vault, item).status_code == 404
    assert bob.get("/v1/shares").json()["items"] == []


def test_the_plan_of_the_team_limits_its_shares(people: People) -> None:
    """Not that of the member who shares."""
    owner, bob = people.team("bob", tier=Tier.PRO)
    vault = _vault_of(owner)
    item = _push(owner, vault)
    found = [_ask(bob, vault, item).status_code for _ in range(5)]
    assert found == [201] * 5

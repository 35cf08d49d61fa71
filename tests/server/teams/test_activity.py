"""The activity log of a team and of an account."""

from datetime import UTC, datetime, timedelta
from typing import Any

from promptvault.domain.tier import Tier
from tests.server.sync.conftest import after, gone, new
from tests.server.teams.people import People, Person

PATH = "/v1/teams/acme/activity"


def _pages(person: Person, path: str, limit: int) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    cursor: str | None = ""
    while cursor is not None:
        query = {"limit": limit} | ({"before": cursor} if cursor else {})
        page = person.get(path, params=query).json()
        found, cursor = found + page["items"], page["next"]
    return found


def test_the_log_and_the_last_change_of_each_prompt_are_one_list(
    people: People,
) -> None:
    owner, bob = people.team("bob")
    vault = owner.get("/v1/teams/acme").json()["vault"]
    first, doomed = new("text-one"), new("text-two")
    bob.push(vault, first, doomed)
    owner.client.put("/v1/teams/acme/labels/staging")
    bob.push(vault, after(first, "text-three"))
    bob.push(vault, gone(doomed))
    whole = owner.get(PATH).json()
    assert whole["next"] is None
    lines = [(each["action"], each["actor_email"]) for each in whole["items"]]
    assert lines == [
        ("prompt.deleted", bob.email),
        ("prompt.changed", bob.email),
        ("rule.added", owner.email),
        ("member.joined", bob.email),
        ("member.invited", owner.email),
        ("team.created", owner.email),
    ]
    assert whole["items"][1]["subject"] == first["payload"]["name"]
    assert "text-" not in str(whole)
    for limit in (1, 2, 5):
        assert _pages(owner, PATH, limit) == whole["items"]


def test_a_log_holds_no_secret(people: People) -> None:
    owner = people.team()[0]
    token = owner.invite()
    people("bob").accept(token)
    assert token not in owner.get(PATH).text
    rows = people.connection.execute("SELECT t::text FROM activities t").fetchall()
    assert not any(token in row for (row,) in rows)
    networks = people.connection.execute("SELECT DISTINCT network FROM activities")
    assert [str(network) for (network,) in networks.fetchall()] == ["127.0.0.1"]


def test_the_log_of_an_account_is_its_own(people: People) -> None:
    owner, bob = people.team("bob")
    mine = owner.get("/v1/me/activity").json()["items"]
    assert {each["action"] for each in mine} == {
        *("team.created", "member.invited", "member.joined")
    }
    assert bob.get("/v1/me/activity").json() == {"items": [], "next": None}
    assert len(_pages(owner, "/v1/me/activity", 1)) == len(mine)


def test_old_lines_go_after_90_days_or_2_years(people: People) -> None:
    rich, poor = people.team()[0], people("bob", Tier.PRO)
    poor.make_team("Other")
    now = datetime.now(UTC)
    counts = []
    for days in (89, 91, 731):
        people.admin.purge(now + timedelta(days=days))
        rows = people.connection.execute(
            "SELECT actor, count(*) FROM activities GROUP BY actor"
        )
        counts.append({str(actor): count for actor, count in rows.fetchall()})
    assert counts == [{rich.id: 1, poor.id: 1}, {rich.id: 1}, {}]


def test_invitations_go_30_days_after_their_end(people: People) -> None:
    owner = people.team()[0]
    owner.invite(days=1)
    left = []
    for days in (30, 32):
        people.admin.purge(datetime.now(UTC) + timedelta(days=days))
        rows = people.connection.execute("SELECT count(*) FROM invitations")
        left += rows.fetchall()
    assert left == [(1,), (0,)]

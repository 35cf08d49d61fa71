"""The activity log of a team and of an account."""

from datetime import UTC, datetime, timedelta
from typing import Any

from promptvault.domain.tier import Tier
from promptvault.server.activity.service import FORMER_MEMBER
from promptvault.server.tables import METADATA
from tests.server.sync.conftest import after, gone, new
from tests.server.teams.people import Connection, People, Person

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


def test_an_erased_user_has_no_address_in_the_log_of_others(
    mailing: People, connection: Connection
) -> None:
    owner, bob = mailing.team("bob")
    owner.patch(f"/v1/teams/acme/members/{bob.id}", role="admin")
    owner.make_team("Other")
    owner.invite("other", email=bob.email)
    bob.invite(role="viewer")
    mailing.admin.erase(bob.email)
    for table in METADATA.tables.keys() - {"rate_limits", "jobs"}:
        rows = connection.execute(f"SELECT t::text FROM {table} t".encode()).fetchall()
        assert bob.email not in str(rows), table
    log = owner.get("/v1/teams/acme/activity").json()["items"]
    told = [(each["actor_email"], each["action"], each["subject"]) for each in log]
    assert told[:4] == [
        (FORMER_MEMBER, "member.left", FORMER_MEMBER),
        (FORMER_MEMBER, "member.invited", "link"),
        (owner.email, "member.role", FORMER_MEMBER),
        (FORMER_MEMBER, "member.joined", FORMER_MEMBER),
    ]
    assert owner.get("/v1/teams/other/invitations").json()["items"] == []


def test_who_has_the_address_of_an_erased_user_keeps_it(
    mailing: People, connection: Connection
) -> None:
    owner, bob = mailing.team("bob")
    owner.make_team("Other")
    owner.invite("other", email=bob.email)
    connection.execute(
        "UPDATE users SET deleted_at = now(), erase_at = now() WHERE id = %s", (bob.id,)
    )
    mailing.admin.add_user(bob.email, Tier.FREE)
    mailing.admin.purge(datetime.now(UTC))
    (invited,) = owner.get("/v1/teams/other/invitations").json()["items"]
    assert invited["email"] == bob.email

"""Seats: never more members than the plan allows, even with concurrent requests."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any
from uuid import UUID

import psycopg
import pytest

from promptvault.domain.tier import Tier
from promptvault.server.database import Connection
from promptvault.server.limit.rule import ROUTE_LIMITS
from promptvault.server.team import change
from tests.server.teams.people import People, Person

AT_ONCE = 30
_WAITING = (
    "SELECT 1 FROM pg_stat_activity"
    " WHERE datname = current_database() AND wait_event_type = 'Lock'"
)


def _accept_at_once(people: Sequence[Person], token: str) -> list[int]:
    """Let all accept an invitation at the same time, and return the statuses."""
    barrier = Barrier(len(people))

    def accept(person: Person) -> int:
        barrier.wait()
        return person.accept(token).status_code

    with ThreadPoolExecutor(len(people)) as threads:
        return [*threads.map(accept, people)]


def _members(owner: Person) -> int:
    count: int = owner.get("/v1/teams/acme").json()["members"]
    return count


@pytest.fixture
def crowd(people: People, monkeypatch: pytest.MonkeyPatch) -> list[Person]:
    """Return many users whose requests no rate limit stops."""
    monkeypatch.delitem(ROUTE_LIMITS, "accept_invitation")
    return [people(f"guest-{number}") for number in range(AT_ONCE)]


def test_thirty_at_once_fill_five_seats(people: People, crowd: list[Person]) -> None:
    (owner,) = people.team(tier=Tier.PRO)
    statuses = _accept_at_once(crowd, owner.invite(uses=100))
    assert sorted(statuses) == [200] * 4 + [402] * (AT_ONCE - 4)
    assert _members(owner) == 5
    assert owner.get("/v1/me").json()["usage"]["members"] == 5


def test_without_the_lock_there_would_be_more(
    people: People, crowd: list[Person], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control: without the lock, the limit is exceeded."""

    async def no_lock(_connection: Connection, _account_id: UUID) -> None:
        pass

    (owner,) = people.team(tier=Tier.PRO)
    token = owner.invite(uses=100)
    monkeypatch.setattr(change, "lock_account", no_lock)
    _accept_at_once(crowd, token)
    assert _members(owner) > 5


def test_a_seat_that_is_taken_during_the_wait_counts(
    people: People, connection: psycopg.Connection[Any], database_url: str
) -> None:
    (owner,) = people.team(tier=Tier.PRO)
    bob, token = people("bob"), owner.invite()
    with ThreadPoolExecutor() as threads, psycopg.connect(database_url) as other:
        other.execute("SELECT 1 FROM vaults FOR UPDATE")
        accepting = threads.submit(bob.accept, token)
        while not connection.execute(_WAITING).fetchone():
            pass
        other.execute("UPDATE accounts SET member_count = member_limit")
        other.commit()
        assert accepting.result().status_code == 402


def test_one_of_two_gets_the_last_use_of_a_link(people: People) -> None:
    (owner,) = people.team()
    token = owner.invite(uses=1)
    pair = [people("bob"), people("cleo")]
    assert sorted(_accept_at_once(pair, token)) == [200, 404]
    assert _members(owner) == 2


def test_a_person_in_two_teams_has_one_seat(people: People) -> None:
    owner, *_ = people.team("bob", "cleo", "dora", "emil", tier=Tier.PRO)
    owner.make_team("Other")
    bob, eve = people("bob"), people("eve")
    with_link = {"link": True, "uses": 3}
    assert owner.post("/v1/teams/other/invitations", **with_link).status_code == 402
    people.admin.set_tier(owner.email, Tier.ENTERPRISE)
    token = owner.invite("other", uses=3)
    people.admin.set_tier(owner.email, Tier.PRO)
    assert bob.accept(token).status_code == 200
    assert eve.accept(token).status_code == 402
    assert owner.get("/v1/me").json()["usage"]["members"] == 5
    assert bob.delete("/v1/teams/acme/members/me").status_code == 204
    assert eve.accept(token).status_code == 402
    assert bob.delete("/v1/teams/other/members/me").status_code == 204
    assert eve.accept(token).status_code == 200


def test_a_free_team_is_one_of_oneself(people: People) -> None:
    (owner,) = people.team(tier=Tier.FREE)
    answer = owner.post("/v1/teams/acme/invitations", link=True)
    assert answer.status_code == 402
    assert answer.json()["error"]["code"] == "tier_limit"


def test_a_smaller_plan_freezes_all_teams_and_keeps_all_members(people: People) -> None:
    owner, bob, cleo = people.team("bob", "cleo", tier=Tier.PRO)
    owner.patch(f"/v1/teams/acme/members/{cleo.id}", role="admin")
    team, other = owner.get("/v1/teams/acme").json(), owner.make_team("Other")
    people.admin.set_tier(owner.email, Tier.FREE)
    for slug in ("acme", "other"):
        assert owner.get(f"/v1/teams/{slug}").json()["frozen"] == "plan"
    assert _members(owner) == 3
    assert bob.push(team["vault"])["results"][0]["why"] == "plan"
    assert cleo.push(team["vault"])["status"] == "ok"
    assert owner.push(other["vault"])["status"] == "ok"
    people.admin.set_tier(owner.email, Tier.PRO)
    assert owner.get("/v1/teams/other").json()["frozen"] is None
    assert bob.push(team["vault"])["status"] == "ok"
    log = owner.get("/v1/me/activity").json()["items"]
    actions = [each["action"] for each in log]
    assert actions[:6] == [
        *("team.thawed", "team.thawed", "plan.changed"),
        *("team.frozen", "team.frozen", "plan.changed"),
    ]
    assert log[2]["actor_email"] == "operator"
    assert log[2]["details"] == {"before": "free", "why": "gift"}


def test_a_team_made_meanwhile_is_frozen_as_well(people: People) -> None:
    owner, _ = people.team("bob", tier=Tier.PRO)
    people.admin.set_tier(owner.email, Tier.FREE)
    assert owner.make_team("Other")["frozen"] == "plan"


def test_who_leaves_thaws_the_team(people: People) -> None:
    owner, bob, cleo = people.team("bob", "cleo", tier=Tier.PRO)
    vault = owner.get("/v1/teams/acme").json()["vault"]
    people.admin.set_tier(owner.email, Tier.FREE)
    bob.delete("/v1/teams/acme/members/me")
    assert owner.get("/v1/teams/acme").json()["frozen"] == "plan"
    owner.delete(f"/v1/teams/acme/members/{cleo.id}")
    assert owner.get("/v1/teams/acme").json()["frozen"] is None
    assert owner.push(vault)["status"] == "ok"

"""A random walk over the routes of teams: the invariants hold after each step."""

import random
from collections import Counter
from collections.abc import Callable
from typing import Any

import httpx
import psycopg
import pytest

from promptvault.domain.tier import Tier
from promptvault.errors import PromptVaultError
from tests.server.teams.invariants import Invariants
from tests.server.teams.people import People, Person

STEPS = 120
NAMES = ("ada", "bob", "cleo", "dora", "emil", "fay")
SLUGS = ("acme", "apex")
ROLES = ("admin", "editor", "viewer")

EXPECTED = {200, 201, 204, 402, 403, 404, 409}
"""Statuses of requests that are well formed; none of them fails."""


class Walk:
    """Users who act at random, and the invariants."""

    def __init__(self, people: People, seed: int) -> None:
        self.people, self.random = people, random.Random(seed)
        self.crew = [people(name, Tier.PRO) for name in NAMES]
        self.tokens = ["none"]
        self.done: Counter[str] = Counter()
        accounts = [account for (account,) in self.rows("SELECT id FROM accounts")]
        self.invariants = Invariants(self.rows, accounts)

    def step(self) -> None:
        """Run one action, and check the invariants."""
        self.people.forget_limits()
        action = self.random.choice(ACTIONS)
        answer = action(self)
        status = None if answer is None else answer.status_code
        assert status is None or status in EXPECTED, (action.__name__, answer)
        self.done[f"{action.__name__} {status}"] += 1
        try:
            self.invariants.check(may_exceed=action in {set_tier, restore})
        except AssertionError as error:
            raise AssertionError(f"after {action.__name__} ({status})") from error

    def rows(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        """Return the result of a query."""
        return self.people.connection.execute(query.encode(), values).fetchall()

    def someone(self) -> Person:
        """Return a random user."""
        return self.random.choice(self.crew)

    def somewhere(self) -> str:
        """Return the path of a team, which may not exist."""
        return f"/v1/teams/{self.random.choice(SLUGS)}"


def create(walk: Walk) -> httpx.Response:
    """Make a team."""
    return walk.someone().post("/v1/teams", name=walk.random.choice(SLUGS))


def invite(walk: Walk) -> httpx.Response:
    """Create a link that all users know."""
    role = walk.random.choice(ROLES[1:])
    answer = walk.someone().post(
        f"{walk.somewhere()}/invitations", link=True, role=role, uses=3
    )
    if answer.status_code == 201:
        walk.tokens.append(answer.json()["url"].rpartition("/")[2])
    return answer


def accept(walk: Walk) -> httpx.Response:
    """Accept one of the last invitations."""
    return walk.someone().accept(walk.random.choice(walk.tokens[-3:]))


def change_role(walk: Walk) -> httpx.Response:
    """Change a role."""
    path = f"{walk.somewhere()}/members/{walk.someone().id}"
    return walk.someone().patch(path, role=walk.random.choice(ROLES))


def remove(walk: Walk) -> httpx.Response:
    """Remove a member."""
    return walk.someone().delete(f"{walk.somewhere()}/members/{walk.someone().id}")


def leave(walk: Walk) -> httpx.Response:
    """Leave a team."""
    return walk.someone().delete(f"{walk.somewhere()}/members/me")


def change(walk: Walk) -> httpx.Response:
    """Change a setting."""
    on_leave = walk.random.choice(("keep", "wipe"))
    return walk.someone().patch(walk.somewhere(), on_leave=on_leave)


def rename(walk: Walk) -> httpx.Response:
    """Change the name, or the short name."""
    name = {walk.random.choice(("name", "slug")): walk.random.choice(SLUGS)}
    return walk.someone().patch(walk.somewhere(), **name)


def protect(walk: Walk) -> httpx.Response:
    """Protect a label, or remove its protection."""
    method = walk.random.choice(("PUT", "DELETE"))
    path = f"{walk.somewhere()}/labels/production"
    return walk.someone().client.request(method, path)


def delete(walk: Walk) -> httpx.Response | None:
    """Delete a team, not too often."""
    if walk.random.random() < 0.6:
        return None
    path = walk.somewhere()
    return walk.someone().delete(path, confirm=path.rpartition("/")[2])


def restore(walk: Walk) -> None:
    """Restore a team, if it is deleted."""
    try:
        walk.people.admin.restore_team(walk.random.choice(SLUGS))
    except PromptVaultError:
        return


def set_tier(walk: Walk) -> None:
    """Give an account another plan."""
    tier = walk.random.choice((Tier.FREE, Tier.PRO, Tier.PRO, Tier.ENTERPRISE))
    walk.people.admin.set_tier(walk.someone().email, tier)


def push(walk: Walk) -> None:
    """Push a new prompt to a random vault."""
    person = walk.someone()
    vaults = person.get("/v1/vaults").json()["items"]
    person.push(walk.random.choice(vaults)["id"])


ACTIONS: list[Callable[[Walk], httpx.Response | None]] = [
    *(create, create, invite, invite, invite, invite),
    *(accept, accept, accept, accept, accept, accept, change_role, change_role),
    *(remove, leave, change, rename, protect, delete, restore, set_tier, push),
]


@pytest.mark.parametrize("seed", range(2))
def test_what_must_hold_does(people: People, seed: int) -> None:
    walk = Walk(people, seed)
    for _ in range(STEPS):
        walk.step()
    assert {"create 201", "accept 200"} <= walk.done.keys()


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(100, 130))
def test_what_must_hold_does_at_length(people: People, seed: int) -> None:
    walk = Walk(people, seed)
    for _ in range(10 * STEPS):
        walk.step()


def test_the_database_refuses_a_second_owner(people: People) -> None:
    _, bob = people.team("bob")
    with pytest.raises(psycopg.errors.UniqueViolation):
        people.connection.execute(
            "UPDATE vault_members SET role = 'owner' WHERE user_id = %s", (bob.id,)
        )

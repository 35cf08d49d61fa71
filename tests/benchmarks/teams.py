"""Print what teams cost, against the same with a personal vault alone:
`python -m tests.benchmarks.teams [--seconds N] [--rounds N] [--runs N]`."""

import argparse
import contextlib
import json
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple
from uuid import uuid4

import httpx
import psycopg
from pydantic import SecretStr

from promptvault.domain.tier import Tier
from promptvault.home import team_vaults
from promptvault.server.admin import Admin
from promptvault.server.postgres import embedded
from promptvault.server.settings import Settings
from tests.benchmarks.device import PROGRAM, Device
from tests.benchmarks.measure import Command, compare
from tests.benchmarks.sync_load import Target
from tests.benchmarks.sync_server import SECRET, VAULTS, make_targets, ours, push_for
from tests.server.team import add_member, count_members, insert_team

_TEAMS = 9
_CHANGES = 40
_PATIENCE_SECONDS = 30
_SHOWN = "SELECT name, role FROM sync_team"


def main() -> None:
    """Measure, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=8.0, help="of each load")
    parser.add_argument("--rounds", type=int, default=3, help="each of both in turn")
    parser.add_argument("--runs", type=int, default=10, help="of `sync`")
    options = parser.parse_args()
    print("| what | measured | ratio | target |\n|---|---|---|---|")
    with tempfile.TemporaryDirectory() as name, embedded.owned(Path(name)) as address:
        with ours(address) as url:
            print(_pushes(url, address, options.seconds, options.rounds), flush=True)
            print(_nothing_new(url, address, Path(name), options.runs), flush=True)
            print(_roster(url, address, Path(name)))


def _pushes(url: str, address: str, seconds: float, rounds: int) -> str:
    """Measure changes of one prompt in each vault, by the same users."""
    personal = [
        each._replace(item=str(uuid4())) for each in make_targets(address, VAULTS)
    ]
    teams = [
        _in_team(address, target, number) for number, target in enumerate(personal)
    ]
    pairs = []
    for _ in range(rounds + 1):  # the first one is the warm-up
        base, personal = push_for(url, personal, seconds)
        load, teams = push_for(url, teams, seconds)
        pairs.append((load.per_second, base.per_second))
    own, bare = (statistics.median(each) for each in zip(*pairs[1:], strict=True))
    ratio = statistics.median(one / two for one, two in pairs[1:])
    label = (
        "changes a second in a team's vault with a protected label / in a personal one"
    )
    return f"| {label} | {own:,.0f} / {bare:,.0f} | {ratio:.2f} | >= 0.95 |"


def _in_team(address: str, target: Target, number: int) -> Target:
    """Make a team of a user, and return its vault for the same token."""
    with psycopg.connect(address) as connection:
        team = insert_team(connection, f"user{number}@example.org", f"team{number}")
        count_members(connection, team.account)
        row = connection.execute(
            "SELECT epoch FROM vaults WHERE id = %s", (team.vault,)
        ).fetchone()
    assert row is not None
    return target._replace(vault=str(team.vault), epoch=str(row[0]), item=str(uuid4()))


class _User(NamedTuple):
    email: str
    token: str


def _user(address: str, name: str) -> _User:
    admin = Admin(Settings(database_url=SecretStr(address), secret=SecretStr(SECRET)))
    email = f"{name}@example.org"
    admin.add_user(email, Tier.ENTERPRISE)
    return _User(email, admin.issue_token(email, "benchmark", manage=True))


def _team(address: str, owner: _User, slug: str, *editors: _User) -> None:
    """Make a team, which all of its members learn by their next sync."""
    with psycopg.connect(address) as connection:
        team = insert_team(connection, owner.email, slug)
        for editor in editors:
            add_member(connection, team, editor.email, "editor")
        count_members(connection, team.account)
        connection.execute(
            "UPDATE users SET roster_version = roster_version + 1 WHERE id IN"
            " (SELECT user_id FROM vault_members WHERE vault_id = %s)",
            (team.vault,),
        )


def _nothing_new(url: str, address: str, folder: Path, runs: int) -> str:
    """Measure `sync` of a device with ten vaults, and of one with its own alone."""
    devices = []
    for name, teams in (("many", _TEAMS), ("single", 0)):
        user = _user(address, name)
        for number in range(teams):
            _team(address, user, f"{name}{number}")
        device = Device(folder / name)
        device.sign_in(url, user.token)
        device.run("add", "greeting", "Hello.")
        device.run("sync")
        devices.append(device)
    report = json.loads(devices[0].run("sync", "--json"))
    assert len(team_vaults(str(devices[0].home / "data"))) == _TEAMS
    many, single = (Command([PROGRAM, "sync"], each.environment) for each in devices)
    result = compare(many, single, runs)
    times = f"{result.seconds * 1000:.0f} / {result.base_seconds * 1000:.0f} ms"
    times += f", {report['round_trips']} request"
    label = f"`sync` of {_TEAMS + 1} vaults with nothing new / of one vault"
    return f"| {label} | {times} | {result.ratio:.2f} | <= 1.3, 1 request |"


def _roster(url: str, address: str, folder: Path) -> str:
    """Measure from the answer to a change of a team to the device of a member."""
    owner, member = _user(address, "owner"), _user(address, "member")
    _team(address, owner, "acme", member)
    device = Device(folder / "member")
    device.sign_in(url, member.token)
    device.run("sync")
    headers = {"Authorization": f"Bearer {owner.token}"}
    with httpx.Client(base_url=url, headers=headers) as client, device.watching():
        times = sorted(_roster_changes(client, device, member.email))
    middle, p95 = statistics.median(times), times[len(times) * 95 // 100]
    figures = f"median {middle:.2f} s, p95 {p95:.2f} s"
    label = (
        f"a role or a name changed, seen by a device that watches ({len(times)} times)"
    )
    return f"| {label} | {figures} | | p95 <= 1 s |"


def _roster_changes(
    client: httpx.Client, device: Device, email: str
) -> Iterator[float]:
    """Yield how long each change took to arrive."""
    members = client.get("/v1/teams/acme/members").raise_for_status().json()["items"]
    user = next(each["user"] for each in members if each["email"] == email)
    path = device.home / "data" / "vaults" / "acme" / "vault.db"
    with contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as vault:
        for number in range(_CHANGES // 2):
            name, role = f"Acme {number}", ("viewer", "editor")[number % 2]
            for place, change in (
                ("/v1/teams/acme", {"name": name}),
                (f"/v1/teams/acme/members/{user}", {"role": role}),
            ):
                client.patch(place, json=change).raise_for_status()
                (wanted,) = change.values()
                yield _seconds_until(vault, wanted)


def _seconds_until(vault: sqlite3.Connection, wanted: str) -> float:
    """Return how long it takes until the team of *vault* shows *wanted*."""
    start = time.perf_counter()
    while wanted not in vault.execute(_SHOWN).fetchone():
        if time.perf_counter() - start > _PATIENCE_SECONDS:
            raise RuntimeError("the change does not arrive")
        time.sleep(0.005)
    return time.perf_counter() - start


if __name__ == "__main__":
    main()

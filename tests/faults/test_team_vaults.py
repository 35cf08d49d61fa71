"""A device with the vaults of teams: killed at any call, and on disks that are full.

One sync has to do all that can happen to vaults at once. Whatever becomes of it, the
next one ends it, and nothing that was typed is lost.
"""

import json
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import psycopg
import pytest

from tests.faults.disk import modes, mounted, needs_linux
from tests.faults.hosting import Host
from tests.faults.program import Result, Vault, bound_by_permissions
from tests.faults.stage import Device
from tests.faults.walk import Walk, every, few, walk
from tests.faults.wholeness import faults
from tests.sync.teams import Teams

_USER = (
    "SELECT user_id FROM vault_members m JOIN vaults v ON v.id = m.vault_id"
    " WHERE v.id = %s"
)
POINTS = 5


@dataclass
class Crew:
    """An owner of teams, and a member with a device."""

    host: Host
    teams: Teams
    device: Device
    owner: UUID
    member: UUID
    mark: str = field(default_factory=lambda: uuid.uuid4().hex[:8])
    """In the short names of the teams, since tests share the server."""

    def slug(self, name: str) -> str:
        """Return the short name of a team."""
        return f"{name}-{self.mark}"

    def make(self, name: str) -> UUID:
        """Make a team with the member, and return its vault."""
        vault = self.teams.create(self.owner, self.slug(name))
        assert self.teams.join(vault, self.member, "editor")
        return vault

    @property
    def vault(self) -> Vault:
        """The program on the device."""
        return self.device.vault


@pytest.fixture
def crew(host: Host, tmp_path: Path) -> Iterator[Crew]:
    """Return an owner and a member, who have no team yet."""
    with (
        psycopg.connect(host.database, autocommit=True) as connection,
        httpx.Client(base_url=host.url, timeout=60) as client,
    ):

        def rows(query: str, *values: Any) -> list[tuple[Any, ...]]:
            cursor = connection.execute(query.encode(), values)
            return cursor.fetchall() if cursor.description else []

        owner, member = host.add_user(), host.add_user()
        device = Device(tmp_path / "seed" / "home", host.url, member.token)
        device.home.parent.mkdir()
        device.sign_in()
        ids = [rows(_USER, each.vault)[0][0] for each in (owner, member)]
        teams = Teams(rows, host.admin, client.request)
        yield Crew(host, teams, device, *ids)


def _synced(vault: Vault) -> dict[str, Any]:
    """Sync, and return the rows of the report by the names of the vaults."""
    report = json.loads(vault.here("sync", "--json").out)
    return {row["name"]: row for row in report["vaults"]}


def _add(vault: Vault, name: str) -> None:
    vault.ok("add", name, f"The text of {name.rpartition(':')[2]}.")


@dataclass
class TeamWalk(Walk):
    """A sync of several vaults."""

    wanted: dict[str, str] = field(default_factory=dict)
    """By name, the texts that there are in the end."""
    folders: frozenset[str] = frozenset()

    def _faults_after(self, vault: Vault, killed: Result, target: int) -> list[str]:
        again = vault.here("sync", "--json")
        if again.code or "has to wait" in again.err:
            return [f"the next sync ended so: {again}"]
        names = vault.here("list", "--plain", "--all-vaults").out.split()
        wrong = [] if {*names} == self.wanted.keys() else [f"the prompts are {names}"]
        for name, text in self.wanted.items():
            found = vault.here("get", name)
            if found.out != text:
                wrong.append(f"{name} is {found}")
        folders = {each.name for each in (vault.data / "vaults").iterdir()}
        if folders != self.folders:
            wrong.append(f"the folders are {folders}")
        problems = json.loads(vault.here("doctor", "--json").out)["problems"]
        self._count("done" if killed.code == 0 else "killed")
        return [*wrong, *map(str, problems), *faults(vault)]


@pytest.fixture
def walker(crew: Crew, shim: Path, tmp_path: Path) -> TeamWalk:
    """Return a device whose next sync sends, renames, makes and wipes vaults."""
    acme, beta = crew.make("acme"), crew.make("beta")
    crew.teams.set_on_leave(beta, "wipe")
    _synced(crew.vault)
    _synced(crew.vault)  # the server notes that the device has the vaults
    _add(crew.vault, "own")
    _add(crew.vault, f"{crew.slug('acme')}:mine")
    _add(crew.vault, f"{crew.slug('beta')}:typed")
    umbrella, gamma = crew.slug("umbrella"), crew.slug("gamma")
    crew.teams.rename(acme, umbrella)
    crew.teams.remove(beta, crew.member)
    crew.make("gamma")
    wanted = {
        "own": "The text of own.",
        f"from-{crew.slug('beta')}/typed": "The text of typed.",
        f"{umbrella}:mine": "The text of mine.",
    }
    return TeamWalk(
        *(shim, tmp_path, crew.vault, ("sync",)),
        wanted=wanted,
        folders=frozenset({umbrella, gamma}),
    )


def test_killed_at_some_calls(walker: TeamWalk) -> None:
    calls = walker.rehearse()
    walk(walker, calls, few(calls, POINTS))


@pytest.mark.soak
@pytest.mark.parametrize("torn", [False, True], ids=["whole", "torn"])
def test_killed_at_every_call(walker: TeamWalk, torn: bool) -> None:
    calls = walker.rehearse()
    walk(walker, calls, every(calls, torn))


def _assert_left_out(crew: Crew, sync: Callable[[], Result]) -> None:
    """Assert that a sync leaves out the vault that cannot be made, and no other."""
    _add(crew.vault, "own")
    result = sync()
    rows = {row["name"]: row for row in json.loads(result.out)["vaults"]}
    assert rows["personal"]["pushed"] == 1
    assert rows[crew.slug("acme")]["error"]["code"] == "vault_unusable"
    assert result.code == 7
    assert "Traceback" not in result.err
    assert [*(crew.vault.data / "vaults").iterdir()] == []


@needs_linux
def test_a_disk_without_room_for_a_new_vault(crew: Crew) -> None:
    folder = crew.vault.data / "vaults"
    folder.mkdir(parents=True)
    crew.make("acme")
    with mounted("-t", "tmpfs", "-o", "size=64k", "none", str(folder)):
        _assert_left_out(crew, lambda: crew.vault.here("sync", "--json"))
    assert _synced(crew.vault)[crew.slug("acme")]["error"] is None


@needs_linux
def test_a_folder_of_vaults_that_can_only_be_read(crew: Crew) -> None:
    folder = crew.vault.data / "vaults"
    folder.mkdir(parents=True)
    crew.make("acme")
    with modes(folder, 0o555, 0o444):
        before = bound_by_permissions()
        _assert_left_out(crew, lambda: crew.vault.run("sync", "--json", before=before))
    assert _synced(crew.vault)[crew.slug("acme")]["error"] is None

"""Simulations of a team: three users, each with two devices, each with two vaults.

Every device has the personal vault of its user, and the team's as long as the user is a
member. All words are unique, so the test knows where each may be. Teams are changed
over the routes of the server.

What must hold, and where it is checked:

- one owner, whose account pays; the numbers of people, of prompts and of bytes are
  those of the rows, also after a transfer; never more people than the plan allows
  unless the plan has changed; too many freeze the vaults, and no others are frozen;
  whatever a member sees changes only with the roster: `Invariants`, after each action
- no push below editor, of a frozen vault, or that moves a protected label as an editor:
  `TeamWorld._permitting`, at each request
- whoever was removed gets `gone` and nothing else, and no word of the team from then
  on: `TeamWorld._ask`, `TeamWorld.check`
- no word is lost, and none leaves its vault: `judge`, `TeamWorld.check`
- roles, freezing and limits are read under the lock: tests/server/sync/test_team.py,
  tests/server/teams/test_seats.py
- no deadlock: tests/server/ownership/test_locks.py
- kills: tests/server/teams/test_kill.py, tests/faults/test_team_vaults.py
"""

import collections
import contextlib
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

from promptvault.errors import (
    AuthenticationError,
    NotFoundError,
    PermissionDeniedError,
)
from promptvault.home import PERSONAL, team_vaults
from promptvault.paths import Paths
from promptvault.services.health.doctor import check_vault
from promptvault.services.sync.device_sync import (
    DeviceReport,
    DeviceSync,
    hold_vaults,
)
from promptvault.services.sync.rounds import Direction
from promptvault.services.sync.run import link_vault
from promptvault.services.vaults.folders import leftovers
from promptvault.services.vaults.local import read_vault
from promptvault.wire.sync import SyncAnswer
from tests.memory import memory_folder
from tests.server.teams.invariants import Invariants
from tests.sync import oracle
from tests.sync.actions import DroppedError, Scenario, World
from tests.sync.crash import KilledError, crashing, spared
from tests.sync.device import Device
from tests.sync.hosted import Host, Hosted
from tests.sync.simulate import Life, git_away
from tests.sync.wiretap import Wiretap

USERS, MACHINES = 3, 2
_ROUNDS = 4
_SLUGS = ("acme", "umbrella", "initech")
_ROLES = ("editor", "editor", "admin", "viewer")
_WEIGHTS: dict[str, float] = {
    "create": 4,
    "edit": 14,
    "describe": 3,
    "label": 3,
    "move": 2,
    "delete": 1,
    "restore": 0.6,
    "resolve": 1,
    "sync": 12,
    "faulty sync": 10,
    "invite": 2,
    "change_role": 1,
    "remove": 1.5,
    "leave": 0.5,
    "transfer": 0.5,
    "freeze": 0.7,
    "thaw": 1,
    "delete_team": 0.3,
    "restore_team": 1,
    "rename": 0.7,
    "protect": 1,
    "unprotect": 0.7,
    "choose": 1,
}
_EXCEEDING = {"freeze", "restore_team"}
"""After these there may be more people than the plan allows."""
_ARGUMENTS = {
    "create": "copy number",
    "edit": "copy number line how",
    "describe": "copy number field",
    "label": "copy number number number",
    "move": "copy number number",
    "delete": "copy number",
    "restore": "copy number",
    "resolve": "copy number keep",
    "sync": "machine",
    "faulty sync": "machine plan crash",
    "invite": "user number",
    "change_role": "user number",
    "remove": "user",
    "leave": "user",
    "transfer": "user",
    "freeze": "",
    "thaw": "",
    "delete_team": "",
    "restore_team": "",
    "rename": "number",
    "protect": "number",
    "unprotect": "number",
    "choose": "flag",
}


@dataclass
class Copy(Device):
    """One vault on one device."""

    user: int = 0
    is_team: bool = False

    @property
    def paths(self) -> Paths:
        """The files of the vault; the team may have another name by now."""
        paths = super().paths
        if not self.is_team:
            return paths
        return paths.of(next(iter(team_vaults(str(paths.data))), "none"))


@dataclass
class TeamWorld(World):
    """Three users with two devices each. `devices` are the vaults on all of them."""

    users: list[Hosted] = field(default_factory=list)
    places: dict[str, str] = field(default_factory=dict)
    """By word, where it was written: `team`, or the number of a user."""
    outside: dict[int, set[str]] = field(default_factory=dict)
    """For each user who is not a member, the words that the user may know."""

    def __post_init__(self) -> None:
        clock = count()
        self.devices = [
            Copy(
                self.home / f"u{user}d{machine}",
                *("http://simulated", "", clock, user, is_team),
            )
            for user in range(USERS)
            for machine in range(MACHINES)
            for is_team in (False, True)
        ]
        self.tap = Wiretap(self.events)
        self.teams = self.hosted.teams()
        accounts = [user.account for user in self.users]
        self.invariants = Invariants(self.hosted.rows, accounts)
        self.vault = self.teams.create(self.users[0].user, self._slug(0), "prod")
        self.team = self.users[0].team(self.vault)
        self.outside = {1: set(), 2: set()}
        self._place = ""
        self.is_deleted = False

    def _slug(self, number: int) -> str:
        """Return a short name that no other simulation has."""
        return f"{_SLUGS[number % len(_SLUGS)]}-{self.hosted.email[:8]}"

    def word(self) -> str:
        """Return a word that is in no other text."""
        word = super().word()
        self.places[word] = self._place
        return word

    def act(self, name: str, arguments: Sequence[object]) -> None:
        """Run an action. One that is not permitted is refused and has no effect."""
        before = set(self.written)
        if name in {"create", "edit", "describe"}:
            self._set_place(self.devices[int(str(arguments[0]))])
        try:
            getattr(self, name)(*arguments)
        except (NotFoundError, PermissionDeniedError):
            self.removed |= self.written - before
            self.events["refused"] += 1

    def _set_place(self, device: Device) -> None:
        assert isinstance(device, Copy)
        self._place = "team" if device.is_team else str(device.user)

    # Changes of the team.

    def role(self, user: int) -> str | None:
        """Return the role of a user."""
        return self.teams.role(self.vault, self.users[user].user)

    def invite(self, user: int, number: int) -> None:
        """Let a user join."""
        role = _ROLES[number % len(_ROLES)]
        if self.role(user) is not None or self.is_deleted:
            return
        if self.teams.join(self.vault, self.users[user].user, role):
            del self.outside[user]
            self.events["joined"] += 1

    def change_role(self, user: int, number: int) -> None:
        """Change the role of a member."""
        if self.role(user) not in {None, "owner"}:
            role = _ROLES[number % len(_ROLES)]
            self.teams.set_role(self.vault, self.users[user].user, role)

    def remove(self, user: int) -> None:
        """Remove a member."""
        if self.role(user) not in {None, "owner"}:
            self._forget(user)
            self.teams.remove(self.vault, self.users[user].user)
            self.events["removed"] += 1

    def leave(self, user: int) -> None:
        """Let a member leave."""
        if self.role(user) not in {None, "owner"}:
            self._forget(user)
            self.teams.leave(self.vault, self.users[user].user)

    def _forget(self, user: int) -> None:
        """Note what a user may know who is about to be no member any more."""
        self.outside[user] = self._team_words() | self._words_of(user)

    def delete_team(self) -> None:
        """Delete the team for everybody."""
        if not self.is_deleted:
            for user in set(range(USERS)) - self.outside.keys():
                self._forget(user)
            self.teams.delete(self.vault)
            self.is_deleted = True

    def restore_team(self) -> None:
        """Undo the deletion."""
        if self.is_deleted:
            self.teams.restore(self.vault)
            self.is_deleted = False
            for user in [*self.outside]:
                if self.role(user):
                    del self.outside[user]
            self.events["restored"] += 1

    def transfer(self, user: int) -> None:
        """Make a member the owner."""
        if self.role(user) not in {None, "owner"}:
            if self.teams.transfer(self.vault, self.users[user].user):
                self.events["transferred"] += 1

    def freeze(self) -> None:
        """Freeze the vault: the plan has too few members."""
        if not self.is_deleted:
            self.teams.freeze(self.vault)

    def thaw(self) -> None:
        """Thaw the vault."""
        if not self.is_deleted:
            self.teams.thaw(self.vault)
            self.events["thawed"] += 1

    def rename(self, number: int) -> None:
        """Give the team another short name."""
        if not self.is_deleted:
            self.teams.rename(self.vault, self._slug(number))
            self.events["renamed"] += 1

    def protect(self, number: int) -> None:
        """Protect a label."""
        if not self.is_deleted:
            self.teams.protect(self.vault, ("prod", "test")[number % 2])

    def unprotect(self, number: int) -> None:
        """Remove the protection of a label."""
        if not self.is_deleted:
            self.teams.unprotect(self.vault, ("prod", "test")[number % 2])

    def choose(self, flag: bool) -> None:
        """Set what devices of former members do."""
        if not self.is_deleted:
            self.teams.set_on_leave(self.vault, "wipe" if not flag else "keep")

    # Sync and its failures.

    def sync_machine(
        self, number: int, plan: Sequence[str] = (), crash: int | None = None
    ) -> DeviceReport | None:
        """Sync both vaults of a device; None if it did not come to its end."""
        device, faults = self.devices[2 * number], iter(plan)
        assert isinstance(device, Copy)
        user = self.users[device.user]

        def exchange(request: bytes) -> SyncAnswer:
            return self._ask(device.user, request, next(faults, ""))

        workspace = device.workspace
        with crashing(crash):
            try:
                with hold_vaults(workspace.paths, None, lambda: None) as held:
                    link_vault(workspace, device.server, lambda: str(user.id))
                    sync = DeviceSync(
                        workspace, exchange, self._roster(user), device.server, held
                    )
                    report = sync.run(Direction(), lambda _: None)
            except DroppedError:
                self.events["dropped"] += 1
                return None
            except KilledError:
                self.events["crashed"] += 1
                return None
            except AuthenticationError:
                user.grant()
                return None
        for outcome in report.vaults:
            assert outcome.error is None, outcome.error
            if outcome.state in {"left", "wiped"}:
                self.events[outcome.state] += 1
        return report

    def _roster(self, user: Hosted):  # type: ignore[no-untyped-def]
        def read():  # type: ignore[no-untyped-def]
            with spared():
                return user.roster()

        return read

    def _ask(self, user: int, request: bytes, fault: str) -> SyncAnswer:
        if fault == "lose request":
            raise DroppedError
        with spared():
            with self._permitting(user):
                answer = self.users[user].ask(request)
            if fault == "edit":
                self.act("edit", [4 * user + 1, len(self.written), 0, "replace"])
        for each in answer.vaults:
            if each.id == self.vault and user in self.outside:
                assert each.status == "gone", "the vault answers who was removed"
                assert not each.feed
        if fault == "lose answer":
            raise DroppedError
        return answer

    @contextlib.contextmanager
    def _permitting(self, user: int) -> Iterator[None]:
        """Assert that the request in the block changes only what the user may."""
        role = self.role(user)
        ((frozen,),) = self.hosted.rows(
            "SELECT frozen_why FROM vaults WHERE id = %s", self.vault
        )
        labels = self.hosted.rows(
            "SELECT label FROM label_rules WHERE vault_id = %s", self.vault
        )
        manages = role in {"owner", "admin"}
        writes = (manages and frozen in {None, "plan"}) or (
            role == "editor" and frozen is None
        )
        if manages and writes:
            yield
            return
        rules = {label for (label,) in labels} if writes else None
        before = _fixed(self.team.heads(), rules)
        yield
        what = "a protected label" if writes else "a vault that may not be written"
        assert _fixed(self.team.heads(), rules) == before, f"{what} was changed"

    # Where words are.

    def _team_words(self) -> set[str]:
        return oracle.server_words(self.team)

    def _words_of(self, user: int) -> set[str]:
        return set[str]().union(*(copy.tokens() for copy in self.copies_of(user)))

    def copies_of(self, user: int, *, team: bool | None = None) -> list[Copy]:
        """Return the vaults on the devices of a user."""
        return [
            copy
            for copy in self.devices
            if isinstance(copy, Copy)
            and copy.user == user
            and team in {None, copy.is_team}
        ]

    def check(self) -> None:
        """Assert what holds after every action."""
        for user, may_know in self.outside.items():
            found = {
                word for word in self._words_of(user) if self.places[word] == "team"
            }
            own = {word for word in found if word not in self._team_words()}
            assert found <= may_know | own, "a word reached who was removed"
        for user in range(USERS):
            private = {word for word, at in self.places.items() if at == str(user)}
            assert not private & self._team_words(), "a private word in the team"
            for other in set(range(USERS)) - {user}:
                assert not private & self._words_of(other), "a private word elsewhere"


def _fixed(heads: dict[str, Any], rules: set[str] | None) -> dict[str, Any]:
    """Return what may not change: all, or names and labels that *rules* protect."""
    if rules is None:
        return heads
    labels = {
        item: {label: at for label, at in state["labels"].items() if label in rules}
        for item, state in heads.items()
    }
    return {item: (heads[item]["name"], at) for item, at in labels.items() if at}


class TeamLife(Life):
    """One simulation of a team, determined by a seed."""

    world: TeamWorld

    def live(self, steps: int) -> None:
        """Run this many actions, and then check."""
        for step in range(steps):
            self._step()
            self.world.invariants.check(may_exceed=self.log[-1][0] in _EXCEEDING)
            if step % 10 == 9:
                self.world.check()
        judge(self.world)

    def _step(self) -> None:
        weights = dict(_WEIGHTS)
        if sum(len(copy.prompts()) for copy in self.world.devices) > 40:
            weights["create"] = 0.2
        (act,) = self.random.choices([*weights], [*weights.values()])
        arguments = [self._argument(name) for name in _ARGUMENTS[act].split()]
        self.log.append([act, *arguments])
        name = "sync_machine" if act.endswith("sync") else act
        self.world.act(name, arguments)

    def _argument(self, name: str) -> object:
        match name:
            case "copy":  # more often in the vault of the team
                of_team = self.random.random() < 0.7
                return 2 * self.random.randrange(USERS * MACHINES) + of_team
            case "machine":
                return self.random.randrange(USERS * MACHINES)
            case "user":
                return self.random.randrange(USERS)
        return super()._argument(name)


def judge(world: TeamWorld) -> None:
    """Assert that nothing is lost, and that everything is where it belongs."""
    world.restore_team()
    world.thaw()
    for _ in range(_ROUNDS):
        for number in range(USERS * MACHINES):
            assert world.sync_machine(number) is not None
    for number in range(USERS * MACHINES):
        report = world.sync_machine(number)
        assert report is not None
        assert report.round_trips == 1, f"{report.round_trips} round trips at rest"
    world.check()
    alive = oracle.server_words(world.team)
    for user in range(USERS):
        alive |= _judge_vault(world.users[user], world.copies_of(user, team=False))
        alive |= _judge_team(world, user)
    members = [
        copy
        for user in range(USERS)
        if user not in world.outside
        for copy in world.copies_of(user, team=True)
    ]
    oracle.require_equal(members)
    lost = world.written - world.removed - alive
    assert not lost, f"lost: {sorted(lost)}"


def _judge_vault(hosted: Hosted, copies: Sequence[Device]) -> set[str]:
    """Compare copies of a vault with the server; return the words that are there."""
    heads, sides = hosted.heads(), hosted.sides()
    alive = oracle.server_words(hosted)
    for copy in copies:
        held = copy.held()
        oracle.require_same(copy, heads, held)
        alive |= oracle.require_sides(copy, set(sides), held)
        for each in copy.prompts():
            alive |= each.tokens if each.hold else set()
    oracle.require_equal(list(copies))
    return alive


def _judge_team(world: TeamWorld, user: int) -> set[str]:
    copies = world.copies_of(user, team=True)
    if user not in world.outside:
        return _judge_vault(world.team, copies)
    alive = set[str]()
    for copy in copies:
        if copy.paths.database.exists():
            team = read_vault(copy.paths).team
            assert team is not None
            assert team.has_left, "a former member still has the vault"
            alive |= copy.tokens()
    return alive


def examine(world: TeamWorld) -> None:
    """Run the doctor on every vault."""
    for copy in world.devices:
        if copy.paths.database.exists():
            found = check_vault(copy.workspace)
            assert not found.problems, found.problems
        if copy.paths.vault == PERSONAL:
            assert not leftovers(copy.paths)


def run_teams(
    host: Host,
    scenario: Scenario,
    seed: int,
    steps: int,
    events: "collections.Counter[str]",
) -> None:
    """Run one simulation of a team; raise an error if anything is wrong."""
    with tempfile.TemporaryDirectory(dir=memory_folder()) as name:
        users = [Hosted(host) for _ in range(USERS)]
        world = TeamWorld(Path(name), users[0], scenario, events, users=users)
        life = TeamLife(world, seed)
        try:
            with git_away():
                life.live(steps)
            examine(world)
        except BaseException as error:
            error.add_note(f"{scenario.name}, seed {seed}, step {len(life.log)}")
            raise

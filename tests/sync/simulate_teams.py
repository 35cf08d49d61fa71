"""Simulations of a team: three users, each with two devices, each with two vaults.

Every device has the personal vault of its user, and the team's as long as the user is a
member. All words are unique, so the test knows where each may be.
"""

import collections
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

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
from tests.sync import oracle
from tests.sync.actions import DroppedError, Scenario, World
from tests.sync.crash import KilledError, crashing, spared
from tests.sync.device import Device
from tests.sync.hosted import Host, Hosted
from tests.sync.simulate import Life, git_away
from tests.sync.teams import Teams
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
    "transfer": 0.5,
    "freeze": 0.7,
    "thaw": 1,
    "rename": 0.7,
    "protect": 1,
    "unprotect": 0.7,
    "choose": 1,
}
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
    "transfer": "user",
    "freeze": "",
    "thaw": "",
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
        self.teams = Teams(self.hosted.rows)
        self.vault = self.teams.create(self.users[0].user, self._slug(0), "prod")
        self.team = self.users[0].team(self.vault)
        self.outside = {1: set(), 2: set()}
        self._place = ""

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
        if self.role(user) is None:
            role = _ROLES[number % len(_ROLES)]
            self.teams.join(self.vault, self.users[user].user, role)
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
            self.outside[user] = self._team_words() | self._words_of(user)
            self.teams.remove(self.vault, self.users[user].user)
            self.events["removed"] += 1

    def transfer(self, user: int) -> None:
        """Make a member the owner."""
        if self.role(user) not in {None, "owner"}:
            self.teams.transfer(self.vault, self.users[user].user)
            self.events["transferred"] += 1

    def freeze(self) -> None:
        """Freeze the vault: the plan has too few members."""
        self.teams.freeze(self.vault, "plan")

    def thaw(self) -> None:
        """Thaw the vault."""
        self.teams.freeze(self.vault, None)
        self.events["thawed"] += 1

    def rename(self, number: int) -> None:
        """Give the team another short name."""
        self.teams.rename(self.vault, self._slug(number))
        self.events["renamed"] += 1

    def protect(self, number: int) -> None:
        """Protect a label."""
        label = ("prod", "test")[number % 2]
        self.teams.protect(self.vault, label, self.users[0].user)

    def unprotect(self, number: int) -> None:
        """Remove the protection of a label."""
        self.teams.unprotect(self.vault, ("prod", "test")[number % 2])

    def choose(self, flag: bool) -> None:
        """Set what devices of former members do."""
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


class TeamLife(Life):
    """One simulation of a team, determined by a seed."""

    world: TeamWorld

    def live(self, steps: int) -> None:
        """Run this many actions, and then check."""
        for step in range(steps):
            self._step()
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
            with git_away(Path(name)):
                life.live(steps)
            examine(world)
        except BaseException as error:
            error.add_note(f"{scenario.name}, seed {seed}, step {len(life.log)}")
            raise

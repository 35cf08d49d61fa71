"""The same simulations as programs that hypothesis generates and shortens."""

import contextlib
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, event, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    rule,
    run_state_machine_as_test,
)

from tests.memory import memory_folder
from tests.sync import oracle
from tests.sync.actions import DEVICES, Scenario, World
from tests.sync.hosted import Host, Hosted, hosting
from tests.sync.simulate import FAULTS, SCENARIOS, git_away

_SETTINGS = settings(
    stateful_step_count=40,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    print_blob=True,
)
_DEVICE = st.integers(0, DEVICES - 1)
_ANY = st.integers(0, 99)
_PLAN = st.lists(st.sampled_from(FAULTS), max_size=3)
_PROGRAMS = ("SmallPages", "Quota", "Restore", "RollbackPages")
"""Scenarios that differ in more than how often an action happens."""
_CRASH = st.none() | st.integers(2, 200)


class Lives(RuleBasedStateMachine):
    """A world, and the actions in it."""

    def __init__(self, host: Host, scenario: Scenario) -> None:
        super().__init__()
        self._stack = contextlib.ExitStack()
        folder = tempfile.TemporaryDirectory(dir=memory_folder())
        name = Path(self._stack.enter_context(folder))
        self._git = contextlib.ExitStack()
        self._git.enter_context(git_away())
        self.world = World(name, Hosted(host, scenario.limit), scenario)

    @rule(d=_DEVICE, name=_ANY)
    def create(self, d: int, name: int) -> None:
        self.world.create(d, name)

    @rule(
        d=_DEVICE,
        k=_ANY,
        line=st.integers(0, 9),
        how=st.sampled_from(["replace", "insert", "drop"]),
    )
    def edit(self, d: int, k: int, line: int, how: str) -> None:
        self.world.edit(d, k, line, how)

    @rule(
        d=_DEVICE,
        k=_ANY,
        field=st.sampled_from(["tag", "title", "description", "favourite"]),
    )
    def describe(self, d: int, k: int, field: str) -> None:
        self.world.describe(d, k, field)

    @rule(d=_DEVICE, k=_ANY)
    def untag(self, d: int, k: int) -> None:
        self.world.untag(d, k)

    @rule(d=_DEVICE, k=_ANY, version=_ANY, label=_ANY)
    def label(self, d: int, k: int, version: int, label: int) -> None:
        self.world.label(d, k, version, label)

    @rule(d=_DEVICE, k=_ANY, name=_ANY)
    def move(self, d: int, k: int, name: int) -> None:
        self.world.move(d, k, name)

    @rule(d=_DEVICE, k=_ANY)
    def delete(self, d: int, k: int) -> None:
        self.world.delete(d, k)

    @rule(d=_DEVICE, k=_ANY)
    def restore(self, d: int, k: int) -> None:
        self.world.restore(d, k)

    @rule(d=_DEVICE)
    def empty_trash(self, d: int) -> None:
        self.world.empty_trash(d)

    @rule(d=_DEVICE, k=_ANY, keep=st.booleans())
    def resolve(self, d: int, k: int, keep: bool) -> None:
        self.world.resolve(d, k, keep)

    @rule(d=_DEVICE, plan=_PLAN, crash=_CRASH)
    def sync(self, d: int, plan: list[str], crash: int | None) -> None:
        self.world.sync(d, plan, crash)

    @rule(d=_DEVICE, e=_DEVICE)
    def copy_home(self, d: int, e: int) -> None:
        self.world.copy_home(d, e)

    @rule(d=_DEVICE)
    def lose_device(self, d: int) -> None:
        self.world.lose_device(d)

    @rule(d=_DEVICE, e=_DEVICE, k=_ANY)
    def break_down(self, d: int, e: int, k: int) -> None:
        self.world.break_down(d, e, k)

    @rule(fraction=st.floats(0, 1))
    def purge(self, fraction: float) -> None:
        self.world.purge(fraction)

    @rule(more=st.integers(0, 2))
    def set_limit(self, more: int) -> None:
        self.world.set_limit(more)

    @rule(d=_DEVICE)
    def retry(self, d: int) -> None:
        self.world.retry(d)

    @rule()
    def revoke(self) -> None:
        self.world.revoke()

    @rule()
    def back_up(self) -> None:
        self.world.back_up()

    @rule()
    def restore_server(self) -> None:
        self.world.restore_server()

    @rule(n=st.integers(0, 5), renew=st.booleans())
    def go_back(self, n: int, renew: bool) -> None:
        self.world.go_back(n, renew)

    @invariant()
    def server_is_whole(self) -> None:
        self.world.hosted.check()

    def teardown(self) -> None:
        """Check, after all actions."""
        with self._stack:
            with self._git:
                oracle.judge(self.world)
            oracle.examine(self.world)
            for name in self.world.events:
                event(str(name))


@pytest.fixture
def hosts(database_url: str) -> Iterator[dict[int, Host]]:
    """Return a host for each page size."""
    with contextlib.ExitStack() as stack:
        sizes = {scenario.page for scenario in SCENARIOS.values()}
        yield {page: stack.enter_context(hosting(database_url, page)) for page in sizes}


def _run(hosts: dict[int, Host], name: str, examples: int) -> None:
    scenario = SCENARIOS[name]
    run_state_machine_as_test(
        lambda: Lives(hosts[scenario.page], scenario),  # type: ignore[arg-type]
        settings=settings(_SETTINGS, max_examples=examples),
    )


@pytest.mark.parametrize("name", _PROGRAMS)
def test_no_program_loses_anything(name: str, hosts: dict[int, Host]) -> None:
    _run(hosts, name, 3)


@pytest.mark.soak
@pytest.mark.parametrize("name", SCENARIOS)
def test_no_program_of_very_many_loses_anything(
    name: str, hosts: dict[int, Host]
) -> None:
    _run(hosts, name, 300)

"""Random simulations: `python -m tests.sync.simulate Restore 0 200 150`."""

import argparse
import collections
import contextlib
import logging
import random
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from unittest import mock

import psycopg

from promptvault.errors import UnavailableError
from promptvault.history.repository import History
from promptvault.server.postgres import embedded, migration
from tests.memory import memory_folder
from tests.sync import oracle
from tests.sync.actions import DEVICES, Scenario, World
from tests.sync.hosted import Host, Hosted, hosting

SCENARIOS = {
    each.name: each
    for each in (
        Scenario("Sync"),
        Scenario("SmallPages", page=2),
        Scenario("Quota", limit=3),
        Scenario(
            "Restore", has_backups=True, weights={"back_up": 1, "restore_server": 1}
        ),
        Scenario("Rollback", goes_back=True, weights={"go_back": 1.5}),
        Scenario("RollbackPages", page=2, goes_back=True, weights={"go_back": 1.5}),
        Scenario(
            "Forgetful", weights={"delete": 4, "restore": 1, "purge": 4, "create": 4}
        ),
        Scenario("Quarrel", prompts=3, weights={"resolve": 6, "break_down": 6}),
        Scenario("Teams", has_teams=True, prompts=14),
    )
}
_WEIGHTS: dict[str, float] = {
    "create": 2,
    "edit": 14,
    "describe": 3,
    "untag": 0.3,
    "label": 1,
    "move": 2,
    "delete": 1,
    "restore": 0.6,
    "empty_trash": 0.4,
    "resolve": 1,
    "sync": 8,
    "faulty sync": 8,
    "copy_home": 0.3,
    "lose_device": 0.3,
    "break_down": 0.2,
    "purge": 1,
    "set_limit": 0.5,
    "retry": 0.3,
    "revoke": 0.2,
    "back_up": 0.5,
    "restore_server": 0.4,
    "go_back": 0,
}
_LOCAL = {
    *("create", "edit", "describe", "untag", "label", "move", "delete", "restore"),
    *("empty_trash", "resolve", "retry", "copy_home", "lose_device"),
}
"""Actions that change nothing on the server."""
_ARGUMENTS = {
    "create": "device number",
    "edit": "device number line how",
    "describe": "device number field",
    "untag": "device number",
    "label": "device number number number",
    "move": "device number number",
    "delete": "device number",
    "restore": "device number",
    "empty_trash": "device",
    "resolve": "device number keep",
    "sync": "device",
    "faulty sync": "device plan crash",
    "copy_home": "device device",
    "lose_device": "device",
    "break_down": "device device number",
    "purge": "fraction",
    "set_limit": "more",
    "retry": "device",
    "revoke": "",
    "back_up": "",
    "restore_server": "",
    "go_back": "few flag",
}
_KEPT = 0.7
"""How often a resolution keeps the words of the conflict copy."""
FAULTS = ("", "lose request", "lose answer", "lose answer", "edit")


class Life:
    """One simulation of three devices, determined by a seed."""

    def __init__(self, world: World, seed: int) -> None:
        self.world, self.random = world, random.Random(seed)
        self.log: list[list[object]] = []

    def live(self, steps: int) -> None:
        """Run this many actions, and then check."""
        for _ in range(steps):
            self._step()
            if self.log[-1][0] not in _LOCAL:
                self.world.hosted.check()
        oracle.judge(self.world)

    def _step(self) -> None:
        prompts = sum(len(device.prompts()) for device in self.world.devices)
        weights = _WEIGHTS | dict(self.world.scenario.weights)
        if prompts > self.world.scenario.prompts:
            weights["create"] = 0.1
        (act,) = self.random.choices([*weights], [*weights.values()])
        arguments = self._arguments(act)
        self.log.append([act, *arguments])
        getattr(self.world, act.removeprefix("faulty "))(*arguments)

    def _arguments(self, act: str) -> list[object]:
        return [self._argument(name) for name in _ARGUMENTS[act].split()]

    def _argument(self, name: str) -> object:
        match name:
            case "device":
                return self.random.randrange(DEVICES)
            case "number":
                return self.random.randrange(99)
            case "line":
                return self.random.randrange(10)
            case "few":
                return min(self.random.randrange(6), self.random.randrange(12))
            case "flag":
                return self.random.random() < 0.3
            case "fraction":
                return self.random.random() ** 0.3
            case "more":
                return self.random.randrange(3)
            case "keep":
                return self.random.random() < _KEPT
        return getattr(self, f"_{name}")()

    def _how(self) -> str:
        return self.random.choice(["replace", "replace", "insert", "drop"])

    def _field(self) -> str:
        return self.random.choice(["tag", "title", "description", "favourite"])

    def _plan(self) -> list[str]:
        return self.random.choices(FAULTS, k=3)

    def _crash(self) -> int | None:
        if self.random.random() < 0.4:
            return None
        return int(2 ** self.random.uniform(2, 8))


@contextlib.contextmanager
def git_away() -> Iterator[None]:
    """Let no vault get a history, as if git was not installed, until the end.

    Their outboxes wait for it, which saves most of the time. Texts are merged by git.
    """
    logger = logging.getLogger("promptvault.services.locking")
    level = logger.level
    logger.setLevel(logging.ERROR)
    missing = UnavailableError("git is away")
    try:
        with mock.patch.object(History, "create", side_effect=missing):
            yield
    finally:
        logger.setLevel(level)


def run(
    host: Host,
    scenario: Scenario,
    seed: int,
    steps: int,
    events: "collections.Counter[str]",
) -> None:
    """Run one simulation; raise an error if anything is wrong."""
    if scenario.has_teams:
        from tests.sync.simulate_teams import run_teams  # it imports this module

        run_teams(host, scenario, seed, steps, events)
        return
    with tempfile.TemporaryDirectory(dir=memory_folder()) as name:
        world = World(Path(name), Hosted(host, scenario.limit), scenario, events)
        life = Life(world, seed)
        try:
            with git_away():
                life.live(steps)
            oracle.examine(world)
        except BaseException as error:
            error.add_note(f"{scenario.name}, seed {seed}, step {len(life.log)}")
            raise


@contextlib.contextmanager
def database() -> Iterator[str]:
    """Yield the address of a new database with our schema."""
    with (
        tempfile.TemporaryDirectory(dir=memory_folder()) as folder,
        embedded.owned(Path(folder)) as address,
    ):
        with psycopg.connect(address, autocommit=True) as connection:
            connection.execute("ALTER SYSTEM SET fsync = off")
            connection.execute("SELECT pg_reload_conf()")
        migration.upgrade(address)
        yield address


def main() -> int:
    """Run many simulations, and print those that failed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("scenario", choices=SCENARIOS)
    for name in ("first", "end", "steps"):
        parser.add_argument(name, type=int)
    parser.add_argument("--failures", type=int, default=3, help="stop after so many")
    options = parser.parse_args()
    scenario = SCENARIOS[options.scenario]
    events: collections.Counter[str] = collections.Counter()
    failures, start, runs = 0, time.monotonic(), 0
    with database() as address, hosting(address, scenario.page) as host:
        for seed in range(options.first, options.end):
            runs += 1
            try:
                run(host, scenario, seed, options.steps, events)
            except Exception as error:
                failures += 1
                print(f"SEED {seed}: {type(error).__name__}: {str(error)[:300]}")
                if failures == options.failures:
                    break
    print(f"{scenario.name}: {runs} runs, {failures} failed,", end=" ")
    print(f"{time.monotonic() - start:.0f} s, {dict(events)}")
    return failures > 0


if __name__ == "__main__":
    sys.exit(main())

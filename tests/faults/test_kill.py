"""`kill -9` at any moment: acknowledged changes survive; others are all or nothing."""

import contextlib
import json
import os
import random
import shlex
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.faults import exports
from tests.faults.conftest import duplicate
from tests.faults.program import (
    Vault,
    editor,
    ended,
    git_in_front,
    kill_group,
    script,
    start,
)
from tests.faults.walk import SIGKILLED, Walk, every, few, walk
from tests.faults.wholeness import assert_whole, state, subjects

PROMPTS = 200
"""Prompts of the import: enough for more objects than git keeps loose."""
ROUNDS = int(os.environ.get("PROMPTVAULT_KILL_ROUNDS", "8"))


@dataclass(frozen=True)
class Case:
    """A command, and at how many of its calls a usual run kills it."""

    command: tuple[str, ...]
    points: int
    seed: str = "pristine"
    editor: str = ""


CASES = {
    "first": Case(("add", "new/one", "some text"), 6, "nothing"),
    "add": Case(("add", "new/one", "some text", "--tag", "new"), 5),
    "edit": Case(("edit", "kept/one"), 4, editor="the third wording\n"),
    "set": Case(("set", "kept/one", "--title", "A title", "--template"), 4),
    "import": Case(("import", "EXPORT"), 8),
    "undo": Case(("imports", "undo", "last"), 5, "imported"),
}


@pytest.fixture(scope="session")
def export(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("export") / "conversations.json"
    return exports.write(path, exports.conversations(PROMPTS))


@pytest.fixture(scope="session")
def seeds(
    pristine: Vault, export: str, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Vault]:
    folder = tmp_path_factory.mktemp("seeds")
    imported = duplicate(pristine, folder / "imported")
    imported.ok("import", export)
    nothing = Vault(folder / "nothing")
    return {"pristine": pristine, "imported": imported, "nothing": nothing}


@pytest.fixture(params=CASES)
def case(request: pytest.FixtureRequest) -> Case:
    return CASES[request.param]


@pytest.fixture
def walker(
    case: Case,
    seeds: dict[str, Vault],
    export: str,
    shim: Path,
    tmp_path: Path,
) -> Walk:
    command = tuple(export if word == "EXPORT" else word for word in case.command)
    extra = {"EDITOR": editor(tmp_path, case.editor)} if case.editor else {}
    return Walk(shim, tmp_path, seeds[case.seed], command, extra)


def test_killed_at_some_calls(case: Case, walker: Walk) -> None:
    calls = walker.rehearse()
    walk(walker, calls, few(calls, case.points))


@pytest.mark.soak
@pytest.mark.parametrize("torn", [False, True], ids=["whole", "torn"])
def test_killed_at_every_call(walker: Walk, torn: bool) -> None:
    calls = walker.rehearse()
    walk(walker, calls, every(calls, torn))


Texts = dict[str, list[str]]
"""The texts of each prompt, oldest first."""


def test_killed_at_random(filled: Vault) -> None:
    seed = int(os.environ.get("PROMPTVAULT_KILL_SEED", time.time_ns() % 1_000_000))
    print(f"PROMPTVAULT_KILL_SEED={seed}")  # noqa: T201
    chance = random.Random(seed)
    for number in range(ROUNDS):
        _kill_series(filled, f"round{number}", chance.uniform(0.1, 1.8))
        assert_whole(filled)
    filled.ok("doctor")


def _kill_series(vault: Vault, name: str, delay: float) -> None:
    """Kill a series of commands after *delay* seconds, and check what is saved."""
    folder = vault.home.parent
    record = folder / f"{name}.done"
    record.touch()
    steps = _steps(vault, name)
    lines = [f"{shlex.join(step)} && echo >> {record}" for step, _ in steps]
    series = script(folder / f"{name}.sh", "\n".join(lines))
    with ended(start([str(series)], vault.environment(), folder)) as process:
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(delay)
        kill_group(process)
    vault.quiet("add", f"{name}/next", "comes after")
    acknowledged = len(record.read_text())
    allowed = [after for _, after in [([], {}), *steps]][acknowledged:][:2]
    found = {key: row for key, row in _texts(vault).items() if key.startswith(name)}
    assert found.pop(f"{name}/next") == ["comes after"]
    assert found in allowed, (acknowledged, found)


def _texts(vault: Vault) -> Texts:
    prompts = state(vault).prompts
    return {key: [v[1] for v in json.loads(row[-1])] for key, row in prompts.items()}


def _steps(vault: Vault, name: str) -> list[tuple[list[str], Texts]]:
    """Return commands, each with the prompts, named after *name*, that it leaves."""
    program = [sys.executable, "-m", "promptvault"]
    path = vault.home.parent / f"{name}.json"
    export = exports.write(path, exports.conversations(60, name))
    one = {f"{name}/one": ["first"]}
    two = {f"{name}/one": ["first", "second"]}
    brought = {
        f"{name}/chat-{name}{number:04}": exports.bodies(number, name)
        for number in range(60)
    }
    return [
        ([*program, "add", f"{name}/one", "first"], one),
        ([*program, "import", export, "--folder", name], one | brought),
        ([*program, "imports", "undo", "last"], one),
        ([*program, "add", f"{name}/one", "second", "--upsert"], two),
        ([*program, "set", f"{name}/one", "--title", "A title"], two),
    ]


@pytest.fixture
def committed(filled: Vault, tmp_path: Path) -> Vault:
    """Return a vault killed after git's commit, before the vault has recorded it."""
    commands = '{real} "$@"; kill -9 0'
    path = git_in_front(tmp_path / "killing", "*fast-import*", commands)
    killed = filled.with_(PATH=path).run("add", "new/one", "some text")
    assert killed.code == SIGKILLED
    assert subjects(filled)[0] == "Add new/one"
    return filled


def test_a_commit_that_stands_is_not_made_twice(committed: Vault) -> None:
    assert committed.ok("get", "new/one") == "some text"
    committed.quiet("add", "new/two", "more text")
    assert subjects(committed)[:2] == ["Add new/two", "Add new/one"]
    assert_whole(committed)


def test_nor_when_git_cannot_tell_at_first(committed: Vault, tmp_path: Path) -> None:
    """A commit may exist that cannot be read, so none is made until it can."""
    path = git_in_front(tmp_path / "failing", '*" log "*', "exit 128")
    committed.with_(PATH=path).ok("add", "new/two", "more text")
    committed.quiet("add", "new/three", "yet more")
    wanted = ["Add new/three", "Add new/two", "Add new/one"]
    assert subjects(committed)[:3] == wanted
    assert_whole(committed)


def test_git_that_outlives_its_parent(filled: Vault, tmp_path: Path) -> None:
    """Git inherits the lock: the next command waits, and adds no second commit."""
    stream, fed, over = (tmp_path / name for name in ("stream", "fed", "over"))
    late = f'sleep 2; {{real}} "$@" < {stream}; touch {over}; exit'
    slow = f"cat > {stream}; touch {fed}; {late}"
    path = git_in_front(tmp_path / "slow", "*fast-import*", slow)
    with ended(filled.with_(PATH=path).start("add", "new/one", "text")) as process:
        while not fed.exists():
            assert process.poll() is None
            time.sleep(0.01)
        process.kill()
        filled.quiet("add", "new/two", "more text")
        while not over.exists():
            time.sleep(0.01)
    assert subjects(filled)[:2] == ["Add new/two", "Add new/one"]
    assert_whole(filled)

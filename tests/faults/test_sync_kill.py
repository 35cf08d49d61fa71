"""`kill -9` at any moment of a sync, which is then complete or done by the next one.

Nothing is lost, duplicated, or sent again after it was acknowledged. In the end, the
state is the same as without the kill.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest

from promptvault.services.sync.rounds import snapshot
from promptvault.vault.sync.status import sync_status
from tests.faults.hosting import Host
from tests.faults.program import Result, Vault, git_in_front
from tests.faults.stage import End, Stage, new_stage
from tests.faults.walk import Walk, every, few, walk
from tests.faults.wholeness import assert_whole, faults, litter

BULK, HUGE = 1100, 5600
"""Prompts of a first sync: enough for several pages, in several transactions."""
HUGE_POINTS = 60
LINES = "first\n2\n3\n4\nlast\n"
SYNC = ("sync",)


def _both_have(stage: Stage) -> None:
    """Sync both devices, which then have the same few prompts."""
    for name in ("kept/one", "kept/two", "kept/three"):
        stage.one.add(name, LINES, tags=("kept",))
    stage.one.edit("kept/two", f"{LINES}more\n")
    stage.one.sync()
    stage.two.sync()


def _to_link(stage: Stage) -> None:
    stage.one.add("kept/one", LINES)
    stage.one.edit("kept/one", f"{LINES}more\n")
    stage.one.add("kept/two", "of one")
    stage.two.add("kept/two", "of two")
    stage.two.sync()


def _to_push(stage: Stage) -> None:
    _both_have(stage)
    stage.one.add("new/one", "some text", title="New")
    stage.one.edit("kept/one", "another text")
    stage.one.set("kept/two", title="A title", favourite=True)
    stage.one.delete("kept/three")


def _to_apply(stage: Stage) -> None:
    """The other device has made every kind of change; this one has changes, too."""
    _both_have(stage)
    for number in range(3):
        stage.two.add(f"new/{number}", f"text {number}")
    stage.two.add("same", "of two")
    stage.two.edit("kept/one", "another text")
    stage.two.set("kept/two", title="A title")
    stage.two.delete("kept/three")
    stage.two.sync()
    stage.one.add("same", "of one")


def _to_merge(stage: Stage) -> None:
    """Both devices have added versions, so those of this one are renumbered."""
    _both_have(stage)
    stage.two.edit("kept/one", LINES.replace("first", "FIRST"))
    stage.two.edit("kept/one", LINES.replace("first", "FIRST OF ALL"))
    stage.two.edit("kept/two", "another text")
    stage.two.sync()
    stage.one.edit("kept/one", LINES.replace("last", "LAST"))
    stage.one.set("kept/two", title="A title")


def _to_conflict(stage: Stage) -> None:
    _both_have(stage)
    stage.two.edit("kept/one", LINES.replace("first", "theirs"))
    stage.two.delete("kept/two")
    stage.two.delete("kept/three")
    stage.two.sync()
    stage.one.edit("kept/one", LINES.replace("first", "ours"))
    stage.one.edit("kept/two", "better text")


def _to_resolve(stage: Stage) -> None:
    _to_conflict(stage)
    stage.one.sync()
    stage.two.sync()


def _import(vault: Vault, prompts: int) -> None:
    top = vault.home.parent / "bulk"
    for number in range(prompts):
        folder = top / f"part-{number // 100}"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"prompt-{number:05}.md").write_text(f"The text of {number}.\n")
    vault.ok("import", str(top))


def _to_push_bulk(stage: Stage, prompts: int = BULK) -> None:
    _import(stage.one.vault, prompts)


def _to_pull_bulk(stage: Stage, prompts: int = BULK) -> None:
    _import(stage.two.vault, prompts)
    stage.two.sync()
    stage.one.add("mine", "some text")


@dataclass(frozen=True)
class Case:
    """What is synced, and at how many of its calls a usual run kills it."""

    prepare: Callable[[Stage], None]
    points: int
    command: tuple[str, ...] = SYNC


CASES = {
    "link": Case(_to_link, 4),
    "push": Case(_to_push, 5),
    "apply": Case(_to_apply, 6),
    "merge": Case(_to_merge, 5),
    "conflict": Case(_to_conflict, 5),
    "resolve": Case(_to_resolve, 4, ("conflicts", "resolve", "kept/one", "--ours")),
    "push-bulk": Case(_to_push_bulk, 3),
    "pull-bulk": Case(_to_pull_bulk, 3),
}
HUGE_CASES = {
    "push": Case(partial(_to_push_bulk, prompts=HUGE), HUGE_POINTS),
    "pull": Case(partial(_to_pull_bulk, prompts=HUGE), HUGE_POINTS),
}


@dataclass
class SyncWalk(Walk):
    """A command on the first of two devices; each run has its own user."""

    stage: Stage | None = None
    wanted: End | None = None

    def rehearse(self) -> list[str]:
        stage = self._stage("rehearsal")
        record = self.folder / "record"
        result = self._run(stage.one.vault, target=0, FAULT_RECORD=str(record))
        assert result.code == 0, result
        assert not faults(stage.one.vault), faults(stage.one.vault)
        assert not (wrong := stage.settle()), wrong
        self.wanted = stage.end()
        stage.remove()
        return record.read_text().splitlines()

    def faults_at(self, point: tuple[int, bool]) -> list[str]:
        target, torn = point
        stage = self._stage(f"at-{target}-{torn}")
        traps = {"FAULT_TORN": "1"} if torn else {}
        killed = self._run(stage.one.vault, target, **traps)
        found = [*self._judge(killed), *self._faults_of(stage, killed)]
        stage.remove()
        return [f"killed at call {target}{' (torn)' * torn}: {each}" for each in found]

    def _faults_of(self, stage: Stage, killed: Result) -> list[str]:
        """Check, sync, and check again."""
        vault = stage.one.vault
        listed = vault.here("list", "--plain")
        lost = self.command != SYNC and self._has_conflicts(stage)
        repeated = vault.here(*self.command) if lost else listed
        for result in (listed, repeated, vault.here("sync", "--json")):
            if result.code or "has to wait" in result.err:
                return [f"the next command ended so: {result}"]
        wrong = ["what was acknowledged is gone"] if lost and killed.out else []
        wrong += [*faults(vault), *stage.settle(), *self._compare_end(stage.end())]
        stage.one.add("next/command", "comes after")
        return [*wrong, *litter(vault)]

    def _has_conflicts(self, stage: Stage) -> bool:
        with snapshot(stage.one.workspace) as connection:
            return bool(sync_status(connection).conflicts)

    def _compare_end(self, end: End) -> list[str]:
        assert self.wanted is not None
        self._count("as wanted" if end == self.wanted else "otherwise")
        pairs = zip(self.wanted, end, strict=True)
        return [f"not {old}, but {new}" for old, new in pairs if old != new]

    def _stage(self, name: str) -> Stage:
        assert self.stage is not None
        return self.stage.copy(self.folder / name)


Prepare = Callable[[Case], SyncWalk]


@pytest.fixture
def prepare(host: Host, shim: Path, tmp_path: Path) -> Prepare:
    """Return a function that prepares a walk."""

    def make(case: Case) -> SyncWalk:
        stage = new_stage(host, tmp_path / "seed")
        case.prepare(stage)
        return SyncWalk(shim, tmp_path, stage.one.vault, case.command, stage=stage)

    return make


def test_nothing_new_is_a_sync_that_ends_what_a_killed_one_began(
    host: Host, tmp_path: Path
) -> None:
    """No other command may run for days; until then a version would have no commit."""
    stage = new_stage(host, tmp_path / "stage")
    _to_apply(stage)
    vault = stage.one.vault
    path = git_in_front(tmp_path / "failing", "*fast-import*", "exit 128")
    assert "has to wait" in vault.with_(PATH=path).here("sync").err
    assert "commits are still waiting" in "".join(faults(vault))
    vault.quiet("sync")
    assert_whole(vault)


@pytest.mark.parametrize("name", CASES)
def test_killed_at_some_calls(name: str, prepare: Prepare) -> None:
    walker = prepare(CASES[name])
    calls = walker.rehearse()
    walk(walker, calls, few(calls, CASES[name].points))


@pytest.mark.soak
@pytest.mark.parametrize("torn", [False, True], ids=["whole", "torn"])
@pytest.mark.parametrize("name", CASES)
def test_killed_at_every_call(name: str, prepare: Prepare, torn: bool) -> None:
    walker = prepare(CASES[name])
    calls = walker.rehearse()
    walk(walker, calls, every(calls, torn))


@pytest.mark.soak
@pytest.mark.parametrize("name", HUGE_CASES)
def test_killed_in_a_huge_first_sync(name: str, prepare: Prepare) -> None:
    walker = prepare(HUGE_CASES[name])
    calls = walker.rehearse()
    walk(walker, calls, few(calls, HUGE_CASES[name].points))

"""A walk through a command: it is killed at one call after another, and checked."""

import os
import shutil
import signal
import struct
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

from tests.faults.conftest import duplicate
from tests.faults.program import Result, Vault
from tests.faults.wholeness import State, faults, litter, state, subjects

Point = tuple[int, bool]
"""The call at which to kill, and whether half of its write is done."""

NOTHING = State({}, ())
ADD = ("add", "next/command", "comes after")
DOCTOR = ("doctor",)

SIGKILLED = -signal.SIGKILL
STRIDE = int(os.environ.get("PROMPTVAULT_KILL_STRIDE", "1"))
"""For the exhaustive walk, which is slow."""


@dataclass
class Walk:
    """One command, killed at one call after another, each time on a new copy."""

    shim: Path
    folder: Path
    seed: Vault
    command: tuple[str, ...]
    extra: dict[str, str] = field(default_factory=dict)
    before: State = NOTHING
    after: State = NOTHING
    commits: tuple[list[str], list[str]] = ([], [])
    outcomes: dict[str, int] = field(default_factory=dict)

    def rehearse(self) -> list[str]:
        """Run the command without a kill, and return its calls."""
        vault = self._copy("rehearsal")
        self.before, old = state(vault), subjects(vault)
        record = self.folder / "record"
        result = self._run(vault, target=0, FAULT_RECORD=str(record))
        assert result.code == 0, result
        self.after, new = state(vault), subjects(vault)
        self.commits = (old, new)
        assert self.before != self.after
        assert not faults(vault), faults(vault)
        return record.read_text().splitlines()

    def faults_at(self, point: Point) -> list[str]:
        """Kill the command at one call; return what is wrong after the next ones."""
        target, torn = point
        vault = self._copy(f"at-{target}-{torn}")
        killed = self._run(vault, target, **({"FAULT_TORN": "1"} if torn else {}))
        found = [*self._judge(killed), *self._faults_after(vault, killed, target)]
        shutil.rmtree(vault.home)
        return [f"killed at call {target}{' (torn)' * torn}: {each}" for each in found]

    def _judge(self, killed: Result) -> list[str]:
        ok = killed.code in (0, SIGKILLED)
        return [] if ok else [f"ended with {killed.code}: {killed.err}"]

    def _faults_after(self, vault: Vault, killed: Result, target: int) -> list[str]:
        """Check, run a command that completes interrupted work, and check again."""
        listed = vault.here("list", "--plain")
        mended = vault.here(*(DOCTOR if target % 2 else ADD))
        for result in (listed, mended):
            if result.code or "has to wait" in result.err:
                return [f"the next command ended so: {result}"]
        found = self._compare(vault, killed, listed.out.split())
        left = litter(vault) if "next/command" in state(vault).prompts else []
        return [*found, *faults(vault), *left]

    def _compare(
        self, vault: Vault, killed: Result, listed: Sequence[str]
    ) -> list[str]:
        now = state(vault).without("next/command")
        self._count("done" if now == self.after else "undone")
        if now not in (self.before, self.after):
            return ["the vault is neither as before nor as after"]
        if killed.out and now != self.after:
            return ["what was acknowledged is gone"]
        told = sorted(key for key, row in now.prompts.items() if not row[5])
        wrong = [] if sorted(listed) == told else ["list shows other prompts"]
        made = [each for each in subjects(vault) if each != "Add next/command"]
        same = made == self.commits[now == self.after]
        return wrong if same else [*wrong, "the commits are others"]

    def _count(self, outcome: str) -> None:
        self.outcomes[outcome] = self.outcomes.get(outcome, 0) + 1

    def _copy(self, name: str) -> Vault:
        home = self.folder / name / "home"
        home.parent.mkdir()
        if self.seed.home.exists():
            return duplicate(self.seed, home)
        return Vault(home)

    def _run(self, vault: Vault, target: int, **more: str) -> Result:
        control = vault.home.parent / "control"
        control.write_bytes(struct.pack("ii", 0, target))
        traps = {
            "LD_PRELOAD": str(self.shim),
            "FAULT_CONTROL": str(control),
            "FAULT_HOME": str(vault.home),
        }
        return vault.with_(**traps, **self.extra, **more).run(*self.command)


def walk(each: Walk, calls: list[str], points: Sequence[Point]) -> None:
    """Kill at every one of *points*, and report."""
    found = [fault for point in points for fault in each.faults_at(point)]
    print(f"{len(points)} of {len(calls)} calls: {each.outcomes}")  # noqa: T201
    assert not found, "\n".join(found)


def few(calls: list[str], wanted: int) -> list[Point]:
    """Choose calls at which to kill: half evenly, half where the kind of call changes.

    The first calls of a phase are few among the pages that SQLite writes. Every second
    write is torn.
    """
    turns = [n for n, (old, new) in enumerate(pairwise(["", *calls]), 1) if old != new]
    half = wanted // 2
    chosen = {len(calls) * (2 * i + 1) // (2 * half) + 1 for i in range(half)}
    spare = wanted - half
    chosen |= {turns[len(turns) * (2 * i + 1) // (2 * spare)] for i in range(spare)}
    return [
        (n, bool(i % 2) and _writes(calls, n)) for i, n in enumerate(sorted(chosen))
    ]


def every(calls: list[str], torn: bool) -> list[Point]:
    """Choose all calls, or all that can be torn."""
    numbers = range(1, len(calls) + 1, STRIDE)
    return [(n, torn) for n in numbers if not torn or _writes(calls, n)]


def _writes(calls: list[str], number: int) -> bool:
    return calls[number - 1].startswith("write")

"""Each deliberate bug of the protocol is found by the simulator, in a bounded time."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import promptvault
from tests.sync.mutants.mutant import MUTANTS, Mutant

_PACKAGE = Path(promptvault.__file__).parent
_TESTS = Path(__file__).parents[2]
_STEPS = 150


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_the_simulator_finds(mutant: Mutant, tmp_path: Path, database_url: str) -> None:
    found = _simulate(mutant, tmp_path, database_url, first=mutant.first, seeds=20)
    assert "SEED" in found, found


@pytest.mark.soak
@pytest.mark.parametrize("first", range(100, 1100, 100))
@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_the_simulator_finds_it_whatever_the_seed(
    mutant: Mutant, first: int, tmp_path: Path, database_url: str
) -> None:
    found = _simulate(mutant, tmp_path, database_url, first=first, seeds=100)
    assert "SEED" in found, found


def _simulate(
    mutant: Mutant, folder: Path, database_url: str, *, seeds: int, first: int = 0
) -> str:
    """Run simulations on a copy of the program with the bug; return the output."""
    shutil.copytree(_PACKAGE, folder / "promptvault")  # compiled, except for the mutant
    mutant.apply(folder / "promptvault")
    numbers = map(str, (first, first + seeds, _STEPS))
    command = [sys.executable, "-m", "tests.sync.simulate", mutant.scenario, *numbers]
    run = subprocess.run(
        [*command, "--failures", "1", "--database", database_url],
        env={**os.environ, "PYTHONPATH": f"{folder}{os.pathsep}{_TESTS}"},
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode in {0, 1}, run.stderr
    return run.stdout + run.stderr

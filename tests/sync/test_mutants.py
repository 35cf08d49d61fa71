"""Each deliberate bug is found, by the simulator or a test, in a bounded time."""

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

import pytest

import promptvault
from tests.sync.mutants.mutant import MUTANTS, Mutant

_PACKAGE = Path(promptvault.__file__).parent
_TESTS = Path(__file__).parents[2]
_STEPS = 150
_SIMULATED = [mutant for mutant in MUTANTS if not mutant.test]
_TESTED = [mutant for mutant in MUTANTS if mutant.test]


@pytest.mark.parametrize("mutant", _SIMULATED, ids=lambda mutant: mutant.name)
def test_the_simulator_finds(mutant: Mutant, tmp_path: Path, database_url: str) -> None:
    found = _simulate(mutant, tmp_path, database_url, first=mutant.first, seeds=20)
    assert "SEED" in found, found


@pytest.mark.parametrize("mutant", _TESTED, ids=lambda mutant: mutant.name)
def test_a_test_finds(mutant: Mutant, tmp_path: Path, database_url: str) -> None:
    node = _TESTS / "tests" / "server" / mutant.test
    command = [sys.executable, "-m", "pytest", "-n", "0", "-p", "no:cacheprovider"]
    environment = {"DATABASE_URL": database_url, "PYTEST_ADDOPTS": ""}
    run = _run(mutant, tmp_path, [*command, str(node)], environment)
    assert run.returncode == 1, run.stdout + run.stderr
    assert "1 failed" in run.stdout, run.stdout


@pytest.mark.soak
@pytest.mark.parametrize("first", range(100, 1100, 100))
@pytest.mark.parametrize("mutant", _SIMULATED, ids=lambda mutant: mutant.name)
def test_the_simulator_finds_it_whatever_the_seed(
    mutant: Mutant, first: int, tmp_path: Path, database_url: str
) -> None:
    found = _simulate(mutant, tmp_path, database_url, first=first, seeds=100)
    assert "SEED" in found, found


def _simulate(
    mutant: Mutant, folder: Path, database_url: str, *, seeds: int, first: int = 0
) -> str:
    """Run simulations on a copy of the program with the bug; return the output."""
    numbers = map(str, (first, first + seeds, _STEPS))
    command = [sys.executable, "-m", "tests.sync.simulate", mutant.scenario, *numbers]
    run = _run(
        mutant, folder, [*command, "--failures", "1", "--database", database_url]
    )
    assert run.returncode in {0, 1}, run.stderr
    return run.stdout + run.stderr


def _run(
    mutant: Mutant,
    folder: Path,
    command: list[str],
    environment: Mapping[str, str] = MappingProxyType({}),
) -> subprocess.CompletedProcess[str]:
    """Run a command on a copy of the program with the bug."""
    shutil.copytree(_PACKAGE, folder / "promptvault")  # compiled, except for the mutant
    mutant.apply(folder / "promptvault")
    path = {"PYTHONPATH": f"{folder}{os.pathsep}{_TESTS}"}
    return subprocess.run(
        command,
        env={**os.environ, **path, **environment},
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )

"""Each deliberate bug is found, by the simulator or a test, in a bounded time."""

import collections
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.sync.hosted import Host, hosting
from tests.sync.mutants.mutant import MUTANTS, Mutant
from tests.sync.simulate import SCENARIOS, run

_ROOT = Path(__file__).parents[2]
_STEPS = 150
_SIMULATED = [mutant for mutant in MUTANTS if not mutant.test]


@pytest.mark.parametrize("mutant", _SIMULATED, ids=lambda mutant: mutant.name)
def test_the_simulator_finds(mutant: Mutant, database_url: str) -> None:
    assert _is_found(mutant, database_url, range(mutant.first, mutant.first + 20))


def test_tests_find_the_others(database_url: str) -> None:
    command = [sys.executable, "-m", "pytest", "-n", "0", "-p", "no:cacheprovider"]
    nodes = [f"tests/server/{mutant.test}" for mutant in MUTANTS if mutant.test]
    done = subprocess.run(
        [*command, "-p", "tests.sync.mutants.plugin", "-rf", *nodes],
        env={**os.environ, "DATABASE_URL": database_url, "PYTEST_ADDOPTS": ""},
        cwd=_ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    failed = {line.split(" - ")[0] for line in done.stdout.splitlines()}
    assert failed >= {f"FAILED {node}" for node in nodes}, done.stdout + done.stderr


@pytest.mark.soak
@pytest.mark.parametrize("first", range(100, 1100, 100))
@pytest.mark.parametrize("mutant", _SIMULATED, ids=lambda mutant: mutant.name)
def test_the_simulator_finds_it_whatever_the_seed(
    mutant: Mutant, first: int, database_url: str
) -> None:
    assert _is_found(mutant, database_url, range(first, first + 100))


def _is_found(mutant: Mutant, address: str, seeds: range) -> bool:
    """Return True if a simulation with the bug fails."""
    page = SCENARIOS[mutant.scenario].page
    with mutant.applied(), hosting(address, page) as host:
        return any(_fails(host, mutant.scenario, seed) for seed in seeds)


def _fails(host: Host, scenario: str, seed: int) -> bool:
    try:
        run(host, SCENARIOS[scenario], seed, _STEPS, collections.Counter())
    except Exception:  # the bug may show as any error
        return True
    return False

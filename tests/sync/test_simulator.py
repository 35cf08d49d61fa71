"""Random simulations of three devices: nothing is lost, and all end up equal."""

import collections

import pytest

from tests.sync.hosted import hosting
from tests.sync.simulate import SCENARIOS, run

_ALWAYS = {
    *("merged", "side: ok", "head: conflict", "sent twice", "crashed", "dropped"),
    *("renumbered", "deletion undone", "read anew: horizon", "common is not base"),
    *("told apart", "resolved", "home copied", "signed in anew"),
}
_MET = {
    "Sync": {"device lost"},
    "SmallPages": {"device lost", "page"},
    "Quota": {"device lost", "head: quota"},
    "Restore": {"server restored", "read anew: epoch"},
    "Rollback": {"server went back", "read anew: epoch", "restored"},
    "RollbackPages": {"server went back", "read anew: epoch", "restored", "page"},
    "Forgetful": {"read anew: horizon", "deletion undone"},
    "Teams": {"joined", "removed", "wiped", "left", "thawed", "renamed"},
    "Quarrel": {"resolved", "resolve: ok", "device lost"},
}


@pytest.mark.parametrize("name", SCENARIOS)
def test_three_devices_lose_nothing(name: str, database_url: str) -> None:
    # The seeds are chosen so that these few runs meet what the scenario is about.
    first = {"Restore": 1000, "Teams": 4}.get(name, 0)
    seeds = range(first, first + 3)
    assert _lives(name, database_url, seeds, steps=120) >= _MET[name]


@pytest.mark.soak
@pytest.mark.parametrize("first", range(1000, 2000, 100))
@pytest.mark.parametrize("name", SCENARIOS)
def test_three_devices_lose_nothing_in_many_long_lives(
    name: str, first: int, database_url: str
) -> None:
    seeds = range(first, first + 100)
    always = {"transferred"} if name == "Teams" else _ALWAYS
    assert _lives(name, database_url, seeds, steps=300) >= _MET[name] | always


def _lives(name: str, address: str, seeds: range, steps: int) -> set[str]:
    """Run simulations; return the counted events."""
    scenario, events = SCENARIOS[name], collections.Counter[str]()
    with hosting(address, scenario.page) as host:
        for seed in seeds:
            run(host, scenario, seed, steps, events)
    return {*events}

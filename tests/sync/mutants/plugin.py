"""A plugin for pytest: each test that finds a mutant runs with this mutant."""

from collections.abc import Generator

import pytest

from tests.sync.mutants.mutant import MUTANTS

_MUTANTS = {f"tests/server/{each.test}": each for each in MUTANTS if each.test}


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    with _MUTANTS[item.nodeid].applied():
        return (yield)

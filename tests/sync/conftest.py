"""Devices of one user, and the server that they sync with."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.server.conftest import (  # noqa: F401 - fixtures
    Server,
    administration,
    database_url,
    empty_database_url,
    postgres,
    server,
    settings,
    start_server,
    template,
    token,
)
from tests.sync.laptop import Laptop

NewLaptop = Callable[[str], Laptop]


@pytest.fixture
def new_laptop(
    tmp_path: Path,
    server: Server,  # noqa: F811
    token: str,  # noqa: F811
) -> NewLaptop:
    """Return what makes a device of the user, by its name."""
    return lambda name: Laptop(tmp_path / name, server.url, token)


@pytest.fixture
def one(new_laptop: NewLaptop) -> Laptop:
    """Return a device."""
    return new_laptop("one")


@pytest.fixture
def two(new_laptop: NewLaptop) -> Laptop:
    """Return another device of the same user."""
    return new_laptop("two")

"""Devices of one user, and the server that they sync with."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.server.conftest import (  # noqa: F401 - fixtures
    Server,
    admin,
    database_url,
    empty_database_url,
    postgres,
    reused_database,
    server,
    settings,
    start_server,
    template,
    token,
)
from tests.sync.laptop import Laptop
from tests.sync.machine import Machine

NewLaptop = Callable[[str], Laptop]


@pytest.fixture
def new_laptop(
    tmp_path: Path,
    server: Server,  # noqa: F811
    token: str,  # noqa: F811
) -> NewLaptop:
    """Return a function that creates a device of the user, by its name."""
    return lambda name: Laptop(tmp_path / name, server.url, token)


@pytest.fixture
def one(new_laptop: NewLaptop) -> Laptop:
    """Return a device."""
    return new_laptop("one")


@pytest.fixture
def two(new_laptop: NewLaptop) -> Laptop:
    """Return another device of the same user."""
    return new_laptop("two")


NewMachine = Callable[[str], Machine]


@pytest.fixture
def new_machine(
    tmp_path: Path,
    home: Path,
    server: Server,  # noqa: F811
    token: str,  # noqa: F811
) -> NewMachine:
    """Return a function that creates a device, by its name, and signs it in."""

    def make(name: str) -> Machine:
        device = Machine(tmp_path / name)
        device.sign_in(server.url, token)
        return device

    return make


@pytest.fixture
def desk(new_machine: NewMachine) -> Machine:
    """Return a device on which the program runs."""
    return new_machine("desk")


@pytest.fixture
def phone(new_machine: NewMachine) -> Machine:
    """Return another device of the same user."""
    return new_machine("phone")

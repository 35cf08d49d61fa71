"""Two devices of one user; faults happen to the first one."""

import contextlib
import os
import shutil
import sqlite3
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

from promptvault.home import HOME_VARIABLE
from promptvault.paths import Paths, resolve
from tests.faults.hosting import Holdings, Host, User
from tests.faults.program import Vault
from tests.faults.wholeness import State, faults, state
from tests.sync.laptop import Laptop

_ROUNDS = 3


@dataclass
class Device(Laptop):
    """A home folder with the program's layout, on which commands run."""

    @property
    def paths(self) -> Paths:
        return resolve({HOME_VARIABLE: str(self.home)}, os.getcwd)

    @property
    def vault(self) -> Vault:
        return Vault(self.home)

    def sign_in(self) -> None:
        """Sign in with a token of its user."""
        command = ("login", "--server", self.server, "--token", "-")
        self.vault.ok(*command, stdin=self.token)

    def become(self, user: User) -> None:
        """Become a device of *user*, whose vault on the server is a copy."""
        (file,) = (self.home / "credentials").iterdir()
        file.write_text(user.token)
        self.token = user.token
        if not self.paths.database.exists():
            return
        with contextlib.closing(sqlite3.connect(self.paths.database)) as connection:
            connection.execute("UPDATE sync_link SET vault = ?", (user.vault,))
            connection.commit()


class End(NamedTuple):
    """The state of all devices and the server, without ids and times."""

    state: State
    holdings: Holdings


@dataclass
class Stage:
    """Two devices, and their user on the server."""

    host: Host
    user: User
    one: Device
    two: Device

    def copy(self, folder: Path) -> "Stage":
        """Return a copy of all of it, for another user."""
        user = self.host.twin(self.user)
        devices = [_copy(each, folder) for each in (self.one, self.two)]
        for device in devices:
            device.become(user)
        return Stage(self.host, user, *devices)

    def remove(self) -> None:
        """Delete the devices."""
        for device in (self.one, self.two):
            shutil.rmtree(device.home)

    def end(self) -> End:
        """Return the state of the first device and the server."""
        return End(state(self.one.vault), self.host.holdings(self.user))

    def settle(self) -> list[str]:
        """Sync until both devices have nothing to do, and return what is wrong then."""
        trips = 0
        for _ in range(_ROUNDS):
            trips = self.one.sync().round_trips + self.two.sync().round_trips
            if trips == 2:
                break
        wrong = [] if trips == 2 else ["the devices do not come to rest"]
        wrong += _differences(self.one.everything(), self.two.everything())
        wrong += faults(self.two.vault)
        return [*wrong, *self.one.problems(), *self.two.problems()]


def new_stage(host: Host, folder: Path) -> Stage:
    """Return two devices that are signed in and empty."""
    folder.mkdir()
    user = host.add_user()
    one = Device(folder / "one", host.url, user.token)
    two = replace(one, home=folder / "two")
    for device in (one, two):
        device.sign_in()
    return Stage(host, user, one, two)


def _copy(device: Device, folder: Path) -> Device:
    home = folder / device.home.name
    shutil.copytree(device.home, home)
    return replace(device, home=home)


def _differences(one: dict[str, Any], two: dict[str, Any]) -> list[str]:
    differing = [key for key in one.keys() | two.keys() if one.get(key) != two.get(key)]
    return [f"the devices differ: {one.get(key)}, {two.get(key)}" for key in differing]

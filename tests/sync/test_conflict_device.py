"""Conflicts name the devices that wrote their versions, by the names of the user."""

from collections.abc import Callable
from pathlib import Path

import pytest

from promptvault.server.admin import Admin
from promptvault.services.sync.conductor import Exchange
from promptvault.services.sync.conflict import Device, find_conflict
from promptvault.vault.reader import reading
from promptvault.wire.sync import SyncAnswer
from tests.server.conftest import EMAIL, Server
from tests.sync.laptop import Laptop
from tests.sync.machine import Machine
from tests.sync.test_hardship import sync_all
from tests.sync.test_outliving import quarrel

NewNamed = Callable[[str], Laptop]
HERE = Device(None, is_this=True)


@pytest.fixture
def named(tmp_path: Path, server: Server, token: str, admin: Admin) -> NewNamed:
    """Return a function that adds a device with a name that the server knows."""

    def make(name: str) -> Laptop:
        own = admin.issue_token(EMAIL, name)
        return Laptop(tmp_path / name, server.url, own)

    return make


def devices(laptop: Laptop) -> tuple[Device, Device]:
    """Return the devices that wrote our version of the conflict, and theirs."""
    with reading(laptop.paths.database, laptop.paths.usage) as reader:
        conflict = find_conflict(reader, "a")
    return conflict.ours_by, conflict.theirs_by


def test_each_device_names_the_other(named: NewNamed) -> None:
    desk, phone, third = named("desk"), named("phone"), named("third")
    quarrel(desk, phone, "a")
    sync_all(desk, phone, third)
    assert devices(desk) == (HERE, Device("phone", is_this=False))
    assert devices(phone) == (HERE, Device("desk", is_this=False))
    assert devices(third) == (Device("desk", False), Device("phone", False))
    third.set("a", title="Of the third")
    sync_all(third, desk, phone)
    assert devices(third) == (HERE, Device("phone", is_this=False))
    assert devices(phone) == (HERE, Device("third", is_this=False))


def without_names(exchange: Exchange) -> Exchange:
    """Behave like a server from before devices were named."""

    def ask(request: bytes) -> SyncAnswer:
        answer = exchange(request)
        for change in answer.vaults[0].feed:
            if change.by:
                change.by.name = None
        return answer

    return ask


def test_a_server_that_names_nobody_does_for_a_conflict(
    one: Laptop, two: Laptop
) -> None:
    one.add("a", "common\n")
    for device in (one, two):
        device.sync(without_names)
    one.edit("a", "one's\n")
    two.edit("a", "two's\n")
    for device in (one, two, one):
        device.sync(without_names)
    unknown = Device(None, is_this=False)
    assert devices(one) == devices(two) == (HERE, unknown)
    assert str(unknown) == "another device"


def test_the_names_are_drawn(
    new_machine: Callable[[str], Machine],
    server: Server,
    admin: Admin,
) -> None:
    desk, phone = (new_machine(name) for name in ("desk", "phone"))
    for device in (desk, phone):
        own = admin.issue_token(EMAIL, f"my-{device.home.name}")
        device.sign_in(server.url, own)
    desk.ok("add", "a", "common\n")
    for device in (desk, phone):
        device.sync()
    for device in (desk, phone):
        device.ok("add", "--upsert", "a", device.home.name)
    for device in (desk, phone, desk):
        device.sync()
    (row,) = desk.ok("conflicts", "list", "--json").json
    assert (row["ours"]["device"], row["ours"]["this_device"]) == (None, True)
    assert (row["theirs"]["device"], row["theirs"]["this_device"]) == (
        "my-phone",
        False,
    )
    listed = "\n".join(desk.ok("conflicts", "list").lines)
    assert "this device" in listed
    assert "my-phone" in listed
    assert "on\tthis device\tmy-phone" in desk.ok("conflicts", "show", "a").lines

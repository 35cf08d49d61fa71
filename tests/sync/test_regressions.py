"""Bugs that models and the simulator found, each as the shortest test that shows it."""

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.sync import oracle
from tests.sync.actions import Scenario, World
from tests.sync.device import Device
from tests.sync.hosted import Hosted, hosting

NewWorld = Callable[..., World]


@pytest.fixture
def new_world(tmp_path: Path, database_url: str) -> Iterator[NewWorld]:
    """Return a function that creates a world; in the end its devices are equal."""
    with contextlib.ExitStack() as stack:
        worlds: list[World] = []

        def make(page: int = 500, limit: int | None = None) -> World:
            host = stack.enter_context(hosting(database_url, page))
            scenario = Scenario("regression", page, limit, has_backups=True)
            worlds.append(World(tmp_path, Hosted(host, limit), scenario))
            return worlds[-1]

        yield make
        for world in worlds:
            world.hosted.check()
            oracle.judge(world)
            oracle.examine(world)


@pytest.fixture
def world(new_world: NewWorld) -> World:
    """Return a world of three devices that know one prompt, ``a``."""
    world = new_world()
    _share(world)
    return world


def _share(world: World, name: str = "a", lines: int = 5) -> None:
    world.devices[0].add(name, "".join(f"{world.word()}\n" for _ in range(lines)))
    for d in range(3):
        world.sync(d)


def _rewrite(world: World, d: int, name: str = "a", line: int = 0) -> None:
    """Replace a line of a prompt by another one."""
    device = world.devices[d]
    lines = device.body(name).splitlines()
    world.removed.add(lines[line])
    lines[line] = world.word()
    device.edit(name, "".join(f"{each}\n" for each in lines))


def _delete(world: World, d: int, name: str = "a") -> None:
    device = world.devices[d]
    world.removed |= next(p.tokens for p in device.prompts() if p.name == name)
    device.delete(name)


def _conflict(world: World, one: int = 0, two: int = 1, name: str = "a") -> None:
    """Change the same line on two devices; the second one gets a conflict copy."""
    _rewrite(world, one, name)
    device = world.devices[two]
    world.removed.add(device.body(name).splitlines()[0])
    lines = [world.word(), *device.body(name).splitlines()[1:]]
    device.edit(name, "".join(f"{each}\n" for each in lines))
    world.sync(one)
    world.sync(two)


def _keep(world: World, d: int) -> None:
    world.resolve(d, 0, keep=True)


def _open_sides(device: Device) -> int:
    return len(device.copies())


# Found by models: SYNC.md, 3.14.


def test_a_deleted_prompt_does_not_come_back_from_a_copied_vault(world: World) -> None:
    one, two, three = world.devices
    two.add("b", f"{world.word()}\n")
    three.replace_by(two)
    world.sync(1)
    world.sync(0)
    _delete(world, 0, "b")
    world.sync(0)
    world.sync(2)  # it has never sent what the other copy has sent
    assert three.names() == ["a"]
    assert one.names() == ["a"]


def test_a_conflict_with_a_head_that_was_read_before_ends(world: World) -> None:
    world.devices[1].add("b", f"{world.word()}\n")
    _rewrite(world, 0)
    world.sync(0)
    _rewrite(world, 1)
    report = world.sync(1, ["lose answer"])
    assert report is None
    _rewrite(world, 1, line=4)
    assert world.sync(1) is not None


def test_reading_page_by_page_passes_what_was_forgotten(new_world: NewWorld) -> None:
    world = new_world(page=2)
    for name in ("a", "b", "c"):
        _share(world, name)
    _delete(world, 0, "a")
    _rewrite(world, 0, "b")
    world.sync(0)
    world.purge(1)
    world.devices[2].clear()
    world.sync(2)
    assert world.devices[2].names() == ["b", "c"]


def test_a_resolution_goes_with_the_text_that_absorbed_the_side(world: World) -> None:
    _conflict(world)
    _keep(world, 1)
    world.sync(1, ["lose request"])
    world.devices[1].clear()  # both the text and the resolution are gone
    world.sync(1)
    assert _open_sides(world.devices[1]) == 1


def test_a_resolution_whose_text_loses_is_settled_all_the_same(world: World) -> None:
    _conflict(world)
    world.sync(0)
    _keep(world, 1)
    _rewrite(world, 0)
    world.sync(0)
    world.sync(1)
    oracle.settle(world)
    counts = {_open_sides(device) for device in world.devices}
    assert len(counts) == 1


def test_what_was_made_while_reading_anew_stays(world: World) -> None:
    world.devices[1].add("new", f"{world.word()}\n")
    _share(world, "b")
    _delete(world, 0, "b")
    world.sync(0)
    world.purge(1)
    world.sync(1, ["", "edit"])
    assert "new" in world.devices[1].names()


def test_sides_are_offered_to_a_restored_server_again(world: World) -> None:
    world.back_up()
    _conflict(world)
    world.restore_server()
    oracle.settle(world)
    assert [_open_sides(device) for device in world.devices] == [1, 1, 1]


def test_a_side_that_was_settled_and_forgotten_is_not_open_again(world: World) -> None:
    _conflict(world)
    oracle.settle(world)
    world.devices[2].replace_by(world.devices[1])
    world.back_up()
    _keep(world, 0)
    world.sync(0)
    world.sync(1)
    world.purge(1)
    oracle.settle(world)
    assert [_open_sides(device) for device in world.devices] == [0, 0, 0]


def test_a_side_that_is_told_again_stays_settled_here(world: World) -> None:
    _conflict(world)
    _keep(world, 1)
    world.sync(1, ["", "lose answer"], None)
    world.hosted.purge(0)
    device = world.devices[1]
    world.devices[2].replace_by(device)
    world.sync(1)
    world.sync(2)
    assert _open_sides(device) == 0


# Found by the simulator.


def test_versions_that_a_forgetful_server_lost_are_sent_again(world: World) -> None:
    """A prompt is deleted, purged, and created again by a device with an old state."""
    _rewrite(world, 1)  # it survives on a device that knows one version
    _rewrite(world, 0, line=1)
    _rewrite(world, 0, line=2)
    world.sync(0)
    world.sync(2)
    _delete(world, 0)
    world.sync(0)
    world.purge(1)
    world.sync(1)
    oracle.settle(world)
    assert len(world.devices[1].log("a")) == 4


def test_a_prompt_that_comes_back_brings_its_whole_history(world: World) -> None:
    """A device that linked while it was in the trash does not have it."""
    _rewrite(world, 0)
    world.sync(0)
    _delete(world, 0)
    world.sync(0)
    world.devices[2].clear()
    world.sync(2)
    world.restore(0, 0)
    world.sync(0)
    world.sync(2)
    assert world.devices[2].log("a") == world.devices[0].log("a")


def test_versions_of_a_repeated_conflict_copy_do_not_count_as_sent(
    world: World,
) -> None:
    _rewrite(world, 0)
    world.sync(0)
    _rewrite(world, 1)
    world.sync(1, ["", "lose answer"])
    _rewrite(world, 1)  # goes along when the side is sent again
    _rewrite(world, 1)
    _rewrite(world, 0)
    world.sync(0)
    world.sync(1)
    oracle.settle(world)
    assert world.devices[0].log("a") == world.devices[1].log("a")


def test_versions_that_two_pages_tell_are_there_once(new_world: NewWorld) -> None:
    world = new_world(page=2)
    _share(world)
    _conflict(world)
    for name in ("b", "c"):
        _share(world, name)
    _rewrite(world, 0)
    world.sync(0)
    world.devices[2].clear()
    world.sync(2)
    assert world.devices[2].log("a") == world.devices[0].log("a")


def test_a_side_of_a_forgotten_prompt_keeps_its_text(world: World) -> None:
    _conflict(world)
    world.sync(0)
    _delete(world, 0)
    world.sync(0)
    world.purge(1)
    ((_, state),) = world.hosted.sides().items()
    assert state["version"] in world.hosted.bodies()


def test_a_restored_server_may_stand_where_a_device_never_was(world: World) -> None:
    _rewrite(world, 0)
    world.sync(0)
    world.back_up()
    _rewrite(world, 0)
    world.sync(0)
    world.sync(1)  # it has never seen the content of the backup
    _rewrite(world, 1, line=4)
    world.restore_server()
    assert world.sync(1) is not None


def test_an_emptied_trash_gives_way_to_an_edit_after_a_restore(world: World) -> None:
    world.back_up()
    _rewrite(world, 0)
    world.sync(0)
    _delete(world, 1)
    world.empty_trash(1)
    world.restore_server()
    world.sync(0)
    world.sync(1)
    assert world.devices[1].names() == ["a"]


def test_a_prompt_over_the_limit_makes_way_for_the_name_of_another(
    new_world: NewWorld,
) -> None:
    world = new_world(limit=1)
    world.devices[1].add("a", f"{world.word()}\n")
    world.sync(1)
    _delete(world, 1, "a")
    world.sync(1)
    world.devices[0].add("a", f"{world.word()}\n")
    world.sync(0)
    world.restore(1, 0)  # older on the server, which has no room for it now
    world.sync(1)
    assert world.devices[2].names() == []
    world.sync(2)
    assert world.devices[2].names() == ["a"]
    (local,) = (each for each in world.devices[1].prompts() if each.hold)
    assert local.name != "a"

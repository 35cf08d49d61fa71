"""A server that lost its last changes without notice does not undo them on devices."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from promptvault.domain.revision import parse_revision
from promptvault.services.prompts.edit import set_label
from promptvault.services.sync.rounds import SyncReport
from promptvault.vault.reader import reading
from tests.sync import oracle
from tests.sync.actions import Scenario, World
from tests.sync.device import tokens_of
from tests.sync.hosted import Hosted, hosting

ORDERS = ((500, (1, 0, 2)), (500, (1, 2, 0)), (2, (2, 1, 0)))
"""Changes in a page, and the order in which the devices sync."""
in_each_order = pytest.mark.parametrize(("page", "order"), ORDERS)


@pytest.fixture
def page() -> int:
    """Return how many changes a page has, unless the test chooses."""
    return 500


@pytest.fixture
def world(page: int, tmp_path: Path, database_url: str) -> Iterator[World]:
    """Return three devices that know one prompt, ``a``, on a server that goes back."""
    scenario = Scenario("rollback", page, goes_back=True)
    with hosting(database_url, page) as host:
        made = World(tmp_path, Hosted(host), scenario)
        made.devices[0].add("a", "".join(f"{made.word()}\n" for _ in range(5)))
        _sync(made, 0, 1, 2)
        yield made
        made.hosted.check()
        oracle.judge(made)
        oracle.examine(made)


def _sync(world: World, *devices: int) -> list[SyncReport]:
    reports = [world.sync(d) for d in devices]
    assert all(reports)
    return [report for report in reports if report]


def _rewrite(world: World, d: int, line: int = 0) -> str:
    """Replace a line of ``a`` by another, and return that."""
    lines = world.devices[d].body("a").splitlines()
    world.removed.add(lines[line])
    lines[line] = world.word()
    world.devices[d].edit("a", "".join(f"{each}\n" for each in lines))
    return lines[line]


def _go_back(world: World) -> None:
    """Restore the server, and change something on it from another device."""
    world.go_back(0, renew=False)
    world.devices[1].add("other", f"{world.word()}\n")


@in_each_order
@pytest.mark.parametrize("renew", [False, True], ids=["silent", "new epoch"])
def test_an_acknowledged_edit_stays(
    world: World, order: tuple[int, ...], renew: bool
) -> None:
    word = _rewrite(world, 0)
    _sync(world, 0, 2)
    world.go_back(0, renew=renew)
    world.devices[1].add("other", f"{world.word()}\n")
    _sync(world, *order, *order)
    for device in world.devices:
        assert word in device.body("a")
        assert device.names() == ["a", "other"]
        assert not device.copies()


@in_each_order
def test_an_acknowledged_prompt_stays(world: World, order: tuple[int, ...]) -> None:
    world.devices[0].add("new", f"{world.word()}\n")
    _sync(world, 0, 2)
    _go_back(world)
    _sync(world, *order, *order)
    for device in world.devices:
        assert device.names() == ["a", "new", "other"]
        assert device.names(trashed=True) == []


@in_each_order
def test_an_acknowledged_deletion_stays(world: World, order: tuple[int, ...]) -> None:
    world.removed |= tokens_of(world.devices[0].body("a"))
    world.devices[0].delete("a")
    _sync(world, 0, 2)
    _go_back(world)
    _sync(world, *order, *order)
    for device in world.devices:
        assert device.names() == ["other"]


@in_each_order
def test_an_acknowledged_label_stays(world: World, order: tuple[int, ...]) -> None:
    set_label(world.devices[0].workspace, "a@1", "prod")
    _sync(world, 0, 2)
    _go_back(world)
    _sync(world, *order, *order)
    for device in world.devices:
        with reading(device.paths.database, device.paths.usage) as reader:
            found = reader.version(reader.get("a"), parse_revision("prod"))
            assert found.number == 1


def test_a_device_that_skipped_versions_brings_the_newest(world: World) -> None:
    _rewrite(world, 0)
    _sync(world, 0)
    word = _rewrite(world, 0)
    _sync(world, 0, 2)  # which has never read the version between them
    _go_back(world)
    _sync(world, 2, 1)
    assert word in world.devices[1].body("a")
    assert not world.devices[1].copies()
    assert not world.devices[2].copies()


def test_a_device_that_skipped_versions_brings_the_deletion(world: World) -> None:
    _rewrite(world, 0)
    _sync(world, 0)
    world.removed |= tokens_of(world.devices[0].body("a"))
    world.devices[0].delete("a")
    _sync(world, 0, 2)
    _go_back(world)
    _sync(world, 2, 1, 2)
    assert world.devices[1].names() == ["other"]
    assert world.devices[2].names() == ["other"]


@in_each_order
def test_what_was_written_on_the_older_state_is_merged(
    world: World, order: tuple[int, ...]
) -> None:
    first = _rewrite(world, 0, line=0)
    _sync(world, 0, 2)
    world.go_back(0, renew=False)
    last = _rewrite(world, 1, line=4)
    _sync(world, *order, *order)
    for device in world.devices:
        assert {first, last} <= tokens_of(device.body("a"))
        assert not device.copies()


def test_a_conflict_copy_is_sent_again(world: World) -> None:
    _rewrite(world, 0)
    _rewrite(world, 2)
    _sync(world, 0, 2)  # the last push is the conflict copy
    world.go_back(0, renew=False)
    world.devices[1].add("other", f"{world.word()}\n")
    _sync(world, 1, 2, 0, 1)
    assert [len(device.copies()) for device in world.devices] == [1, 1, 1]


@in_each_order
def test_a_settled_conflict_stays_settled(world: World, order: tuple[int, ...]) -> None:
    _rewrite(world, 0)
    _rewrite(world, 2)
    _sync(world, 0, 2, 0, 1)
    world.resolve(0, 0, keep=True)
    body = world.devices[0].body("a")
    _sync(world, 0, 2)
    _go_back(world)
    _sync(world, *order, *order)
    for device in world.devices:
        assert device.body("a") == body
        assert not device.copies()


def test_what_was_lost_is_counted_once(world: World) -> None:
    _rewrite(world, 0)
    _sync(world, 0)
    _rewrite(world, 0)
    world.devices[0].add("new", f"{world.word()}\n")
    _sync(world, 0, 2)
    world.go_back(1, renew=False)
    world.devices[1].add("other", f"{world.word()}\n")
    reports = _sync(world, 1, 0, 2, 0, 2)
    assert [each.counts.restored for each in reports] == [0, 2, 0, 0, 0]


@pytest.mark.parametrize("renew", [False, True], ids=["silent", "new epoch"])
def test_a_deletion_that_was_lost_is_counted_once_and_not_as_sent(
    world: World, renew: bool
) -> None:
    world.removed |= tokens_of(world.devices[0].body("a"))
    world.devices[0].delete("a")
    _sync(world, 0, 2)
    world.go_back(0, renew=renew)
    first, second = _sync(world, 0, 2)
    assert (first.counts.restored, first.counts.pushed) == (1, 0)
    assert (second.counts.restored, second.counts.pushed) == (0, 0)


def test_what_is_new_counts_as_sent_beside_what_was_lost(world: World) -> None:
    _rewrite(world, 0)
    _sync(world, 0)
    _go_back(world)
    _rewrite(world, 0)
    world.devices[0].add("new", f"{world.word()}\n")
    _sync(world, 1)
    (report,) = _sync(world, 0)
    assert (report.counts.restored, report.counts.pushed) == (1, 2)


def test_nothing_is_lost_where_nothing_went_back(world: World) -> None:
    _rewrite(world, 0)
    reports = _sync(world, 0, 1, 2)
    assert [each.counts.restored for each in reports] == [0, 0, 0]


def test_a_prompt_deleted_long_ago_does_not_come_back_by_it(world: World) -> None:
    world.removed |= tokens_of(world.devices[0].body("a"))
    world.devices[0].delete("a")
    _sync(world, 0)
    world.hosted.purge(1)
    world.devices[0].add("new", f"{world.word()}\n")
    _sync(world, 0)
    world.go_back(0, renew=True)
    (report,) = _sync(world, 2)  # which has read nothing since the deletion
    assert report.counts.deleted == 1
    assert world.devices[2].names() == []
    assert world.devices[2].names(trashed=True) == ["a"]

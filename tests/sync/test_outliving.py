"""Which of two changes survives: edits, deletions, resolutions, a new beginning."""

import itertools
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
import pytest

from promptvault.services.prompts.edit import (
    delete_prompts,
    purge_trash,
    restore_prompt,
)
from promptvault.services.sync.conductor import Exchange
from promptvault.services.sync.conflict import find_conflict, find_conflicts
from promptvault.services.sync.resolve import resolve_with_side, resolve_with_text
from promptvault.services.sync.rounds import Direction
from promptvault.vault.reader import reading
from promptvault.vault.sync.item import Hold
from promptvault.wire.sync import SyncAnswer
from tests.server.conftest import Server
from tests.sync.conftest import NewLaptop
from tests.sync.laptop import Laptop
from tests.sync.test_hardship import note_origin, sent_otherwise, sync_all

NAMES = [f"p{number}" for number in range(7)]


class GoneError(Exception):
    """The device is lost."""


def quarrel(one: Laptop, two: Laptop, *names: str) -> None:
    """Change the same line on two devices, and sync them."""
    for name in names:
        one.add(name, "common\n")
    sync_all(one, two)
    for name in names:
        one.edit(name, f"one's {name}\n")
        two.edit(name, f"two's {name}\n")
    one.sync()
    two.sync()


def in_conflict(laptop: Laptop) -> dict[str, str]:
    """Return the text of each prompt's conflict copy."""
    with reading(laptop.paths.database, laptop.paths.usage) as reader:
        found = list(find_conflicts(reader))
    return {each.prompt.name: each.other.version.body for each in found}


def take_theirs(laptop: Laptop, name: str) -> None:
    """Resolve a conflict with the other version."""
    with reading(laptop.paths.database, laptop.paths.usage) as reader:
        conflict = find_conflict(reader, name)
    resolve_with_side(laptop.workspace, conflict, conflict.theirs)


def take_both(laptop: Laptop, name: str) -> None:
    """Resolve a conflict with a text that contains both versions."""
    with reading(laptop.paths.database, laptop.paths.usage) as reader:
        conflict = find_conflict(reader, name)
    sides = (conflict.current.version.body, conflict.other.version.body)
    resolve_with_text(laptop.workspace, conflict, "".join(sides))


@pytest.mark.parametrize("is_lost", [False, True])
def test_a_conflict_copy_outlives_the_removal_of_its_prompt(
    one: Laptop, two: Laptop, new_laptop: NewLaptop, is_lost: bool
) -> None:
    quarrel(one, two, "a")
    one.delete("a")
    purge_trash(one.workspace)
    if is_lost:
        shutil.rmtree(two.home)
        two = new_laptop("three")
    sync_all(one, two)
    for device in (one, two):
        assert device.body("a") == "two's a\n"
        assert in_conflict(device) == {}
        assert device.problems() == []
    assert one.everything() == two.everything()
    assert [each[2] for each in one.log("a")] == ["common\n", "one's a\n", "two's a\n"]


def test_who_has_seen_a_conflict_may_remove_the_prompt(
    one: Laptop, two: Laptop
) -> None:
    quarrel(one, two, "a")
    one.sync()
    one.delete("a")
    purge_trash(one.workspace)
    sync_all(one, two)
    assert (one.names(), two.names()) == ([], [])
    assert two.names(trashed=True) == []


def test_a_removal_stays_though_its_settlement_comes_on_a_later_page(
    tmp_path: Path, start_server: Callable[..., Server], token: str
) -> None:
    url = start_server(items_limit=2).url
    one, two, three = (Laptop(tmp_path / name, url, token) for name in ("1", "2", "3"))
    quarrel(one, two, "a")
    sync_all(one, two, three)
    one.add("earlier", "b\n")
    one.sync()
    one.delete("a")
    purge_trash(one.workspace)
    one.sync()
    sync_all(two, three, one)
    for device in (one, two, three):
        assert device.names() == ["earlier"]
        assert device.names(trashed=True) == []
        assert device.problems() == []


def test_more_settled_conflicts_than_a_request_takes(
    tmp_path: Path, start_server: Callable[..., Server], token: str
) -> None:
    url = start_server(items_limit=3).url
    one, two = (Laptop(tmp_path / name, url, token) for name in ("one", "two"))
    quarrel(one, two, *NAMES)
    for name in NAMES:
        take_theirs(two, name)
    sync_all(two, one)
    assert in_conflict(one) == {}


def test_a_conflict_is_settled_only_once_the_text_that_settles_it_is_safe(
    tmp_path: Path, start_server: Callable[..., Server], token: str
) -> None:
    url = start_server(items_limit=3).url
    one, two, three = (Laptop(tmp_path / name, url, token) for name in ("1", "2", "3"))
    quarrel(one, two, *NAMES)
    one.sync()
    for name in NAMES:
        take_both(two, name)
        one.edit(name, f"one's next {name}\n")
    one.sync()
    two.sync(direction=Direction(push=False))  # so that both have conflict copies

    def answered_once(exchange: Exchange) -> Exchange:
        answers: list[SyncAnswer] = []

        def send(request: bytes) -> SyncAnswer:
            if answers:
                raise GoneError
            answers.append(exchange(request))
            return answers[0]

        return send

    with pytest.raises(GoneError):
        two.sync(answered_once)
    three.sync()
    beside = in_conflict(three)
    for name in NAMES:
        assert f"two's {name}\n" in three.body(name) + beside[name]


def test_settling_without_the_right_to_write_is_held_back(
    one: Laptop, two: Laptop, database_url: str
) -> None:
    quarrel(one, two, "a")
    take_theirs(two, "a")
    with psycopg.connect(database_url) as database:
        database.execute("UPDATE vault_members SET role = 'viewer'")
    assert two.sync().status.held == {Hold.FORBIDDEN: 1}
    assert two.sync().round_trips == 1


def test_a_side_that_cannot_be_read_hides_no_later_head(
    one: Laptop, two: Laptop, new_laptop: NewLaptop
) -> None:
    def poison(push: dict[str, Any]) -> None:
        for version in push.get("versions", []):
            version["variables"] = {"x": {"type": "hologram"}}

    one.add("a", "common\n")
    sync_all(one, two)
    one.edit("a", "one's\n")
    two.edit("a", "two's\n")
    one.sync()
    two.sync(sent_otherwise(poison))
    two.edit("a", "of a newer program, but readable\n")
    two.add("more", "more\n")
    two.sync()
    for device in (one, new_laptop("three")):
        device.sync()
        assert device.sync().round_trips == 1
        assert device.body("a") == "of a newer program, but readable\n"
        assert device.body("more") == "more\n"


@pytest.mark.parametrize("seconds", [-1000, 1000])
@pytest.mark.parametrize("is_restored_first", [False, True])
def test_what_is_taken_out_of_the_trash_stays_out(
    one: Laptop, two: Laptop, seconds: int, is_restored_first: bool
) -> None:
    two.clock = itertools.count(seconds)
    one.add("a", "A\n")
    sync_all(one, two)
    one.delete("a")
    sync_all(one, two)
    if is_restored_first:
        restore_prompt(two.workspace, "a")
        two.relink()
    else:
        two.relink()
        sync_all(two, one)
        restore_prompt(two.workspace, "a")
    sync_all(two, one)
    assert (one.names(), two.names()) == (["a"], ["a"])
    two.delete("a")
    sync_all(two, one)
    assert (one.names(), two.names()) == ([], [])


@pytest.mark.parametrize("seconds", [-1000, 1000])
def test_what_others_deleted_stays_deleted_after_a_relink(
    one: Laptop, two: Laptop, seconds: int
) -> None:
    two.clock = itertools.count(seconds)
    two.add("a", "A\n")
    sync_all(two, one)
    delete_prompts(two.workspace, ["a"])
    restore_prompt(two.workspace, "a")  # long before it is deleted
    sync_all(two, one)
    one.delete("a")
    one.sync()
    two.relink()
    sync_all(two, one)
    assert (one.names(), two.names()) == ([], [])


def test_the_order_of_variables_is_the_same_everywhere(
    one: Laptop, two: Laptop
) -> None:
    text = "---\nvariables:\n  y: 2\n  x: 1\n  a: 3\n---\n{{ y }}{{ x }}{{ a }}\n"
    one.add("a", text)
    sync_all(one, two)
    assert [each.name for each in two.current("a").content.variables] == ["y", "x", "a"]
    assert one.log("a") == two.log("a")


def test_what_two_synced_devices_import_from_one_file_is_there_once(
    one: Laptop, two: Laptop
) -> None:
    one.add("first", "common\n")
    sync_all(one, two)
    for device in (one, two):
        device.add("chat/review", "Review this.\n")
        device.add("chat/plan", f"Plan of {device.home.name}.\n")
        note_origin(device, "chatgpt")
    sync_all(one, two)
    assert one.everything() == two.everything()
    assert [name for name in two.names() if "review" in name] == ["chat/review"]
    assert len(two.names()) == 4


def test_settling_is_told_of(one: Laptop, two: Laptop) -> None:
    quarrel(one, two, "a")
    one.sync()
    take_theirs(two, "a")
    assert two.sync().counts.resolved == 1
    assert one.sync().counts.resolved == 1
    assert one.sync().counts.resolved == 0

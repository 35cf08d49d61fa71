"""Two devices and a server: each gets the changes of the other."""

import contextlib

from promptvault.services.prompts.edit import set_label
from promptvault.vault.database import open_usage
from tests.sync.laptop import Laptop


def test_a_prompt_comes_to_the_other_device_with_its_history(
    one: Laptop, two: Laptop
) -> None:
    one.add("coding/review", "Review this.", title="Review", tags=("code",))
    one.edit("coding/review", "Review this diff.")
    report = one.sync()
    assert (report.counts.pushed, report.round_trips) == (1, 2)
    report = two.sync()
    assert (report.counts.pulled, report.round_trips) == (1, 1)
    assert two.everything() == one.everything()
    assert [each[2] for each in two.log("review")] == [
        "Review this.",
        "Review this diff.",
    ]


def test_a_label_that_moves_twice_before_a_sync_comes_to_the_other_device(
    one: Laptop, two: Laptop
) -> None:
    one.add("a", "A")
    one.edit("a", "B")
    one.sync()
    set_label(one.workspace, "a@1", "stable")
    set_label(one.workspace, "a@2", "stable")
    one.sync()
    two.sync()
    assert two.get("a").labels == {"stable": 2}


def test_nothing_new_is_one_request_and_writes_nothing(
    one: Laptop,
) -> None:
    one.add("a", "A")
    one.sync()
    before = one.paths.database.stat().st_mtime_ns
    report = one.sync()
    assert report.round_trips == 1
    assert one.paths.database.stat().st_mtime_ns == before


def test_changes_of_different_lines_are_merged(one: Laptop, two: Laptop) -> None:
    one.add("a", "first\n2\n3\n4\nlast\n")
    one.sync()
    two.sync()
    one.edit("a", "FIRST\n2\n3\n4\nlast\n")
    two.edit("a", "first\n2\n3\n4\nLAST\n")
    one.sync()
    report = two.sync()
    assert report.counts.merged == 1
    one.sync()
    assert one.body("a") == two.body("a") == "FIRST\n2\n3\n4\nLAST\n"
    assert one.everything() == two.everything()
    assert len(one.log("a")) == 4


def test_what_cannot_be_merged_becomes_a_conflict_copy(
    one: Laptop, two: Laptop
) -> None:
    one.add("a", "text")
    one.sync()
    two.sync()
    one.edit("a", "mine")
    two.edit("a", "yours")
    one.sync()
    report = two.sync()
    assert (report.counts.conflicts, report.status.conflicts) == (1, 1)
    assert two.body("a") == "mine"
    assert one.sync().status.conflicts == 1
    assert one.everything() == two.everything()
    assert [each[2] for each in one.log("a")] == ["text", "mine", "yours"]


def test_names_that_collide_are_told_apart_on_both(one: Laptop, two: Laptop) -> None:
    one.add("a", "of one")
    two.add("a", "of two")
    one.sync()
    two.sync()
    one.sync()
    assert one.body("a") == two.body("a") == "of one"
    assert one.names() == two.names()
    assert len(one.names()) == 2
    one.delete("a")
    one.sync()
    two.sync()
    assert one.names() == two.names() == ["a"]
    assert one.everything() == two.everything()


def test_an_edit_wins_over_a_deletion(one: Laptop, two: Laptop) -> None:
    one.add("a", "text")
    one.sync()
    two.sync()
    one.delete("a")
    two.edit("a", "better text")
    one.sync()
    two.sync()
    one.sync()
    assert one.body("a") == two.body("a") == "better text"
    assert one.everything() == two.everything()


def test_a_deleted_prompt_is_in_the_trash_of_the_other(
    one: Laptop, two: Laptop
) -> None:
    one.add("a", "text")
    one.sync()
    two.sync()
    one.delete("a")
    one.sync()
    two.sync()
    assert two.names() == []
    assert two.names(trashed=True) == ["a"]


def test_what_both_devices_had_imported_is_there_once(one: Laptop, two: Laptop) -> None:
    for laptop in (one, two):
        laptop.add("chat/review", "Review this.")
        laptop.add("chat/plan", f"Plan of {laptop.home.name}.")
    one.sync()
    two.sync()
    one.sync()
    assert one.everything() == two.everything()
    assert [name for name in two.names() if "review" in name] == ["chat/review"]
    assert len(two.names()) == 3


def test_the_doctor_finds_nothing_wrong_after_a_sync(one: Laptop, two: Laptop) -> None:
    one.add("a", "first\n2\n3\n4\nlast\n")
    two.add("a", "another")
    one.sync()
    two.sync()
    one.edit("a", "FIRST\n2\n3\n4\nlast\n")
    two.edit("a", "first\n2\n3\n4\nLAST\n")
    for laptop in (one, two, one):
        laptop.sync()
    two.edit("a", "conflicting")
    one.edit("a", "differently")
    for laptop in (one, two, one):
        laptop.sync()
        assert laptop.problems() == []
    assert one.everything() == two.everything()


def test_a_conflict_outlives_another_server(one: Laptop, two: Laptop) -> None:
    one.add("a", "text")
    one.sync()
    two.sync()
    one.edit("a", "mine")
    two.edit("a", "yours")
    one.sync()
    two.sync()
    two.relink()
    report = two.sync()
    assert report.status.conflicts == 1
    assert one.sync().status.conflicts == 1
    assert one.everything() == two.everything()


def test_counts_that_are_damaged_do_not_stop_a_sync(one: Laptop, two: Laptop) -> None:
    one.add("a", "A")
    one.sync()
    one.add("b", "B")
    uses = [(f"{number:06}", 1, "2026-05-01T12:00:00.000Z") for number in range(5000)]
    with contextlib.closing(open_usage(one.paths.usage)) as usage:
        usage.execute("BEGIN")
        usage.executemany("INSERT INTO usage.uses VALUES (?, ?, ?)", uses)
        usage.execute("COMMIT")
    pages = one.paths.usage.read_bytes()
    half = len(pages) // 2
    one.paths.usage.write_bytes(pages[:half] + b"\xff" * (len(pages) - half))
    assert one.sync().counts.pushed == 1
    two.sync()
    assert two.names() == ["a", "b"]

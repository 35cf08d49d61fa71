"""Changes of prompts: each is written with the commit that records it."""

from datetime import timedelta

import pytest

from promptvault.domain.prompt import Content, Details, Prompt
from promptvault.errors import AlreadyExistsError
from promptvault.vault import outbox
from promptvault.vault.database import connected
from promptvault.vault.reader import Selection
from promptvault.vault.repository import Repository
from tests.conftest import AUTHOR, NOON, Vault

LATER = NOON + timedelta(hours=1)


def add(repository: Repository, name: str) -> Prompt:
    """Add a prompt whose text is its name."""
    return repository.add(name, Content(name), Details(), f"Add {name}")


def commits(vault: Vault) -> list[tuple[str, list[tuple[str, str | None]]]]:
    """Return message, and path and body of each file, of the commits that wait."""
    with connected(vault.database) as connection:
        return [
            (
                commit.message,
                [
                    (file.path, file.text and file.text.rpartition("---\n")[2])
                    for file in outbox.read_files(connection, commit)
                ],
            )
            for commit in outbox.read_pending(connection)
        ]


def test_each_change_has_its_commit(vault: Vault) -> None:
    with vault.writing() as repository:
        prompt = add(repository, "a/b")
        prompt = repository.add_version(prompt, Content("two"), "Change it")
        (prompt,) = repository.move([(prompt, "c")], "Move it")
        (prompt,) = repository.trash([prompt], "Delete it")

    trashed = f".trash/{prompt.id}.md"
    assert commits(vault) == [
        ("Add a/b", [("a/b.md", "a/b")]),
        ("Change it", [("a/b.md", "two")]),
        ("Move it", [("a/b.md", None), ("c.md", "two")]),
        ("Delete it", [("c.md", None), (trashed, "two")]),
    ]


def test_a_commit_names_author_and_time(vault: Vault) -> None:
    with vault.writing(LATER) as repository:
        add(repository, "a")

    with connected(vault.database) as connection:
        (commit,) = outbox.read_pending(connection)
    assert (commit.author, commit.created_at) == (AUTHOR, LATER)


def test_two_prompts_can_swap_their_names(vault: Vault) -> None:
    with vault.writing() as repository:
        one, two = add(repository, "x/one"), add(repository, "two")
        repository.move([(one, "two"), (two, "x/one")], "Swap")

    with vault.reading() as reader:
        assert reader.get("two").id == one.id
        assert reader.get("x/one").id == two.id


def test_a_name_that_is_taken_is_refused(vault: Vault) -> None:
    with vault.writing() as repository:
        prompt = add(repository, "a")
        add(repository, "b")
        (gone,) = repository.trash([add(repository, "c")], "")
        add(repository, "c")

        for change in (
            lambda: add(repository, "a"),
            lambda: repository.move([(prompt, "b")], ""),
            lambda: repository.describe([(prompt, "b", Details())], ""),
            lambda: repository.restore(gone, "c", ""),
        ):
            with pytest.raises(AlreadyExistsError, match="already"):
                change()

    with vault.reading() as reader:
        assert list(reader.names(Selection())) == ["a", "b", "c"]


def test_what_an_import_brings_can_be_described_as_a_part_of_it(vault: Vault) -> None:
    with vault.writing() as repository:
        one, two = add(repository, "one"), add(repository, "two")

    with vault.writing(LATER) as repository:
        repository.describe([(one, "x/one", Details("T"))], "", keep_time=True)
        repository.describe([(two, "two", Details("T"))], "")

    with vault.reading() as reader:
        assert (reader.get("x/one").title, reader.get("two").title) == ("T", "T")
        assert reader.get("x/one").updated_at == NOON
        assert reader.get("two").updated_at == LATER


def test_a_label_names_one_version(vault: Vault) -> None:
    with vault.writing() as repository:
        prompt = add(repository, "a")
        prompt = repository.add_version(prompt, Content("two"), "")
        first = repository.label(prompt, "best", 1, "")
        moved = repository.label(prompt, "best", 2, "")
        gone = repository.remove_label(prompt, "best", "")

    assert [each.labels for each in (first, moved, gone)] == [
        {"best": 1},
        {"best": 2},
        {},
    ]


def test_a_purged_prompt_leaves_nothing_in_the_tables(vault: Vault) -> None:
    with vault.writing() as repository:
        (kept, gone) = add(repository, "kept"), add(repository, "gone")
        repository.label(gone, "best", 1, "")
        (gone,) = repository.trash([gone], "")
        repository.purge([gone], "Empty the trash")

    assert commits(vault)[-1] == ("Empty the trash", [(f".trash/{gone.id}.md", None)])
    with connected(vault.database) as connection:
        for table in ("prompts", "versions"):
            sql = f"SELECT count(*) FROM {table}"
            assert connection.execute(sql).fetchone() == (1,)
        assert connection.execute("SELECT count(*) FROM labels").fetchone() == (0,)
    with vault.reading() as reader:
        assert reader.get("kept") == kept

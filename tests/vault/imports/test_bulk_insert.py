"""Bulk insert: what is added, what is updated, what is a duplicate."""

import sqlite3
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from promptvault.domain.imported_prompt import ImportedPrompt, ImportedVersion
from promptvault.domain.prompt import Content, Details, Origin
from promptvault.vault.database import bulk_transaction, connected
from promptvault.vault.imports.bulk_insert import BulkInsert, ImportOutcome
from tests.conftest import AUTHOR, NOON, Vault

LATER = NOON + timedelta(days=1)


def draft(
    body: str,
    key: str | None = None,
    *,
    created_at: datetime | None = None,
    message: str = "",
) -> ImportedVersion:
    origin = Origin("chat", "c", None, key)
    return ImportedVersion(Content(body), created_at, origin, message)


def prompt(*versions: ImportedVersion, name: str = "chat/a") -> ImportedPrompt:
    return ImportedPrompt(name, versions, "chat")


Use = Callable[[BulkInsert], object]


def insert(vault: Vault, use: Use, now: datetime = LATER) -> int:
    """Run *use* in one transaction; return how many prompts are held back."""
    with connected(vault.database) as connection, bulk_transaction(connection):
        inserts = BulkInsert(connection, AUTHOR, now, None)
        use(inserts)
        return inserts.finish("Import")


def upsert(vault: Vault, *prompts: ImportedPrompt) -> list[ImportOutcome]:
    outcomes: list[ImportOutcome] = []
    insert(vault, lambda inserts: outcomes.extend(map(inserts.upsert, prompts)))
    return outcomes


def bodies(vault: Vault, name: str = "chat/a") -> list[str]:
    with vault.reading() as reader:
        return [v.content.body for v in reader.versions(reader.get(name))]


def test_prompt_comes_twice_in_one_import(vault: Vault) -> None:
    assert upsert(vault, prompt(draft("one", "m")), prompt(draft("one", "m"))) == [
        ImportOutcome.ADDED,
        ImportOutcome.DUPLICATE,
    ]
    assert bodies(vault) == ["one"]


def test_newer_draft_of_a_message_is_a_version(vault: Vault) -> None:
    upsert(vault, prompt(draft("one", "m")))
    assert upsert(vault, prompt(draft("one", "m"), draft("two", "n"))) == [
        ImportOutcome.UPDATED
    ]
    assert bodies(vault) == ["one", "two"]
    with vault.reading() as reader:
        assert reader.get("chat/a").version == 2


def test_prompt_that_was_edited_here_gets_no_newer_draft(vault: Vault) -> None:
    upsert(vault, prompt(draft("one", "m")))
    with vault.writing(LATER) as repository:
        edited = repository.reader.get("chat/a")
        repository.add_version(edited, Content("mine"), "")
    assert upsert(vault, prompt(draft("one", "m"), draft("two", "n"))) == [
        ImportOutcome.EDITED_HERE
    ]
    assert bodies(vault) == ["one", "mine"]


def test_same_text_from_elsewhere_is_an_origin(vault: Vault) -> None:
    upsert(vault, prompt(draft("one", "m")))
    other = prompt(draft("one", "n"), name="chat/b")
    assert upsert(vault, other, other) == [ImportOutcome.DUPLICATE] * 2
    with vault.reading() as reader:
        origins = reader.origins(reader.get("chat/a"))
    assert [origin.message_id for origin in origins] == ["m", "n"]


def test_name_that_is_taken_gets_a_number(vault: Vault) -> None:
    with vault.writing() as repository:
        repository.add("chat/a", Content("mine"), Details(), "")
    upsert(vault, *(prompt(draft(body)) for body in ("one", "two", "three")))
    assert bodies(vault, "chat/a") == ["mine"]
    assert bodies(vault, "chat/a-2") == ["one"]
    assert bodies(vault, "chat/a-4") == ["three"]


def test_time_without_one_is_that_of_the_import(vault: Vault) -> None:
    early = datetime(2025, 1, 2, tzinfo=UTC)
    upsert(vault, prompt(draft("one"), draft("two", created_at=early)))
    with vault.reading() as reader:
        versions = reader.versions(reader.get("chat/a"))
        assert [version.created_at for version in versions] == [LATER, early]


def test_drafts_are_committed_in_order_before_the_import(vault: Vault) -> None:
    def day(number: int) -> datetime:
        return datetime(2025, 1, number, tzinfo=UTC)

    upsert(
        vault,
        prompt(
            draft("b", created_at=day(2), message="second"),
            draft("c", created_at=day(9)),
            name="chat/a",
        ),
        prompt(
            draft("a", created_at=day(1), message="first"),
            draft("d", created_at=day(3)),
            name="chat/b",
        ),
    )
    with connected(vault.database) as connection:
        sql = """SELECT message, count(*) FROM outbox o
            JOIN outbox_files f ON f.outbox_pk = o.pk GROUP BY o.pk ORDER BY o.pk"""
        commits = connection.execute(sql).fetchall()
    assert commits == [("first", 1), ("second", 1), ("Import", 2)]


def test_import_of_duplicates_makes_no_commit(vault: Vault) -> None:
    upsert(vault, prompt(draft("one", "m")))
    with connected(vault.database) as connection:
        connection.execute("DELETE FROM outbox_files")
        connection.execute("DELETE FROM outbox")
    upsert(vault, prompt(draft("one", "m")))
    with connected(vault.database) as connection:
        assert connection.execute("SELECT count(*) FROM outbox").fetchone() == (0,)


def test_new_files_are_sent_while_the_transaction_is_open(vault: Vault) -> None:
    sent: list[tuple[int, str]] = []
    with connected(vault.database) as connection, bulk_transaction(connection):
        inserts = BulkInsert(
            connection, AUTHOR, NOON, None, lambda *file: sent.append(file)
        )
        inserts.upsert(prompt(draft("one")))
        inserts.upsert(prompt(draft("two"), name="chat/b"))
        assert [text.rpartition("\n")[2] for _, text in sent] == ["one", "two"]
        inserts.finish("Import")
        keys = connection.execute("SELECT pk FROM outbox_files ORDER BY pk").fetchall()
    assert [key for key, _ in sent] == [key for (key,) in keys]


def test_secrets_are_counted(vault: Vault) -> None:
    key = "ghp_" + "a1B2" * 9
    held_back = insert(
        vault,
        lambda inserts: [
            inserts.upsert(prompt(draft(body), name=body[:4]))
            for body in ("plain", f"ghp_ {key}")
        ],
    )
    assert held_back == 1


class StopError(Exception):
    pass


def test_rollback_leaves_the_vault_as_it_was(vault: Vault) -> None:
    def stop(inserts: BulkInsert) -> None:
        inserts.upsert(prompt(draft("one")))
        raise StopError

    with pytest.raises(StopError):
        insert(vault, stop)
    with connected(vault.database) as connection:
        assert _has_trigger(connection)
        assert connection.execute("SELECT count(*) FROM prompts").fetchone() == (0,)


def test_prompts_are_found_by_search_afterwards(vault: Vault) -> None:
    upsert(vault, prompt(draft("umbrella")))
    with connected(vault.database) as connection:
        assert _has_trigger(connection)
        sql = "SELECT count(*) FROM search WHERE search MATCH 'umbrella'"
        assert connection.execute(sql).fetchone() == (1,)


def _has_trigger(connection: sqlite3.Connection) -> bool:
    sql = "SELECT count(*) FROM sqlite_master WHERE name = 'search_insert'"
    return bool(connection.execute(sql).fetchone()[0])

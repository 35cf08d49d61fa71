"""The reader returns exactly what the repository has written."""

import contextlib
import random
import sqlite3
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlmodel import create_engine

from promptvault.domain.imported_prompt import ImportedPrompt, ImportedVersion
from promptvault.domain.prompt import Author, Content, Details, Origin, Prompt
from promptvault.domain.variable import Variable, VariableType
from promptvault.errors import AlreadyExistsError
from promptvault.vault.database import bulk_transaction, connected
from promptvault.vault.imports.bulk_insert import BulkInsert, ImportOutcome
from promptvault.vault.imports.undo import undo_import
from promptvault.vault.reader import Selection
from promptvault.vault.repository import Repository
from promptvault.vault.tables import VaultTable
from tests.conftest import AUTHOR, NOON, Pvt, Vault

SAMPLES = Path(__file__).parents[1] / "importers" / "data"

texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))
variables = st.builds(
    Variable,
    st.from_regex(r"[a-z_]{1,9}", fullmatch=True),
    texts,
    st.none() | texts,
    st.lists(texts, max_size=2).map(tuple),
    st.booleans(),
    st.just(VariableType.STRING),
)
contents = st.builds(
    Content,
    texts,
    st.booleans(),
    st.lists(variables, max_size=2, unique_by=lambda v: v.name).map(tuple),
)
details = st.builds(
    Details,
    texts,
    texts,
    st.lists(texts, max_size=3).map(tuple),
    st.booleans(),
    st.booleans(),
)
times = st.datetimes(
    datetime(1970, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC)
).map(lambda time: time.replace(microsecond=time.microsecond // 1000 * 1000))
origins = st.builds(
    Origin, texts, *[st.none() | texts] * 4, st.none() | times, st.none() | texts
)
offered = st.builds(
    ImportedVersion,
    contents,
    st.none() | times,
    st.none() | origins,
    texts,
    st.none() | st.builds(Author, texts, texts),
    st.just(""),
)


@contextlib.contextmanager
def fresh() -> Iterator[Vault]:
    with TemporaryDirectory() as folder:
        yield Vault(Path(folder) / "vault.db", Path(folder) / "usage.db")


def bulk_insert_of(connection: sqlite3.Connection) -> BulkInsert:
    return BulkInsert(connection, AUTHOR, NOON, None)


def take_in(vault: Vault, *offers: ImportedPrompt) -> list[ImportOutcome]:
    with connected(vault.database) as connection, bulk_transaction(connection):
        inserts = bulk_insert_of(connection)
        outcomes = [inserts.upsert(offer) for offer in offers]
        inserts.finish("Import")
        return outcomes


@settings(max_examples=20)
@given(contents, details)
def test_the_reader_returns_what_the_repository_wrote(
    content: Content, known: Details
) -> None:
    # The domain checks variables; here they only have to survive.
    content = content._replace(
        variables=tuple(v for v in content.variables if not v.choices)
    )
    with fresh() as vault:
        with vault.writing() as repository:
            made = repository.add("some/name", content, known, "why")
        with vault.reading() as reader:
            assert reader.get("name") == made
            assert reader.current(made).content == content
            assert made.details == known
            (version,) = reader.versions(made)
    assert version[3:6] == ("why", AUTHOR, NOON)
    assert (made.created_at, made.updated_at, made.version) == (NOON, NOON, 1)


@settings(max_examples=20)
@given(st.lists(offered, min_size=1, max_size=3), details, st.lists(origins))
def test_the_reader_returns_what_the_intake_wrote(
    versions: list[ImportedVersion], known: Details, more: list[Origin]
) -> None:
    versions = [v._replace(content=Content(v.content.body)) for v in versions]
    offer = ImportedPrompt(
        "some/name",
        versions,
        "elsewhere",
        known.title,
        known.description,
        known.tags,
        known.favourite,
        {"best": len(versions)},
        origins=tuple(more),
        secrets_allowed=known.secrets_allowed,
    )
    with fresh() as vault:
        assert take_in(vault, offer) == [ImportOutcome.ADDED]
        with vault.reading() as reader:
            record = reader.record(reader.get("some/name"))
    assert record.prompt.details == known
    assert record.prompt.source == "elsewhere"
    assert record.prompt.labels == {"best": len(versions)}
    assert [v.content for v in record.versions] == [v.content for v in versions]
    assert [v.message for v in record.versions] == [v.message for v in versions]
    assert [v.created_at for v in record.versions] == [
        v.created_at or NOON for v in versions
    ]
    assert [v.author for v in record.versions] == [v.author or AUTHOR for v in versions]
    assert record.origins == (*(v.origin for v in versions if v.origin), *more)


def test_every_change_of_the_repository_is_read_back(vault: Vault) -> None:
    with vault.writing() as repository:
        prompt = repository.add("a/b", Content("one"), Details(), "")
    template = Content(
        "{{ n }}",
        True,
        (Variable("n", "how many", 3, (), False, VariableType.INTEGER),),
    )
    with vault.writing(NOON + timedelta(hours=1)) as repository:
        repository.add_version(prompt, template, "two")
        prompt = repository.label(repository.reader.get("b"), "best", 1, "")
        prompt = repository.update(prompt, Details("T", "D", ("x",), True), "")
        (prompt,) = repository.move([(prompt, "c")], "")
    with vault.reading() as reader:
        assert reader.get("c") == prompt
        assert [v.content for v in reader.versions(prompt)] == [
            Content("one"),
            template,
        ]
    assert prompt[1:10] == ("c", "T", "D", ("x",), True, True, "local", 2, {"best": 1})
    assert prompt.updated_at == NOON + timedelta(hours=1)
    with vault.writing() as repository:
        (gone,) = repository.trash([prompt], "")
    with vault.reading() as reader:
        assert reader.trashed("c") == gone
        assert reader.find("c") is None
        assert gone.deleted_at == NOON
    with vault.writing() as repository:
        back = repository.restore(gone, "d", "")
        again = repository.remove_label(back, "best", "")
    with vault.reading() as reader:
        assert reader.get("d") == again
        assert (again.deleted_at, again.labels) == (None, {})


def _columns(connection: sqlite3.Connection, table: str) -> list[tuple[object, ...]]:
    """Return name, type, nullability, default and key of every column, by name."""
    rows = connection.execute(f"PRAGMA table_xinfo({table})")
    return sorted(tuple(row[1:6]) for row in rows)


def _references(connection: sqlite3.Connection, table: str) -> set[tuple[str, ...]]:
    rows = connection.execute(f"PRAGMA foreign_key_list({table})")
    return {(row[3], row[2], row[4]) for row in rows}


def _indexes(
    connection: sqlite3.Connection, table: str
) -> set[tuple[bool, tuple[str, ...]]]:
    """Return whether each index is unique, and its columns."""
    found = set()
    for row in connection.execute(f"PRAGMA index_list({table})").fetchall():
        columns = connection.execute(f"PRAGMA index_info({row[1]})")
        found.add((bool(row[2]), tuple(column[2] for column in columns)))
    return found


@pytest.fixture
def schemas(vault: Vault) -> Iterator[tuple[sqlite3.Connection, sqlite3.Connection]]:
    """Return the migrated schema, and the one that the tables' metadata describes."""
    engine = create_engine("sqlite://")
    VaultTable.metadata.create_all(engine)
    raw = engine.raw_connection()
    assert isinstance(raw.driver_connection, sqlite3.Connection)
    with connected(vault.database) as migrated:
        yield migrated, raw.driver_connection
    raw.close()
    engine.dispose()


TABLES = sorted(VaultTable.metadata.tables)


@pytest.mark.parametrize("table", TABLES)
def test_the_migrated_schema_is_that_of_the_tables(
    schemas: tuple[sqlite3.Connection, sqlite3.Connection], table: str
) -> None:
    migrated, described = schemas
    assert _columns(migrated, table) == _columns(described, table)
    assert _references(migrated, table) == _references(described, table)
    assert _indexes(migrated, table) >= _indexes(described, table)


def test_the_migrations_make_no_table_that_tables_do_not_describe(vault: Vault) -> None:
    sql = "SELECT name FROM pragma_table_list WHERE schema = 'main' AND type = 'table'"
    with connected(vault.database) as connection:
        names = {row[0] for row in connection.execute(sql)}
    # Sync writes its own tables without SQLModel, which takes long to start.
    described = {name for name in names if not name.startswith("sync_")}
    assert described - {"sqlite_schema"} == set(TABLES)


def require_whole(database: Path) -> None:
    """Require that keys, pages and the search index are sound."""
    with contextlib.closing(sqlite3.connect(database)) as connection:
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        check = "INSERT INTO search (search, rank) VALUES ('integrity-check', 1)"
        connection.execute(check)  # fails when index and texts differ


def test_the_check_of_the_index_can_fail(vault: Vault) -> None:
    with vault.writing() as repository:
        repository.add("a", Content("one"), Details(), "")
    with contextlib.closing(sqlite3.connect(vault.database)) as connection:
        connection.execute("UPDATE versions SET body = 'two'")
        connection.commit()
    with pytest.raises(sqlite3.DatabaseError):
        require_whole(vault.database)


def test_the_vault_is_whole_after_every_command(pvt: Pvt, home: Path) -> None:
    chatgpt = str(SAMPLES / "samples" / "chatgpt" / "synthetic_export_v1.zip")
    claude = str(SAMPLES / "samples" / "claude_ai" / "synthetic_projects_v1.json")
    for command in (
        "add a/one Eins --title Ä --tag x",
        "add a/two Zwei --description d",
        "add a/one Uno --upsert -m again",
        "set a/one --title B --untag x --favourite",
        "set a/two --template",
        "set a/two --tag y",
        "set a/two --description e",
        "label a/one@1 best",
        "copy a/one b/three",
        "move a/ c/d/",
        "move three four",
        "revert c/d/one@1",
        "delete c/d/one four",
        "add four Neu",
        "trash restore c/d/one",
        "trash restore four --as five",
        f"import {chatgpt} --take all",
        f"import {claude} --take all",
        f"import {chatgpt} --take all",
        "delete c/d/two",
        "imports undo 1",
        "trash empty --yes",
        f"import {chatgpt} --take first --dry-run",
        "imports undo 2",
    ):
        pvt.ok(*command.split())
        require_whole(home / "data" / "vault.db")
    assert set(pvt.ok("list", "--plain").lines) >= {"c/d/one", "five", "four"}


@pytest.mark.parametrize("seed", range(3))
def test_the_vault_is_whole_after_any_changes(vault: Vault, seed: int) -> None:
    dice = random.Random(seed)
    for _ in range(12):
        if dice.random() < 0.3:
            import_some(vault, dice)
        else:
            with vault.writing() as repository:
                for _ in range(dice.randint(1, 6)):
                    change_something(repository, dice)
        require_whole(vault.database)


def import_some(vault: Vault, dice: random.Random) -> None:
    """Import new and known prompts; sometimes undo it."""
    now = NOON + timedelta(days=1)
    with connected(vault.database) as connection:
        with bulk_transaction(connection):
            row = connection.execute(
                "INSERT INTO imports (created_at, paths, options, report)"
                " VALUES ('2026-05-02T12:00:00.000Z', '[]', '{}', '{}')"
            )
            pk = int(row.lastrowid or 0)
            inserts = BulkInsert(connection, AUTHOR, now, pk)
            for _ in range(dice.randint(1, 6)):
                inserts.upsert(some_offer(dice))
            inserts.finish("Import")
        require_whole(vault.database)
        if dice.random() < 0.5:
            with bulk_transaction(connection):
                undo_import(connection, pk, "2026-05-02T12:00:00.000Z", AUTHOR, now)


def some_offer(dice: random.Random) -> ImportedPrompt:
    chat = dice.randint(1, 4)
    versions = [
        ImportedVersion(
            Content(f"draft {number} of {chat}"),
            origin=Origin("chat", f"c{chat}", None, f"m{chat}-{number}"),
        )
        for number in range(1, dice.randint(2, 4))
    ]
    return ImportedPrompt(f"chat/{chat}", versions, "chat")


def change_something(repository: Repository, dice: random.Random) -> None:
    trashed = dice.random() < 0.3
    found = list(repository.reader.prompts(Selection(trashed=trashed)))
    name = f"{dice.choice('ab')}/{dice.randint(1, 9)}"
    with contextlib.suppress(AlreadyExistsError):
        if not found or dice.random() < 0.3:
            repository.add(name, Content(f"text {dice.random()}"), Details("T"), "")
        else:
            change_one(repository, dice, dice.choice(found), name)


def change_one(
    repository: Repository, dice: random.Random, prompt: Prompt, name: str
) -> None:
    changes: list[Callable[[], object]] = [
        lambda: repository.add_version(prompt, Content(name * 3), ""),
        lambda: repository.update(prompt, Details(name), ""),
        lambda: repository.update(prompt, Details(prompt.title, tags=(name,)), ""),
        lambda: repository.move([(prompt, name)], ""),
        lambda: repository.label(prompt, "best", 1, ""),
        lambda: repository.trash([prompt], ""),
    ]
    if prompt.deleted_at:
        changes = [
            lambda: repository.restore(prompt, name, ""),
            lambda: repository.purge([prompt], ""),
        ]
    dice.choice(changes)()


def test_a_reader_sees_no_half_of_a_change(vault: Vault) -> None:
    with vault.writing() as repository:
        repository.add("a", Content("one"), Details(), "")
    with vault.writing() as repository, vault.reading() as reader:
        repository.add("b", Content("two"), Details(), "")
        assert list(reader.names(Selection())) == ["a"]
    with vault.reading() as reader:
        assert list(reader.names(Selection())) == ["a", "b"]


def test_an_error_saves_nothing(vault: Vault) -> None:
    def add_twice() -> None:
        with vault.writing() as repository:
            repository.add("a", Content("one"), Details(), "")
            repository.add("a", Content("two"), Details(), "")

    with pytest.raises(AlreadyExistsError):
        add_twice()
    with vault.reading() as reader:
        assert reader.count(Selection()) == 0

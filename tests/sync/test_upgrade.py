"""Upgrades with data: the server's schema, up and down, and a vault's, killed."""

import contextlib
import sqlite3
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import psycopg
import pytest
from alembic.script import ScriptDirectory
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict
from psycopg.rows import dict_row
from pydantic import SecretStr

import promptvault.server.migrations
from promptvault.server.postgres import database_choice, migration
from promptvault.server.settings import Settings
from promptvault.vault.migrations import LATEST, STEPS, run_step
from tests.faults.conftest import duplicate, pristine, shim  # noqa: F401 - fixtures
from tests.faults.hosting import Host, User
from tests.faults.program import Vault
from tests.faults.walk import Walk, every, few, walk
from tests.faults.wholeness import assert_whole, state
from tests.server.conftest import Server, scratch_database
from tests.sync.laptop import Laptop

STEPS_OF_SERVER = list(
    ScriptDirectory(str(Path(promptvault.server.migrations.__file__).parent))
    .walk_revisions()
)  # fmt: skip
"""Every revision, newest first."""
BEFORE_SYNC = 4
"""The schema of a vault before sync."""
POINTS = 6

Rows = dict[str, list[dict[str, Any]]]

# The server's schema


class Model(NamedTuple):
    """A server's database and two devices; each test gets copies."""

    database: str
    user: User
    laptops: tuple[Laptop, Laptop]


@contextlib.contextmanager
def _served(address: str) -> Iterator[str]:
    """Run a server on a database while the block runs; yields its URL."""
    settings = Settings(database_url=SecretStr(address))
    server = Server(database_choice.with_secret(settings))
    server.start()
    try:
        yield server.url
    finally:
        server.stop()


@pytest.fixture(scope="module")
def model(
    postgres: str, template: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Model]:
    """Return a vault with every kind of data, on a server and two devices."""
    folder = tmp_path_factory.mktemp("model")
    with scratch_database(postgres, template) as address:
        with _served(address) as url:
            user = _user(Host(url, address))
            laptops = _laptops(url, user, folder)
        yield Model(str(conninfo_to_dict(address)["dbname"]), user, laptops)


def _user(host: Host) -> User:
    user = host.add_user()
    with psycopg.connect(host.database) as connection:
        connection.execute(
            "INSERT INTO identities (issuer, subject, user_id)"
            " SELECT 'https://sign-in.example.org', 'ada', id FROM users"
        )
    return user


def _laptops(url: str, user: User, folder: Path) -> tuple[Laptop, Laptop]:
    """Return two devices after a merge, a conflict and a deletion."""
    one = Laptop(folder / "one", url, user.token)
    two = Laptop(folder / "two", url, user.token)
    for name in ("merged", "conflicting", "deleted"):
        one.add(name, "first\n2\n3\n4\nlast\n", tags=("a",))
    one.sync()
    two.sync()
    one.edit("merged", "FIRST\n2\n3\n4\nlast\n")
    two.edit("merged", "first\n2\n3\n4\nLAST\n")
    one.edit("conflicting", "ours")
    two.edit("conflicting", "theirs")
    one.delete("deleted")
    for laptop in (one, two, one):
        laptop.sync()
    return one, two


def _copied(laptop: Laptop, home: Path, url: str) -> Laptop:
    """Return a copy of a device whose server has another address."""
    copy = replace(laptop.copy(home), server=url)
    with contextlib.closing(sqlite3.connect(copy.paths.database)) as connection:
        connection.execute("UPDATE sync_link SET server = ?", (url,))
        connection.commit()
    return copy


@pytest.fixture
def address(postgres: str, model: Model) -> Iterator[str]:
    """Return the address of a copy of the model's database."""
    with scratch_database(postgres, model.database) as address:
        yield address


def _rows(address: str) -> Rows:
    """Return every table with its rows, sorted."""
    with psycopg.connect(address, row_factory=dict_row) as connection:
        found = connection.execute(
            "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
        ).fetchall()
        return {
            name: sorted(connection.execute(_all(name)).fetchall(), key=repr)
            for name in (row["tablename"] for row in found)
        }


def _all(table: str) -> sql.Composed:
    return sql.SQL("SELECT * FROM {}").format(sql.Identifier(table))


def _migrate_down_and_up(address: str, target: str) -> tuple[Rows, ...]:
    """Return all rows before, at *target*, and at the newest schema again."""
    before = _rows(address)
    migration.downgrade(address, target)
    below = _rows(address)
    migration.upgrade(address)
    return before, below, _rows(address)


@pytest.mark.parametrize(
    "target",
    [step.down_revision or "base" for step in STEPS_OF_SERVER],
    ids=[f"below-{step.revision}" for step in STEPS_OF_SERVER],
)
def test_what_an_older_schema_can_hold_stays_and_the_devices_refill_the_rest(
    model: Model, address: str, tmp_path: Path, target: str
) -> None:
    host = Host("", address)
    held = host.holdings(model.user)
    before, below, after = _migrate_down_and_up(address, target)
    assert all(before[name] for name in ("items", "revisions", "sides", "versions"))
    for name in (below.keys() & after.keys()) - {"alembic_version"}:
        if "items" not in below and name in {"vaults", "accounts"}:
            continue  # they count what is deleted
        columns = _columns_in(below[name]) & _columns_in(after[name])
        assert _only(columns, after[name]) == _only(columns, before[name]), name
    with _served(address) as url:
        if target == "base":
            return  # it has no users, so its tokens are gone
        one, two = (
            _copied(each, tmp_path / each.home.name, url) for each in model.laptops
        )
        _go_on(one, two)
        now = host.holdings(model.user)
        assert (now.prompts, now.counted) == (held.prompts, held.counted)
        assert (now.versions, now.open_sides) == (held.versions + 1, held.open_sides)
        newcomer = Laptop(tmp_path / "three", url, model.user.token)
        newcomer.sync()
        assert newcomer.everything() == one.everything()


def _go_on(one: Laptop, two: Laptop) -> None:
    two.edit("merged", "changed since")
    for laptop in (one, two, one, two):
        laptop.sync()
    assert one.body("merged") == "changed since"
    assert one.everything() == two.everything()


def _columns_in(rows: list[dict[str, Any]]) -> set[str]:
    return {*rows[0]} if rows else set()


def _only(columns: Iterable[str], rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{column: row[column] for column in columns} for row in rows]


# The vault's schema


@pytest.fixture
def old(
    pristine: Vault,  # noqa: F811
    tmp_path: Path,
) -> Vault:
    """Return a vault of the last program without sync."""
    vault = duplicate(pristine, tmp_path / "old" / "home")
    with contextlib.closing(sqlite3.connect(vault.database)) as connection:
        _take_back(connection)
        assert _schema(connection) == _schema_before_sync()
    return vault


def _take_back(connection: sqlite3.Connection) -> None:
    """Revert the migrations of sync."""
    wanted = {name for _, name, _ in _schema_before_sync()}
    for kind in ("trigger", "index", "table"):
        for found, name, text in _schema(connection):
            if found == kind and text and name not in wanted:
                connection.execute(f"DROP {kind} IF EXISTS {name}")
    for table, column in _columns(connection) - _columns(_before_sync()):
        connection.execute(f"ALTER TABLE {table} DROP COLUMN {column}")
    connection.execute(f"PRAGMA user_version = {BEFORE_SYNC}")
    connection.commit()


def _before_sync() -> sqlite3.Connection:
    connection = sqlite3.connect(":memory:")
    for step in STEPS[:BEFORE_SYNC]:
        run_step(connection, step)
    return connection


def _schema_before_sync() -> set[tuple[str, str, str | None]]:
    with contextlib.closing(_before_sync()) as connection:
        return _schema(connection)


def _schema(connection: sqlite3.Connection) -> set[tuple[str, str, str | None]]:
    rows = connection.execute("SELECT type, name, sql FROM sqlite_schema")
    return set(rows.fetchall())


def _columns(connection: sqlite3.Connection) -> set[tuple[str, str]]:
    return set(
        connection.execute(
            """SELECT t.name, c.name FROM sqlite_schema t
            JOIN pragma_table_info(t.name) c WHERE t.type = 'table'"""
        )
    )


@pytest.fixture
def walker(
    old: Vault,
    shim: Path,  # noqa: F811
    tmp_path: Path,
) -> Walk:
    """Return a walk through this program's first command on the old vault."""
    return Walk(shim, tmp_path, old, ("set", "kept/one", "--title", "A title"))


def test_an_upgrade_killed_at_some_calls(walker: Walk) -> None:
    calls = walker.rehearse()
    walk(walker, calls, few(calls, POINTS))


@pytest.mark.soak
@pytest.mark.parametrize("torn", [False, True], ids=["whole", "torn"])
def test_an_upgrade_killed_at_every_call(walker: Walk, torn: bool) -> None:
    calls = walker.rehearse()
    walk(walker, calls, every(calls, torn))


def test_an_old_vault_is_synced_with_all_it_has(
    old: Vault, database_url: str, tmp_path: Path
) -> None:
    before = state(old)
    other = Vault(tmp_path / "other" / "home")
    other.home.parent.mkdir()
    with _served(database_url) as url:
        user = Host(url, database_url).add_user()
        for vault in (old, other):
            vault.ok("login", "--server", url, "--token", "-", stdin=user.token)
            vault.quiet("sync")
    with contextlib.closing(sqlite3.connect(old.database)) as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (LATEST,)
    assert state(old) == before
    assert_whole(old)
    assert state(other).prompts == before.prompts
    assert_whole(other)

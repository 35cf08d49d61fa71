"""The schema: what the migrations create, up and down, with rows."""

import re
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import psycopg
import pytest
import sqlalchemy
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from psycopg.conninfo import make_conninfo

from promptvault.domain.tier import Tier
from promptvault.errors import UnavailableError
from promptvault.server.admin import Admin
from promptvault.server.postgres import migration
from promptvault.server.settings import Settings
from promptvault.server.tables import METADATA
from tests.server.conftest import EMAIL


def _tables(url: str) -> dict[str, int]:
    """Return each table with its number of rows."""
    with psycopg.connect(url) as connection:
        names = connection.execute(
            "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
        ).fetchall()
        return {
            name: connection.execute(f"SELECT count(*) FROM {name}").fetchall()[0][0]
            for (name,) in names
        }


def test_the_migrations_make_what_the_tables_say(database_url: str) -> None:
    engine = sqlalchemy.create_engine(
        "postgresql+psycopg://", creator=lambda: psycopg.connect(database_url)
    )
    with engine.connect() as connection:
        context = MigrationContext.configure(
            connection, opts={"compare_server_default": True}
        )
        assert compare_metadata(context, METADATA) == []
    engine.dispose()
    assert _tables(database_url).keys() == {*METADATA.tables, "alembic_version"}


def test_rate_limits_cost_no_log(database_url: str) -> None:
    with psycopg.connect(database_url) as connection:
        unlogged = connection.execute(
            "SELECT relname FROM pg_class WHERE relpersistence = 'u' AND relkind = 'r'"
        ).fetchall()
    assert unlogged == [("rate_limits",)]


def test_down_and_up_again_on_a_database_with_rows(
    database_url: str, admin: Admin, token: str
) -> None:
    assert {name for name, rows in _tables(database_url).items() if rows} >= {
        *("accounts", "users", "vaults", "vault_members", "tokens"),
    }
    migration.downgrade(database_url, "base")
    assert _tables(database_url).keys() == {"alembic_version"}
    migration.upgrade(database_url)
    admin.add_user(EMAIL, Tier.FREE)


def test_events_are_there_after_a_way_down_and_up(database_url: str) -> None:
    with psycopg.connect(database_url) as connection:
        connection.execute(
            "INSERT INTO external_events (source, external_id, kind)"
            " VALUES ('clerk', 'msg_1', 'user.created')"
        )
    migration.downgrade(database_url, "0005")
    with psycopg.connect(database_url) as connection:
        rows = connection.execute(
            "SELECT payload, handled_at = created_at FROM external_events"
        ).fetchall()
    assert rows == [({}, True)]
    migration.upgrade(database_url)
    assert _tables(database_url)["external_events"] == 1


def test_what_was_there_is_counted_and_numbered(
    database_url: str, admin: Admin
) -> None:
    admin.add_user(EMAIL, Tier.FREE)
    with psycopg.connect(database_url) as connection:
        ((vault,),) = connection.execute("SELECT id FROM vaults").fetchall()
        item, rev = uuid4(), uuid4()
        connection.execute(
            "INSERT INTO items VALUES (%s, %s, %s, 2, false, 1, '12345')",
            (vault, item, rev),
        )
        for seq in (2, 1):
            connection.execute(
                "INSERT INTO versions (vault_id, version_id, item_id, seq, position,"
                " payload, number) VALUES (%s, %s, %s, %s, 0, '1234', 9)",
                (vault, uuid4(), item, seq),
            )
        connection.execute(
            "INSERT INTO sides VALUES (%s, %s, %s, 3, true, NULL)", (vault, rev, item)
        )
    migration.downgrade(database_url, "0006")
    migration.upgrade(database_url)
    with psycopg.connect(database_url) as connection:
        stored = connection.execute("SELECT stored_bytes FROM accounts").fetchall()
        numbers = connection.execute("SELECT seq, number FROM versions").fetchall()
    assert stored == [(4 * 200 + 5 + 2 * 4,)]
    assert sorted(numbers) == [(1, 1), (2, 2)]


def test_up_again_changes_nothing(database_url: str, token: str) -> None:
    before = _tables(database_url)
    migration.upgrade(database_url)
    assert _tables(database_url) == before
    assert migration.current(database_url) == migration.newest()


def test_two_that_migrate_at_once_wait_for_each_other(empty_database_url: str) -> None:
    with ThreadPoolExecutor(4) as threads:
        list(threads.map(migration.upgrade, [empty_database_url] * 4))
    assert migration.current(empty_database_url) == migration.newest()


def test_a_schema_that_is_not_ours_is_refused(
    empty_database_url: str, database_url: str
) -> None:
    migration.refuse_outdated(database_url)
    with pytest.raises(UnavailableError, match="server migrate"):
        migration.refuse_outdated(empty_database_url)
    with psycopg.connect(database_url) as connection:
        connection.execute("UPDATE alembic_version SET version_num = 'later'")
    with pytest.raises(UnavailableError, match="newer"):
        migration.refuse_outdated(database_url)
    for change in (migration.upgrade, lambda url: migration.downgrade(url, "base")):
        with pytest.raises(UnavailableError, match="newer"):
            change(database_url)
    assert migration.current(database_url) == "later"


def test_an_address_stays_secret(settings: Settings, postgres: str) -> None:
    wrong = make_conninfo(postgres, dbname="nowhere", password="tell-nobody")
    with pytest.raises(UnavailableError) as caught:
        migration.current(wrong)
    assert not re.search("tell-nobody|nowhere", str(caught.value))
    assert caught.value.__cause__ is None


def test_devices_may_use_the_model_from_then_on(database_url: str, token: str) -> None:
    def scopes() -> list[tuple[list[str]]]:
        with psycopg.connect(database_url) as connection:
            return connection.execute("SELECT scopes FROM tokens").fetchall()

    with psycopg.connect(database_url) as connection:
        connection.execute(
            "INSERT INTO ai_months (account_id, month, spent)"
            " SELECT id, now(), 7 FROM accounts"
        )
    migration.downgrade(database_url, "0016")
    assert scopes() == [(["sync:read", "sync:write"],)]
    migration.upgrade(database_url)
    assert scopes() == [(["sync:read", "sync:write", "ai:use"],)]

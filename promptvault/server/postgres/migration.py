"""The revision of the schema: the current one, the newest, and migrations."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

import psycopg
import sqlalchemy
from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import pool

from promptvault.errors import UnavailableError
from promptvault.server.database import connection_failure

_FOLDER = Path(__file__).parents[1] / "migrations"
_LOCK = 0x50565F4D  # the advisory lock of a migration


def newest() -> str:
    """Return the revision that this program needs."""
    return str(_steps().get_current_head())


def current(url: str) -> str | None:
    """Return the database's revision; None if it has no schema.

    Raises UnavailableError if the database does not answer.
    """
    with _connected(url) as connection:
        return _revision(connection)


def upgrade(url: str, target: str = "head") -> None:
    """Migrate the schema up to *target*; concurrent calls run one after the other.

    Raises UnavailableError if the database does not answer, or if a newer program has
    made its schema.
    """
    with _locked(url) as config:
        command.upgrade(config, target)


def downgrade(url: str, target: str) -> None:
    """Migrate the schema down to *target*; "base" is no schema. Raises as `upgrade`."""
    with _locked(url) as config:
        command.downgrade(config, target)


def refuse_outdated(url: str) -> None:
    """Raise UnavailableError unless the schema has the revision of this program."""
    found = current(url)
    _refuse_newer(found)
    if found != newest():
        raise UnavailableError(
            "The database's schema is older than this program: run"
            " 'promptvault server migrate' first."
        )


def _refuse_newer(revision: str | None) -> None:
    known = {step.revision for step in _steps().walk_revisions()}
    if revision is not None and revision not in known:
        raise UnavailableError(
            "The database's schema is newer than this program: install the newer one."
        )


def _revision(connection: sqlalchemy.Connection) -> str | None:
    return MigrationContext.configure(connection).get_current_revision()


def _steps() -> ScriptDirectory:
    return ScriptDirectory(str(_FOLDER))


@contextlib.contextmanager
def _locked(url: str) -> Iterator[Config]:
    with _connected(url) as connection:
        connection.execute(sqlalchemy.select(sqlalchemy.func.pg_advisory_lock(_LOCK)))
        _refuse_newer(_revision(connection))
        connection.commit()
        config = Config()
        config.set_main_option("script_location", str(_FOLDER).replace("%", "%%"))
        config.attributes["connection"] = connection
        yield config
        connection.commit()


@contextlib.contextmanager
def _connected(url: str) -> Iterator[sqlalchemy.Connection]:
    """Connect by a connection string of psycopg; closing releases the lock."""
    try:
        opened = psycopg.connect(url, connect_timeout=10)
    except psycopg.Error as error:
        raise connection_failure(error) from None
    engine = sqlalchemy.create_engine(
        "postgresql+psycopg://", creator=lambda: opened, poolclass=pool.NullPool
    )
    with engine.connect() as connection:
        yield connection

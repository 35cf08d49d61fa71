"""Which database a command works on, and the settings that go with it.

It is the one that the operator names, or else the embedded one in the server's folder.
"""

import contextlib
import secrets
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import psycopg
import sqlalchemy
from psycopg.conninfo import conninfo_to_dict
from psycopg.errors import InsufficientPrivilege
from pydantic import SecretStr, ValidationError

from promptvault.errors import InvalidInputError, UnavailableError
from promptvault.server.database import connection_failure
from promptvault.server.postgres import embedded, migration
from promptvault.server.postgres.embedded import Cluster
from promptvault.server.settings import Settings

_SECRET_BYTES = 48


class Deployment(NamedTuple):
    """What a server needs to run."""

    settings: Settings
    """With a database and a secret."""
    wait_for_end: Callable[[], None] | None
    """Returns when the embedded database has ended; None for any other database."""


@contextlib.contextmanager
def open_deployment(url: str | None, folder: Path) -> Iterator[Deployment]:
    """Yield what `serve` runs on: the database at *url*, or the embedded one.

    The embedded database runs, and its schema is migrated, while the block runs. Any
    other database must have the schema of this program already: migrating it is a step
    of its own. Raises InvalidInputError, UnavailableError, ConflictError.
    """
    settings, wait_for_end = read_settings(url), None
    with contextlib.ExitStack() as stack:
        if settings.database_url is None:
            address = stack.enter_context(embedded.owned(folder))
            settings = _on_embedded(settings, address)
            wait_for_end = Cluster(folder).wait_for_end
        with _explain_missing_right("use its tables"):
            migration.refuse_outdated(settings.address)
            settings = with_secret(settings)
        yield Deployment(settings, wait_for_end)


@contextlib.contextmanager
def open_for_admin(url: str | None, folder: Path) -> Iterator[Settings]:
    """Yield the settings for an operator's command, whether a server runs or not.

    Raises InvalidInputError, UnavailableError.
    """
    settings = read_settings(url)
    with contextlib.ExitStack() as stack:
        if settings.database_url is None:
            address = stack.enter_context(embedded.borrowed(folder))
            settings = _on_embedded(settings, address)
        stack.enter_context(_explain_missing_right("use its tables"))
        migration.refuse_outdated(settings.address)
        yield with_stored_url(with_secret(settings))


def migrate(url: str | None, folder: Path) -> str | None:
    """Bring the schema up to date, and return its revision.

    Raises InvalidInputError, UnavailableError.
    """
    settings = read_settings(url)
    with contextlib.ExitStack() as stack:
        if settings.database_url is None:
            address = stack.enter_context(embedded.borrowed(folder))
            settings = _with(settings, database_url=address)
        stack.enter_context(_explain_missing_right("change its schema"))
        migration.upgrade(settings.address)
        return migration.current(settings.address)


@contextlib.contextmanager
def _explain_missing_right(task: str) -> Iterator[None]:
    """Raise UnavailableError if the database's user has no right to do *task*."""
    refusal = UnavailableError(
        f"The database's user may not {task}: grant it that, or give the address with"
        " a user who may."
    )
    try:
        yield
    except InsufficientPrivilege:
        raise refusal from None
    except sqlalchemy.exc.DBAPIError as error:
        if isinstance(error.orig, InsufficientPrivilege):
            raise refusal from None
        raise


def read_settings(url: str | None) -> Settings:
    """Return the settings of the environment; *url* replaces its database.

    An empty *url* counts as none. Raises InvalidInputError, which names the setting but
    never its value.
    """
    given: dict[str, Any] = {"database_url": url} if url else {}
    try:
        settings = Settings(**given)
    except ValidationError as error:
        problem = error.errors(include_input=False, include_context=False)[0]
        name = str(problem["loc"][0]).upper() if problem["loc"] else "…"
        reason = problem["msg"].removeprefix("Value error, ")
        raise InvalidInputError(
            f"PROMPTVAULT_SERVER_{name} cannot be used: {reason}."
        ) from None
    for address in filter(None, (settings.database_url, settings.listen_url)):
        _require_address(address.get_secret_value())
    return settings


def _require_address(text: str) -> None:
    """Raise InvalidInputError unless the driver reads the address as it is meant.

    An '@' or '/' in a password ends the password early. The driver then takes the rest
    for a host, a port or a name, and would only report that there is no such host.
    """
    reason = "it must be as 'postgresql://USER@HOST/DATABASE'"
    try:
        parts = conninfo_to_dict(text)
        is_plain = not any("@" in str(parts.get(name)) for name in ("host", "dbname"))
    except psycopg.Error:
        is_plain = False
    if is_plain:
        return
    if "@" in text:
        reason += (
            "; percent-encode what a password holds of '@' (%40), '#' (%23), '/' (%2F),"
            " ':' (%3A), '%' (%25) and blanks (%20)"
        )
    raise InvalidInputError(
        f"The database's address cannot be understood: {reason}."
    ) from None


def store_public_url(settings: Settings) -> None:
    """Store the server's public URL, so that links printed by commands can use it."""
    missing_right = _explain_missing_right("use its tables")
    with missing_right, _connected(settings) as connection:
        connection.execute(
            "INSERT INTO server_settings (name, value) VALUES ('address', %s)"
            " ON CONFLICT (name) DO UPDATE SET value = excluded.value",
            (settings.public_url,),
        )


def with_stored_url(settings: Settings) -> Settings:
    """Return settings with the public URL that a server on this database stored last.

    One that the operator has set stays.
    """
    if "public_url" in settings.model_fields_set:
        return settings
    with _connected(settings) as connection:
        row = connection.execute(
            "SELECT value FROM server_settings WHERE name = 'address'"
        ).fetchone()
    return settings.model_copy(update={"public_url": row[0]}) if row else settings


def with_secret(settings: Settings) -> Settings:
    """Return settings with a secret: the operator's, or the one in the database.

    The first call makes the one in the database; all instances of the server use it.
    """
    if settings.secret is not None:
        return settings
    with _connected(settings) as connection:
        connection.execute(
            "INSERT INTO server_settings (name, value) VALUES ('secret', %s)"
            " ON CONFLICT DO NOTHING",
            (secrets.token_urlsafe(_SECRET_BYTES),),
        )
        row = connection.execute(
            "SELECT value FROM server_settings WHERE name = 'secret'"
        ).fetchone()
    assert row is not None
    return _with(settings, secret=row[0])


@contextlib.contextmanager
def _connected(settings: Settings) -> Iterator[psycopg.Connection[Any]]:
    try:
        opened = psycopg.connect(settings.address, connect_timeout=10)
    except psycopg.Error as error:
        raise connection_failure(error) from None
    with opened as connection:
        yield connection


def _on_embedded(settings: Settings, address: str) -> Settings:
    settings = _with(settings, database_url=address)
    return settings.model_copy(update={"purge_daily": True})


def _with(settings: Settings, **secret_values: str) -> Settings:
    changes = {name: SecretStr(value) for name, value in secret_values.items()}
    return settings.model_copy(update=changes)

"""Which database a command works on, and the settings that go with it."""

import contextlib
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
from pydantic import SecretStr, ValidationError

from promptvault.errors import InvalidInputError
from promptvault.server import embedded, migration
from promptvault.server.database import connection_failure
from promptvault.server.settings import Settings

_SECRET_BYTES = 48


@contextlib.contextmanager
def serving(url: str | None, folder: Path) -> Iterator[Settings]:
    """Yield settings to serve with: on the database given, or the one in *folder*.

    A database that was given must have the schema of this program: migrating it is a
    step of its own. Raises InvalidInputError, UnavailableError, ConflictError.
    """
    settings = read(url)
    with contextlib.ExitStack() as stack:
        if settings.database_url is None:
            address = stack.enter_context(embedded.owned(folder))
            settings = _with(settings, database_url=address)
            settings = settings.model_copy(update={"purge_daily": True})
        migration.refuse_outdated(settings.address)
        yield with_secret(settings)


@contextlib.contextmanager
def administering(url: str | None, folder: Path) -> Iterator[Settings]:
    """Yield settings for a command beside a server, which may run or not."""
    settings = read(url)
    with contextlib.ExitStack() as stack:
        if settings.database_url is None:
            address = stack.enter_context(embedded.borrowed(folder))
            settings = _with(settings, database_url=address)
        migration.refuse_outdated(settings.address)
        yield with_secret(settings)


def migrate(url: str | None, folder: Path) -> str | None:
    """Bring the schema up to date, and return the revision it now is."""
    settings = read(url)
    with contextlib.ExitStack() as stack:
        if settings.database_url is None:
            address = stack.enter_context(embedded.borrowed(folder))
            settings = _with(settings, database_url=address)
        migration.upgrade(settings.address)
        return migration.current(settings.address)


def read(url: str | None) -> Settings:
    """Return the settings of the environment, with *url* before its own.

    Raises InvalidInputError, which names a setting but not its value.
    """
    given: dict[str, Any] = {} if url is None else {"database_url": url}
    try:
        return Settings(**given)
    except ValidationError as error:
        problem = error.errors(include_input=False, include_context=False)[0]
        name = str(problem["loc"][0]).upper() if problem["loc"] else "…"
        name = name.removeprefix("PROMPTVAULT_SERVER_")
        raise InvalidInputError(
            f"PROMPTVAULT_SERVER_{name} cannot be used: {problem['msg']}."
        ) from None


def with_secret(settings: Settings) -> Settings:
    """Return settings that have a secret: the operator's, or the database's own.

    The first to ask draws it; every instance of the server then uses the same.
    """
    if settings.secret is not None:
        return settings
    try:
        connection = psycopg.connect(settings.address, connect_timeout=10)
    except psycopg.Error as error:
        raise connection_failure(error) from None
    with connection:
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


def _with(settings: Settings, **secret_values: str) -> Settings:
    changes = {name: SecretStr(value) for name, value in secret_values.items()}
    return settings.model_copy(update=changes)
